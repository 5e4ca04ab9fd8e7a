"""Fine-tuning as a person types it: what is taken over, what is trained on, and that its runs are ordinary ones."""

import json
import os
from pathlib import Path

import jax
import numpy as np
import pytest

from cluster.tracker import read_lines
from launch import config, curves, finetune, train
from physics.errors import InputError
from tests.tiny import STEPS, WORDS, restored

LEVELS = ["s/lift_off", "s/hop_the_red"]
FEW = ["evaluate.every=1", "evaluate.attempts=2", "evaluate.random_levels=8"]


@pytest.fixture(scope="module")
def parent(tmp_path_factory) -> Path:
    """A general agent of two iterations."""
    folder = tmp_path_factory.mktemp("runs")
    assert train.main([*WORDS, f"run.folder={folder}", "run.name=general", f"run.total_steps={2 * STEPS}"]) == 0
    return folder / "general"


@pytest.fixture
def untrained(tmp_path) -> Path:
    """The folder of a general agent that knows its settings only: enough for what is refused."""
    run = tmp_path / "general"
    run.mkdir()
    config.save(config.load([*WORDS, f"run.folder={tmp_path}"]), run / "config.yaml")
    return run


def parameters(run: Path) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(restored(run).train.params)]


def call(parent: Path, *words: str) -> int:
    return finetune.main([str(parent), "--level", LEVELS[0], "--level", LEVELS[1], "--steps", str(2 * STEPS), *words, *FEW])


def test_only_the_parameters_are_taken_over_and_only_the_named_levels_are_played(parent, tmp_path):
    assert call(parent, "run.name=tuned", "optimizer.learning_rate=1e-5") == 0
    run = parent.parent / "tuned"
    found, base = (config.load([], base=place / "config.yaml") for place in (run, parent))
    assert (found.network, found.env, found.ppo) == (base.network, base.env, base.ppo)
    assert found.curriculum.levels == found.evaluate.holdout == ",".join(LEVELS)
    rows = read_lines(run / "metrics.jsonl")
    measured = [row for row in rows if "evaluate/handmade" in row]
    assert [row["env_steps"] for row in measured] == [0, STEPS, 2 * STEPS]
    for row in measured:
        assert {name for name in row if name.startswith("levels/")} == {f"levels/{name}" for name in LEVELS}
    assert any(row.get("levels_finished") == 2 for row in rows)
    assert list((run / "tensorboard").glob("events*"))
    state = restored(run)
    assert int(state.train.updates) == 2, "the optimiser and its counters begin anew"
    for before, after in zip(parameters(parent), jax.tree.leaves(state.train.params), strict=True):
        np.testing.assert_allclose(before, after, atol=1e-3)  # a rate of 1e-5 for a few steps
    with pytest.raises(InputError, match="a name that is free"):
        call(parent, "run.name=tuned", "optimizer.learning_rate=1e-4")
    words = [*WORDS, f"run.folder={tmp_path}", f"run.parent={parent}", "network.width=16"]
    with pytest.raises(InputError, match=r"parameters of another run: actor_1/.*found \[8\], wanted \[16\].*flat and rows"):
        train.main(words)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_scratch_trains_the_same_with_random_parameters_and_both_curves_are_kept(parent, capsys):
    pytest.importorskip("matplotlib")
    assert call(parent, "--scratch") == 0
    run = parent.parent / "general-lift_off-hop_the_red"
    scratch = run.with_name(run.name + "-scratch")
    ours, others = (vars(config.load([], base=place / "config.yaml").run) for place in (run, scratch))
    assert {name for name in ours if ours[name] != others[name]} == {"name", "parent"}
    assert (run / "finetune.png").read_bytes()[:4] == b"\x89PNG"
    found = json.loads((run / "finetune.json").read_text())
    for name, place in (("fine-tuned", run), ("from scratch", scratch)):
        measured = [row for row in read_lines(place / "metrics.jsonl") if "evaluate/handmade" in row]
        assert found[name]["env_steps"] == [row["env_steps"] for row in measured] == [0, STEPS, 2 * STEPS]
        assert found[name]["rate"] == [row["evaluate/handmade"] for row in measured]
    assert any(not np.array_equal(one, other) for one, other in zip(parameters(run), parameters(scratch), strict=True))
    assert "from scratch" in capsys.readouterr().out
    assert call(parent, "--scratch") == 0  # finished: nothing is trained again
    assert len(read_lines(run / "metrics.jsonl")) == len(read_lines(scratch / "metrics.jsonl")) == 5
    assert train.main(["--resume", str(scratch), f"run.total_steps={3 * STEPS}"]) == 0
    assert read_lines(scratch / "metrics.jsonl")[-1]["env_steps"] == 3 * STEPS


@pytest.mark.slow
def test_a_run_killed_before_its_first_checkpoint_begins_again_with_its_parent(parent):
    """Not with random parameters."""
    run = parent.parent / "killed"
    run.mkdir()
    settings = finetune.settings(parent, LEVELS, STEPS, ["run.name=killed", "optimizer.learning_rate=1e-9", *FEW])
    config.save(settings, run / "config.yaml")
    assert train.main(["--resume", str(run)]) == 0
    for before, after in zip(parameters(parent), parameters(run), strict=True):
        np.testing.assert_allclose(before, after, atol=1e-6)


def test_a_level_of_a_larger_size_makes_the_environment_larger(untrained):
    settings = finetune.settings(untrained, ["s/lift_off", "m/pinball"], STEPS)
    assert settings.env.size == "m"
    assert settings.run.name == "general-lift_off-pinball"
    assert finetune.settings(untrained, ["s"], STEPS).run.name.endswith("-and-14")
    assert finetune.settings(untrained, ["s"], STEPS, which="best").run.parent == f"{untrained}@best"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--level", "s/lift_of"], r"s/lift_of.*Did you mean s/lift_off"),
        (["--level", "s/lift_off", "network.width=3"], r"network.width=3: wanted settings of the sections ppo"),
        (["--level", "s/lift_off", "run.parent=a"], r"run.parent=a.*RUN"),
        (["--level", "s/lift_off", "run.total_steps=3"], r"run.total_steps=3.*--steps says how long"),
        (["--level", "s/lift_off", "--steps", "0"], r"run.total_steps: found 0"),
        (["--level", "s/lift_off", "ppo.minibatch_size=7"], r"ppo.minibatch_size: found 7"),
        ([], r"--level"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(words, message, untrained):
    before = sorted(os.listdir(untrained.parent))
    with pytest.raises(InputError, match=message):
        finetune.main([str(untrained), *words])
    assert sorted(os.listdir(untrained.parent)) == before


def test_a_parent_that_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match="no run 'nobody'"):
        train.main([*WORDS, f"run.folder={tmp_path}", "run.parent=nobody"])
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_the_curves_are_refused_before_training(untrained, monkeypatch):
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(curves.importlib, "import_module", missing)
    with pytest.raises(InputError, match=r"no matplotlib.*pip install"):
        call(untrained, "--scratch", "run.name=unseen")
    assert not (untrained.parent / "unseen").exists()


def test_a_goal_is_reached_when_the_rate_is_first_at_least_as_high():
    curve = curves.Curve("a", [0, 10, 20, 30], [0.1, 0.9, 0.5, 1.0])
    assert (curve.reached(0.9), curve.reached(0.95), curve.reached(1.1)) == (10, 30, None)
