"""`launch.levels pool` as a person types it: what it shows is what is in the checkpoint, and what it exports is read everywhere."""

import dataclasses
import json
import re
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from cluster import mesh as meshes
from cluster.base import CheckpointConfig, Progress, RunState
from cluster.checkpoint import Checkpoints
from cluster.parts import Parts
from curriculum import pool as pools
from curriculum.base import POOLED
from curriculum.hashing import hash_levels
from curriculum.pool import LevelPool
from envs import holdout, level_file
from envs.base import Level
from envs.outcome import Outcome
from envs.outcome import none as nothing_played
from envs.sizes import capacity
from launch import config, finetune
from launch.levels import __main__ as levels
from launch.levels import pool as command
from physics.errors import InputError
from physics.pytree import stack, world
from tests.tiny import WORDS

SLOTS, COUNT, NOW = 8, 7, 20
SUCCESSES, EPISODES = [0, 5, 10, 0, 3, 2, 7], [10, 10, 10, 0, 4, 8, 9]
EDITS = [0, 0, 0, 0, 1, 2, 5]  # slot 4 is made from 1 and 5 from 4; the parent of 6 has left


@pytest.fixture(scope="module")
def pool() -> LevelPool:
    """In seven of eight slots hand-made levels, moved to where nobody would put them."""
    drawn = stack([_moved(holdout.find(id, capacity("s")).level, seed) for seed, id in enumerate(holdout.names("s")[:COUNT])])
    played = dataclasses.replace(_outcome(SUCCESSES), episodes=np.array(EPISODES, np.int32))
    made = jax.jit(pools.newcomers, static_argnums=4)(drawn, played, np.linspace(0, 1, COUNT, dtype=np.float32), np.int32(7), 100.0)
    hashes = np.asarray(made.hash)
    parents = np.zeros_like(hashes)
    parents[:, 4], parents[:, 5], parents[:, 6] = hashes[:, 1], hashes[:, 4], 3
    edits, draw = np.array(EDITS, np.int32), np.array([30, 31, 32, 33, *[pools.NOT_DRAWN] * 3], np.int32)
    made = dataclasses.replace(made, depth=edits, parent=parents, draw=draw)
    blank = jax.jit(lambda: pools.empty(capacity("s"), SLOTS))()
    return jax.tree.map(lambda empty, full: np.concatenate([full, empty[..., COUNT:]], axis=-1), blank, jax.device_get(made))


def _moved(level: Level, seed: int) -> Level:
    random, start = np.random.default_rng(seed), level.start
    pos, angle = (np.where(level.scene.bodies.active, leaf + random.normal(0, 0.1, leaf.shape), leaf) for leaf in (start.pos, start.angle))
    return dataclasses.replace(level, start=dataclasses.replace(start, pos=np.float32(pos), angle=np.float32(angle)))


def _outcome(successes: list[int]) -> Outcome:
    return dataclasses.replace(jax.device_get(nothing_played(COUNT)), successes=np.array(successes, np.int32))


def saved(folder: Path, kind: str, pool: LevelPool, iterations: tuple[int, ...] = (4,)) -> Path:
    """A run of that kind whose checkpoints hold the pool; in the first of several it is empty."""
    run = folder / kind
    settings = config.load([*WORDS, f"curriculum.kind={kind}", f"curriculum.pool_size={SLOTS}"])
    run.mkdir()
    config.save(settings, run / "config.yaml")
    service = Parts(settings, meshes.make(1)).service()
    service.begin()
    begun, assignment, lease = service.state()
    checkpoints = Checkpoints(run / "checkpoints", CheckpointConfig(keep=9))
    for iteration in iterations:
        state = dataclasses.replace(begun, pool=pool, assignments=np.int32(NOW)) if iteration == iterations[-1] else begun
        whole = RunState(train={"a": np.ones(3)}, worlds={"b": np.ones(3)}, curriculum=state, assignment=assignment, lease=lease, key=lease)
        checkpoints.save(whole, Progress(iteration=iteration, env_steps=100 * iteration))
    checkpoints.close()
    return run


@pytest.fixture(scope="module")
def run(pool, tmp_path_factory) -> Path:
    return saved(tmp_path_factory.mktemp("runs"), "balance", pool, (0, 4))


@pytest.fixture(scope="module")
def opened(run) -> command.Opened:
    return command.open_pool(str(run))


@pytest.fixture
def at_hand(opened, monkeypatch) -> None:
    """The run is read once for many tests."""
    monkeypatch.setattr(command, "open_pool", lambda *_: opened)


