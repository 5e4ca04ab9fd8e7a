"""The plan of actors against machines that are only described: what fits, and what is said of what does not."""

import pytest

from launch import config
from physics.errors import InputError
from tests.tiny import WORDS

pytest.importorskip("ray")

from cluster.ray import plan as plans

MACHINE = {"CPU": 16.0, "GPU": 8.0}
GPUS = ["cluster.backend=ray", "cluster.platform=gpu", "run.worlds=96", "run.block_worlds=0", "ppo.minibatch_size=96"]

LARGE = ["ppo.minibatch_size=768"]  # that any number of blocks can be dealt out to


def made(*words: str) -> plans.Plan:
    return plans.make(config.load([*WORDS, *GPUS, *words]))


def test_worlds_are_dealt_to_workers_in_order_and_every_role_has_an_actor():
    plan = made("cluster.workers=3", "cluster.worker_devices=2", "cluster.learner_devices=2")
    assert [need.name for need in plan.needs] == ["learner", "worker 0", "worker 1", "worker 2", "curriculum", "evaluator"]
    assert [need.gpus for need in plan.needs] == [2, 2, 2, 2, 0, 0]
    shares = [need.share for need in plan.needs if need.name.startswith("worker")]
    assert [(share.first, share.count, share.block) for share in shares] == [(0, 32, 16), (32, 32, 16), (64, 32, 16)]
    environments = {need.name: need.env["JAX_PLATFORMS"] for need in plan.needs}
    assert environments["worker 0"] == environments["learner"] == "cuda,cpu"
    assert environments["curriculum"] == environments["evaluator"] == "cpu", "or it would see every GPU of the machine"
    plan.check([MACHINE])


def test_colocated_has_one_actor_that_plays_and_learns():
    plan = made("cluster.topology=colocated", "cluster.learner_devices=8", *LARGE)
    assert [need.name for need in plan.needs] == ["learner + worker 0", "curriculum", "evaluator"]
    assert plan.needs[0].gpus == 8


def test_what_travels_is_told_a_second():
    settings = config.load([*WORDS, *GPUS])
    assert settings.run.steps_per_iteration == 768
    words = plans.in_words(settings, 768 * 2**10 - 2**10, 2**10)
    assert words == ("what travels every iteration: rollouts 767.0 KiB, parameters 1.0 KiB; 97.7 MiB a second at 100,000 steps a second")
    together = config.load([*WORDS, *GPUS, "cluster.topology=colocated"])
    assert plans.in_words(together, 1, 1) == "rollouts stay where they are played"


@pytest.mark.parametrize(
    ("words", "machines", "message"),
    [
        (["cluster.workers=8", *LARGE], [MACHINE], "GPUs of the cluster: found '8 on 1 machines', wanted 9 for 11 actors"),
        (["cluster.workers=2", "cluster.actor_cpus=4"], [MACHINE], "CPUs of the cluster: found '16 on 1 machines', wanted 20 for 5 actors"),
        (["cluster.learner_devices=12", "run.block_worlds=8"], [MACHINE, MACHINE], "a machine for learner: found 'none: at most 8 GPUs"),
        (["cluster.workers=5"], [MACHINE], "run.worlds: found 96, wanted a multiple of the 5 devices"),
        (["cluster.workers=1", "cluster.learner_devices=2"], [MACHINE], "cluster.learner_devices: found 2, wanted a divisor of the 1"),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused_with_what_is_missing(words, machines, message):
    with pytest.raises(InputError, match=message):
        made(*words).check(machines)


def test_with_fewer_machines_as_many_workers_as_can_share_the_worlds_out_evenly_go_on():
    wanted = config.load([*WORDS, *GPUS, *LARGE, "cluster.workers=12", "cluster.least_workers=2"])
    counts = [plans.possible(wanted, [{"CPU": 32.0, "GPU": gpus}]) for gpus in (13.0, 12.0, 7.0, 3.0, 2.0)]
    assert [found and len(found.workers) for found in counts] == [12, 8, 6, 2, None]  # and one GPU for the learner
