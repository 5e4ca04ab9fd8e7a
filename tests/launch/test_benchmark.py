"""The benchmark measures what it says; how fast is for people to judge."""

import json

import jax
import pytest

from launch.benchmark import __main__ as benchmark
from launch.benchmark import peak
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


def test_the_gymnax_adapter_is_timed_beside_the_environment(capsys):
    words = ["sizes=s", "observations=blind", "worlds=4", "steps=2", "rounds=1", "gymnax=true"]
    assert benchmark.main(["env", *words]) == 0
    _, found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (found["what"], found["size"], found["worlds"]) == ("fulcrum gymnax under vmap", "s", 4)
    assert found["share_of_native"] == pytest.approx(found["steps_per_s"] / found["native_steps_per_s"], abs=0.01)


@pytest.fixture
def quick():
    """Let XLA leave programs as they are: what is measured here is of no interest."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_train_gives_a_line_a_network_with_its_phases(capsys):
    words = ["sizes=s", "network=flat", "worlds=4", "steps=2", "epochs=2", "minibatches=1", "rounds=1", "block_worlds=2", "devices=2"]
    assert benchmark.main(["train", *words]) == 0
    [row] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (row["what"], row["size"], row["worlds"], row["devices"], row["block"]) == ("fulcrum train flat", "s", 4, 2, 2)
    assert row["compile_s"] > 0
    assert row["steps_per_s"] > 0
    assert all(row[f"{phase}_us"] > 0 for phase in ("policy", "physics", "observation", "update"))
    # Two operations a weight when acting, six an epoch when learning. Observing again comes on top, and Adam's
    # operations, about 20 a weight and epoch, are shared by 8 samples alone.
    assert 1 < row["network_flops_per_step"] / (row["parameters"] * (2 + 6 * 2 + 20 * 2 / 8)) < 1.6
    assert row["peak_memory_mb"] > 0
    assert row["share_of_peak"] is None, "of a CPU nobody knows"


def test_the_share_of_peak_is_that_of_the_device_and_the_precision():
    assert peak.share(1e9, 1e5, "NVIDIA H100 80GB HBM3", "bfloat16") == pytest.approx(1e14 / 989.4e12, abs=1e-5)
    assert peak.share(1e9, 1e5, "NVIDIA H100 80GB HBM3", "float32") == pytest.approx(1e14 / 494.7e12, abs=1e-5)
    assert peak.share(1e9, 1e5, "NVIDIA H100 PCIe", "bfloat16") == pytest.approx(1e14 / 756e12, abs=1e-5)
    assert peak.share(1e9, 1e5, "TPU v5 lite", "bfloat16") == pytest.approx(1e14 / 197e12, abs=1e-5)
    assert peak.share(1e9, 1e5, "cpu", "float32") is None
    assert peak.share(None, 1e5, "NVIDIA H100", "float32") is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["physics", "sizes=s,xl"], "sizes: found 'xl'"),
        (["physics", "world=2"], "no setting 'world'.*Did you mean worlds"),
        (["physics", "worlds=3", "devices=2"], "found 3, wanted a multiple of the 2 devices"),
        (["env", "observations=smell"], "observations: found 'smell'"),
        (["env", "--profile"], "--profile: found 'env', wanted physics"),
        (["train", "network=huge"], "network: found 'huge'"),
        (["train", "worlds=3", "minibatches=7"], "minibatches: found 7, wanted a divisor"),
        (["train", "--profile"], "--profile: found 'train'"),
        (["chemistry"], "invalid choice: 'chemistry'"),
    ],
)
def test_bad_input_is_named(words, message):
    with pytest.raises(InputError, match=message):
        benchmark.main(words)
