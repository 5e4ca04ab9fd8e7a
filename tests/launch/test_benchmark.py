"""The benchmark measures what it says; how fast is for people to judge."""

import json

import pytest

from launch.benchmark import __main__ as benchmark
from physics.errors import InputError


def test_physics_gives_a_line_a_size_and_a_line_a_stage(capsys):
    assert benchmark.main(["physics", "sizes=s", "worlds=4", "steps=2", "rounds=1", "block_worlds=2", "devices=2", "--profile"]) == 0
    case, *stages = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (case["what"], case["size"], case["worlds"], case["devices"], case["block"]) == ("fulcrum physics", "s", 4, 2, 2)
    assert case["compile_s"] > 0
    assert case["steps_per_s"] > 0
    names = [stage["what"] for stage in stages]
    assert {"fulcrum physics: solve.pairs", "fulcrum physics: collide.pairs"} <= set(names)
    times = [stage["us_per_world_step"] for stage in stages]
    assert times == sorted(times, reverse=True)
    assert min(times) >= 0
    assert times[0] > 0


def test_env_gives_a_line_an_observation_and_one_for_the_generator(capsys):
    words = ["sizes=s", "observations=blind", "worlds=4", "steps=2", "rounds=1", "block_worlds=2", "devices=2", "levels=4"]
    assert benchmark.main(["env", *words]) == 0
    played, generated = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (played["what"], played["size"], played["worlds"], played["block"]) == ("fulcrum env blind", "s", 4, 2)
    assert played["steps_per_s"] > 0
    assert (generated["what"], generated["levels"]) == ("fulcrum generator", 4)
    assert generated["levels_per_s"] > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["physics", "sizes=s,xl"], "sizes: found 'xl'"),
        (["physics", "world=2"], "no setting 'world'.*Did you mean worlds"),
        (["physics", "worlds=3", "devices=2"], "found 3, wanted a multiple of the 2 devices"),
        (["env", "observations=smell"], "observations: found 'smell'"),
        (["env", "--profile"], "--profile: found 'env', wanted physics"),
        (["chemistry"], "invalid choice: 'chemistry'"),
    ],
)
def test_bad_input_is_named(words, message):
    with pytest.raises(InputError, match=message):
        benchmark.main(words)
