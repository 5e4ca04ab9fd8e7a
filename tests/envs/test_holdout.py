"""The shipped levels: found by id, written by the scripts, solved by their own solutions and by nothing less."""

from pathlib import Path

import numpy as np
import pytest

from envs import holdout, level_file
from envs.levels.design import parts, small, solve
from envs.sizes import capacity
from physics.errors import InputError
from physics.pytree import concatenate, stack


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
    parts.save(small.LEVELS)
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
        actions[len(solution) : len(solution) + solve.TAIL, world] = solution[-1]
    solved, ended_at = solve.follow(concatenate([levels, levels]), actions, "s")
    results = list(zip(solved.tolist(), ended_at.tolist(), strict=True))
    return {
        "solution": dict(zip(ids, results[: len(ids)], strict=True)),
        "nothing": dict(zip(ids, results[len(ids) :], strict=True)),
    }


@pytest.mark.parametrize("id", holdout.names("s"))
def test_the_recorded_solution_solves(id, outcomes):
    solution = level_file.expand(level_file.read_model(holdout.path(id)).solution or [])
    solved, steps = outcomes["solution"][id]
    assert solved
    assert steps <= len(solution) + solve.TAIL


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


def test_the_search_solves_a_level_that_has_no_solution_yet(monkeypatch):
    monkeypatch.setattr(solve, "PLAYERS", 2 * len(holdout.names("s")))  # the program of `outcomes` serves again
    model = level_file.read_model(holdout.path("s/lift_off"))
    found = level_file.expand(solve.search(model))
    levels = stack([level_file.to_level(model)] * solve.PLAYERS)
    actions = np.zeros((256, solve.PLAYERS, found.shape[1]), np.int32)
    actions[: len(found)] = found[:, None]
    solved, steps = solve.follow(levels, actions, "s")
    assert solved.all()
    assert steps.tolist() == [len(found)] * solve.PLAYERS
