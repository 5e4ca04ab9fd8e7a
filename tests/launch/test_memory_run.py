"""An agent with memory goes everywhere that one without goes: trained, stopped and resumed, exported, measured, shown, fine-tuned."""

from pathlib import Path

import jax
import numpy as np
import pytest

from cluster.tracker import read_lines
from launch import evaluate, export, finetune, play, train
from learners import weights
from tests.tiny import STEPS, WORDS, restored

pytestmark = pytest.mark.slow
MEMORY = ["network.memory=8", "ppo.ewma_decay=0.9", "run.stagger=true", "run.rollouts_per_assignment=3"]
UNREPEATABLE = ("seconds", "steps_per_second")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs that are the same, but that one is stopped in the middle of a level and resumed."""
    place = tmp_path_factory.mktemp("runs")
    words = [*WORDS, *MEMORY, "evaluate.every=100", f"run.folder={place}"]
    assert train.main([*words, "run.name=whole", f"run.total_steps={4 * STEPS}"]) == 0
    assert train.main([*words, "run.name=parts", f"run.total_steps={2 * STEPS}"]) == 0
    assert train.main(["--resume", str(place / "parts"), f"run.total_steps={4 * STEPS}"]) == 0
    return place


def test_a_resumed_run_remembers_where_it_was(folder: Path):
    whole, parts = ([row for row in read_lines(folder / name / "metrics.jsonl") if "kl" in row] for name in ("whole", "parts"))
    assert len(whole) == 4
    for row in (*whole, *parts):
        for name in UNREPEATABLE:
            del row[name]
    assert parts == whole
    memory = np.asarray(restored(folder / "parts").worlds.memory[0])
    assert memory.shape == (8, 8), "units and worlds"
    assert memory.any()


def test_it_is_exported_measured_shown_and_fine_tuned(folder: Path, tmp_path: Path):
    run, file = folder / "whole", tmp_path / "agent.npz"
    assert export.main([str(run), "--out", str(file)]) == 0
    found = weights.load(file)
    assert found.network.memory == 8
    assert jax.tree.leaves(found.params["params"]["memory"])
    few = ["evaluate.attempts=1", "evaluate.random_levels=0", "holdout=s/lift_off,s/hop_the_red"]
    for agent in (run, file):
        assert evaluate.main([str(agent), *few]) == 0
    clip = tmp_path / "clip.gif"
    assert play.main([str(file), "s/lift_off", "--out", str(clip), "--width", "64"]) == 0
    assert clip.read_bytes()[:6] == b"GIF89a"
    words = ["run.name=tuned", "evaluate.attempts=1", "evaluate.random_levels=0"]
    assert finetune.main([str(run), "--level", "s/lift_off", "--steps", str(STEPS), *words]) == 0
    assert read_lines(folder / "tuned" / "metrics.jsonl")[-1]["iteration"] == 1