@pytest.mark.parametrize("kind", POOLED)
def test_the_pool_of_every_kind_is_read(kind, pool, tmp_path):
    opened = command.open_pool(str(saved(tmp_path, kind, pool)))
    assert [entry.slot for entry in opened.entries] == list(range(COUNT))
    assert [entry.age for entry in opened.entries] == [NOW - 7] * COUNT
    jax.tree.map(np.testing.assert_array_equal, opened.look.levels, pool.levels)


@pytest.mark.parametrize("words", [["curriculum.kind=uniform"], ["curriculum.kind=named", "curriculum.levels=s"]])
def test_a_kind_without_a_pool_is_said(words, tmp_path):
    config.save(config.load([*WORDS, *words]), tmp_path / "config.yaml")
    with pytest.raises(InputError, match=r"curriculum.kind of .*: found '(uniform|named)', wanted one that has a pool: sfl, plr"):
        command.open_pool(str(tmp_path))


def test_the_table_has_a_row_a_level_and_a_summary(run, pool, capsys):
    assert levels.main(["pool", str(run)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= command.WIDTH
    rows = [line.split() for line in lines if re.match(r" +\d+  [0-9a-f]{12} ", line)]
    assert [int(row[0]) for row in rows] == [1, 5, 6, 4, 2, 0, 3], "by learnability, the unplayed last"
    hashes = ["".join(f"{word:08x}" for word in column) for column in pool.hash.T]
    assert [row[1] for row in rows] == [hashes[int(row[0])][:12] for row in rows]
    orphan, middle, unplayed = rows[2], rows[3], rows[-1]
    assert middle[2] == "75%"
    assert middle[6:] == ["13", "13", "1", f"{hashes[1][:12]},", "in", "the", "pool"]
    assert orphan[8:] == ["5", "000000030000,", "gone"]
    assert unplayed[2:5] == ["-", "0.0", "-"]
    assert unplayed[8:] == ["0", "draw", "33", "of", "0" * 16]
    assert lines[-1] == ("7 of 8 slots: 14% too easy, 57% learnable, 14% too hard, 14% not played; mean age 13.0; deepest lineage 5")


@pytest.mark.parametrize(
    ("by", "order"), [("success", [2, 6, 4, 1, 5, 0, 3]), ("edits", [6, 5, 4, 0, 1, 2, 3]), ("episodes", [0, 1, 2, 6, 5, 4, 3])]
)
def test_levels_are_ordered_by_what_is_asked_for(by, order, run, at_hand, tmp_path):
    file = tmp_path / "pool.json"
    assert levels.main(["pool", str(run), "--by", by, "--top", "5", "--json", str(file)]) == 0
    found = json.loads(file.read_text())
    assert [level["slot"] for level in found["levels"]] == order[:5]
    assert (found["kind"], found["iteration"], found["env_steps"], found["summary"]["filled"]) == ("balance", 4, 400, COUNT)


def test_a_lineage_is_shown_from_the_youngest_to_what_was_drawn(run, pool, at_hand, capsys, tmp_path):
    hashes, file = ["".join(f"{word:08x}" for word in column) for column in pool.hash.T], tmp_path / "pool.json"
    assert levels.main(["pool", str(run), "--lineage", hashes[5][:9].upper(), "--json", str(file)]) == 0
    assert [level["slot"] for level in json.loads(file.read_text())["levels"]] == [5, 4, 1]
    assert f"{hashes[1][:12]} was drawn: number 31 of key {'0' * 16}." in capsys.readouterr().out
    assert levels.main(["pool", str(run), "--lineage", hashes[6]]) == 0
    assert f"{hashes[6][:12]} is 5 edits from a drawn level; what lay between has left the pool." in capsys.readouterr().out
    left = f"It has left the pool; made from it: {hashes[6][:12]}"
    for digits, message in (("", "more digits.*7 levels"), ("000000030", left), ("xyz", "--top 0 shows all")):
        with pytest.raises(InputError, match=message):
            levels.main(["pool", str(run), "--lineage", digits])


def test_exported_levels_are_those_of_the_pool_wherever_level_files_are_read(run, pool, at_hand, capsys, tmp_path):
    folder, sheet = tmp_path / "levels", tmp_path / "sheet.png"
    assert levels.main(["pool", str(run), "--export", str(folder), "--out", str(sheet)]) == 0
    assert f"7 level files written to {folder}" in capsys.readouterr().out
    assert Image.open(sheet).size[0] > 3 * 180
    for slot, column in enumerate(pool.hash.T[:COUNT]):
        digits = "".join(f"{word:08x}" for word in column)
        file = folder / f"{digits[:12]}.json"
        wanted = jax.tree.map(np.asarray, world(pool.levels, slot))
        found = holdout.read(file)
        assert found.model
        again = level_file.to_model(found.level, name=found.model.name, description=found.model.description, size="s")
        assert again.model_copy(update={"pool": found.model.pool}) == found.model
        _assert_same_level(found.level, wanted)
        known = found.model.pool
        assert known
        assert (known.run, known.iteration, known.hash, known.edits) == (str(run), 4, digits, EDITS[slot])
        assert known.success == (pytest.approx(SUCCESSES[slot] / EPISODES[slot], rel=1e-4) if EPISODES[slot] else None)
        assert (known.parent is None) == (known.number is not None) == (EDITS[slot] == 0)
    assert len(holdout.choose(str(folder), "s")) == len(holdout.choose(str(folder), "m")) == COUNT  # evaluate holdout=, curriculum.levels
    assert hash_levels(holdout.load([str(folder)], capacity("m"))[1]).shape == (2, COUNT)
    assert finetune.settings(run, [str(folder)], 64).curriculum.levels.split(",") == holdout.spelled_out(str(folder))
    assert levels.main(["validate", str(folder)]) == 0
    assert levels.main(["render", str(folder), "--out", str(sheet)]) == 0
    capsys.readouterr()
    assert levels.main(["show", str(folder)]) == 0
    assert f"of {run} at iteration 4: success 75% of 3.9 episodes; 1 edit, the last of " in capsys.readouterr().out


def _assert_same_level(found: Level, wanted: Level) -> None:
    """Every array, apart from limits of joints that have none."""
    paths = [jax.tree_util.tree_leaves_with_path(_without_spare_limits(each)) for each in (found, wanted)]
    for (path, a), (_, b) in zip(*paths, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5, err_msg=jax.tree_util.keystr(path))


def _without_spare_limits(level: Level) -> Level:
    joints = level.scene.joints
    limits = {name: np.where(joints.limited, getattr(joints, name), 0) for name in ("lower", "upper")}
    return dataclasses.replace(level, scene=dataclasses.replace(level.scene, joints=dataclasses.replace(joints, **limits)))


def test_what_is_not_the_same_level_is_not_overwritten_unless_that_is_asked_for(run, at_hand, capsys, tmp_path):
    words = ["pool", str(run), "--top", "3", "--export", str(tmp_path)]
    assert levels.main(words) == 0
    assert levels.main(words) == 0, "the same levels again"
    files = sorted(tmp_path.iterdir())
    assert len(files) == 3
    other = holdout.path("s/lift_off").read_text()
    solved = level_file.read_model(files[0]).model_copy(update={"solution": [([0] * 6, 3)]})
    for text in (other, "{}", files[1].read_text(), level_file.to_text(solved)):
        files[0].write_text(text)
        files[2].unlink(missing_ok=True)
        with pytest.raises(InputError, match=r"--export: found '.*json, which holds something else'.*--overwrite"):
            levels.main(words)
        assert files[0].read_text() == text
        assert not files[2].exists(), "nothing is written"
    assert levels.main([*words, "--overwrite"]) == 0
    assert sorted(tmp_path.iterdir()) == files
    model = level_file.read_model(files[0])
    assert model.pool
    assert model.pool.hash[:12] == files[0].stem


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--top", "-1"], "--top: found -1"),
        (["--out", "x.gif"], r"ends in \.png"),
        (["--by", "beauty"], "learnability"),
        (["--json", "/proc/none/x.json"], "can be written"),
    ],
)
def test_what_cannot_be_is_one_error(words, message, run):
    with pytest.raises(InputError, match=message):
        levels.main(["pool", str(run), *words])


def test_any_checkpoint_can_be_named(run):
    assert command.open_pool(f"{run}@4").progress.iteration == 4
    with pytest.raises(InputError, match=r"pool of .*balance at iteration 0: found 'no level'.*later checkpoint"):
        command.open_pool(f"{run}@0")
    with pytest.raises(InputError, match="found '3', wanted one of 4, 0"):
        command.open_pool(f"{run}@3")


def test_a_run_that_is_not_there_or_has_no_checkpoint_is_named(tmp_path):
    with pytest.raises(InputError, match="there is no run 'nobody'"):
        levels.main(["pool", "nobody"])
    config.save(config.load(WORDS), tmp_path / "config.yaml")
    with pytest.raises(InputError, match="stopped before its first checkpoint"):
        levels.main(["pool", str(tmp_path)])
