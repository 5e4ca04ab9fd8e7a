"""The scaling calculator as a person types it."""

import json

import jax
import pytest

from cluster import memory_plan
from launch import config, plan
from physics.errors import InputError
from tests.tiny import WORDS, build_roles

ROW = {
    "what": "fulcrum train deepset", "size": "s", "worlds": 64, "steps": 8, "epochs": 4, "parameters": 1234, "policy_us": 1.0,
    "physics_us": 2.0, "observation_us": 0.5, "update_us": 3.0, "devices": 2, "device": "X1",
}  # fmt: skip
PLAN = ["run.total_steps=640", *WORDS]


@pytest.fixture
def measured(tmp_path):
    file = tmp_path / "measured.json"
    other = ROW | {"size": "m", "physics_us": 100.0}
    generator = {"what": "fulcrum generator", "size": "s", "levels_per_s": 5000}
    file.write_text("".join(json.dumps(row) + "\n" for row in (other, ROW, generator)))
    return str(file)


def test_what_a_run_asks_for_is_as_large_as_its_arrays():
    roles = build_roles()
    job = plan.job(config.load(PLAN, schema=plan.PlanConfig))
    params = roles.learner.init(jax.random.key(0)).params
    assert job.parameter_bytes == sum(leaf.nbytes for leaf in jax.tree.leaves(params))
    held = memory_plan.make(config.load(PLAN), roles).held
    assert (job.rollout_bytes, job.world_bytes) == (2 * held["rollout"], 2 * held["worlds"])
    assert (job.steps, job.gradient_steps) == (64, 4)  # 8 worlds x 8 steps; 2 minibatches, 2 epochs
    assert job.scouted == 8 * 2 * 12 / (2 * 2)  # candidates, attempts, steps of an episode; every second assignment of two rollouts
    assert job.drawn == 8 / 2 * 0.5 + 8 / 4
    assert job.levels == 4


def test_speeds_of_a_file_are_those_of_one_device_and_of_as_many_epochs(measured, capsys):
    assert plan.main([*PLAN, "--measured", measured, "--gpus", "4", "--json"]) == 0
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert row["busy_s"]["learner"] == pytest.approx(64 * (3.0 * 2 / 4 * 2) * 1e-6 / 4)  # 2 devices; 2 epochs, not 4
    assert row["busy_s"]["curriculum service"] == pytest.approx((4 * 200 + 4 * 3) * 1e-6)
    assert row["gpus"] == 4
    assert "2 x X1" in row["measured"]
    assert any("2 worlds a GPU, fewer than the 32 measured" in warning for warning in row["warnings"])


def test_what_actors_cost_is_copying_in_and_out_of_the_store_at_a_rate(measured, capsys):
    """Two copies of 8 GB that take 4 s are 4 GB/s."""
    row = {"what": "fulcrum cluster split-1", "size": "s", "rollout_bytes": 8_000_000_000, "overhead_s": 4.0}
    with open(measured, "a") as file:
        file.write(json.dumps(row) + "\n")
    assert plan.main([*PLAN, "machines.topology=split", "--gpus", "2", "--json", "--measured", measured]) == 0
    job = plan.job(config.load(PLAN, schema=plan.PlanConfig))
    assert json.loads(capsys.readouterr().out)["busy_s"]["object store"] == pytest.approx(2 * job.rollout_bytes / 4e9)


@pytest.mark.parametrize(("overhead", "given", "rate"), [(4.0, 0.0, 4.0), (4.0, 2.0, 2.0), (-0.1, 0.0, 1.0), (None, 0.0, 1.0)])
def test_a_rate_is_assumed_where_no_cost_was_found_and_words_win(measured, overhead, given, rate):
    row = {"what": "fulcrum cluster split-1", "size": "s", "rollout_bytes": 8_000_000_000, "overhead_s": overhead}
    with open(measured, "a") as file:
        file.write(json.dumps(row) + "\n")
    settings = config.load([*PLAN, f"machines.store_gbyte={given}"], schema=plan.PlanConfig)
    assert plan._with_speeds(settings, measured)[0].store_gbyte == rate


def test_the_table_goes_to_a_thousand_gpus_and_says_what_is_assumed(capsys):
    words = ["machines.play_us=2", "machines.learn_us=1", "run.worlds=1048576", "ppo.minibatch_size=4194304"]
    assert plan.main([*words, "--gpus", "1024"]) == 0
    assert "1,024 GPUs on 128 machines" in capsys.readouterr().out
    assert plan.main([*words, "machines.topology=split"]) == 0
    out = capsys.readouterr().out
    assert "1,024" in out
    assert "network_gbit=100" in out
    assert "note: from 2 GPUs on: drawing levels is not counted" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], r"speed of a device: .*launch.benchmark train"),
        (["--measured", "no_such_file"], r"--measured no_such_file: found .FileNotFoundError"),
        (["--gpus", "1", "machines.topology=split", "machines.play_us=1", "machines.learn_us=1"], r"--gpus: found 1, wanted at least 2"),
        (["machines.netwrk_gbit=1"], "Did you mean machines.network_gbit"),
    ],
)
def test_what_is_missing_is_said(words, message):
    with pytest.raises(InputError, match=message):
        plan.main([*PLAN, *words])


def test_a_file_of_another_size_does_not_fit(measured):
    with pytest.raises(InputError, match=r"no line that fits.*of size l"):
        plan.main([*PLAN, "env.size=l", "--measured", measured])
