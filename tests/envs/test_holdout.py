"""The shipped levels: found by id, written by the scripts, solved by their own solutions and by nothing less."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from envs import holdout, level_file
from envs.base import EnvConfig, Level
from envs.env import Env
from envs.levels.build import parts, small
from envs.sizes import capacity
from physics.errors import InputError
from physics.pytree import concatenate

TAIL = 8  # the last action is held this much longer, for machines that round differently


def test_ids_are_the_files():
    ids = holdout.names("s")
    assert len(ids) >= 10
    assert set(ids) <= set(holdout.names())
    assert ids == sorted(f"s/{design.__name__}" for design in small.LEVELS)
    for id in holdout.names():
        model = level_file.read_model(holdout.path(id))
        assert f"{model.size}/{model.name}" == id
        assert model.description.endswith(".")


def test_unknown_ids_name_the_near_ones():
    with pytest.raises(InputError, match=r"found 's/unicycle_lift'.*s/unicycle_left"):
        holdout.path("s/unicycle_lift")
    with pytest.raises(InputError, match=r"found 'unicycle'.*Did you mean .*s/unicycle"):
        holdout.load(["unicycle"], capacity("s"))
    with pytest.raises(InputError, match="size"):
        holdout.names("xs")
    with pytest.raises(InputError, match="at least one"):
        holdout.load([], capacity("s"))


def test_load_mixes_sizes_and_ids_at_any_capacity():
    ids, levels = holdout.load(["s/lift_off", "s"], capacity("m"))
    assert ids == ["s/lift_off", *holdout.names("s")]
    assert levels.role.shape == (5, len(ids))
    assert len(set(ids[1:])) == len(ids) - 1


def test_scripts_write_the_shipped_files(tmp_path, monkeypatch):
    shipped = {path.name: path.read_text() for path in (holdout.FOLDER / "s").glob("*.json")}
    monkeypatch.setattr(holdout, "FOLDER", tmp_path)
    parts.save(small.LEVELS, "s")
    for path in (tmp_path / "s").glob("*.json"):
        assert path.read_text().removesuffix("\n}\n") in shipped[path.name]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, dict[str, tuple[bool, int]]]:
    """Per way of acting and id: whether it solved the level, and the steps that took; one batch for all."""
    ids, levels = holdout.load(["s"], capacity("s"))
    solutions = [level_file.expand(level_file.read_model(holdout.path(id)).solution or []) for id in ids]
    steps = 256
    actions = np.zeros((steps, 2 * len(ids), 6), np.int32)
    for world, solution in enumerate(solutions):
        actions[: len(solution), world] = solution
        actions[len(solution) : len(solution) + TAIL, world] = solution[-1]
    solved, ended_at = follow(concatenate([levels, levels]), actions)
    results = list(zip(solved.tolist(), ended_at.tolist(), strict=True))
    return {
        "solution": dict(zip(ids, results[: len(ids)], strict=True)),
        "nothing": dict(zip(ids, results[len(ids) :], strict=True)),
    }


def follow(levels: Level, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether the first episode of every world ends solved, and after how many steps it ends."""
    env = Env(EnvConfig(size="s"))

    def run(levels: Level, actions: jax.Array) -> tuple[jax.Array, jax.Array]:
        def advance(carry: tuple, action: jax.Array) -> tuple[tuple, None]:
            state, solved, ended, count = carry
            state, step = env.step(state, action)
            over = ended | step.terminated | step.truncated
            return (state, solved | (step.solved & ~ended), over, count + ~ended), None

        worlds = actions.shape[1]
        begin = (env.reset(levels), jnp.zeros(worlds, bool), jnp.zeros(worlds, bool), jnp.zeros(worlds, jnp.int32))
        (_, solved, _, count), _ = lax.scan(advance, begin, actions)
        return solved, count

    solved, count = jax.jit(run)(levels, jnp.asarray(actions))
    return np.asarray(solved), np.asarray(count)


@pytest.mark.parametrize("id", holdout.names("s"))
def test_the_recorded_solution_solves(id, outcomes):
    solution = level_file.expand(level_file.read_model(holdout.path(id)).solution or [])
    solved, steps = outcomes["solution"][id]
    assert solved
    assert steps <= len(solution) + TAIL


@pytest.mark.parametrize("id", holdout.names("s"))
def test_doing_nothing_does_not_solve(id, outcomes):
    solved, _ = outcomes["nothing"][id]
    assert not solved


def test_every_level_file_is_small_and_has_a_solution():
    for id in holdout.names():
        path = Path(holdout.path(id))
        assert path.stat().st_size < 8192
        assert level_file.read_model(path).solution


def test_levels_of_smaller_sizes_fit():
    assert holdout.fitting("s") == holdout.names("s")
    assert set(holdout.fitting("m")) == {*holdout.names("s"), *holdout.names("m")}
    with pytest.raises(InputError, match="size"):
        holdout.fitting("xl")
