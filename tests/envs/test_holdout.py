"""The shipped levels: found by id, written by the scripts, solved by their own solutions and by nothing less."""

import functools
from pathlib import Path

import numpy as np
import pytest

from envs import holdout, level_file, search
from envs.levels.design import __main__ as design
from envs.levels.design import parts
from envs.sizes import capacity
from physics.errors import InputError
from physics.pytree import concatenate


def test_ids_are_the_files():
    assert [len(holdout.names(size)) >= least for size, least in (("s", 10), ("m", 24), ("l", 40))] == [True] * 3
    assert set(holdout.names()) == {f"{model.size}/{model.name}" for model in design.models()}
    names = [id.split("/")[1] for id in holdout.names()]
    assert len(set(names)) == len(names)
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
    shipped = {path.name: path.read_text() for path in holdout.FOLDER.glob("*/*.json")}
    monkeypatch.setattr(holdout, "FOLDER", tmp_path)
    parts.save(design.models())
    written = list(tmp_path.glob("*/*.json"))
    assert len(written) == len(shipped)
    for path in written:
        assert path.read_text().removesuffix("\n}\n") in shipped[path.name]


def test_every_level_has_a_theme_and_twins_mirror_a_level_of_theirs():
    models = {model.name: model for model in design.models()}
    for model in models.values():
        assert model.theme
        assert model.twin is None or models[model.twin].theme == model.theme
    twins = [model for model in models.values() if model.twin]
    assert 0 < len(twins) <= len(models) / 4


@functools.cache
def outcomes(size: str) -> dict[str, tuple[bool, bool]]:
    """Per id: whether doing nothing solves it, and whether its solution does in time; one batch a size."""
    ids, levels = holdout.load([size], capacity(size))
    solutions = [level_file.expand(level_file.read_model(holdout.path(id)).solution or []) for id in ids]
    actions = np.zeros((256, 6, 2 * len(ids)), np.int32)
    for world, solution in enumerate(solutions):
        actions[..., world] = search.held(solution)
    played = search.play(concatenate([levels, levels]), actions, size)
    in_time = [bool(played.solved[i] and played.count[i] <= len(solution) + search.TAIL) for i, solution in enumerate(solutions)]
    return {id: (bool(played.solved[len(ids) + i]), in_time[i]) for i, id in enumerate(ids)}


@pytest.mark.parametrize("id", holdout.names())
def test_the_recorded_solution_solves(id):
    assert outcomes(id[0])[id][1]


@pytest.mark.parametrize("id", holdout.names())
def test_doing_nothing_does_not_solve(id):
    assert not outcomes(id[0])[id][0]


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


def test_the_page_of_levels_shows_all_of_them():
    page = (Path(__file__).parents[2] / "docs" / "levels.md").read_text()
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| ") and "`" in line}
    assert set(rows) == set(holdout.names())
    for id, row in rows.items():
        steps = sum(repeat for _, repeat in level_file.read_model(holdout.path(id)).solution or [])
        assert f" | {steps} | " in row


def test_handmade_is_another_word_for_the_shipped_levels():
    assert holdout.choose("handmade", "m") == holdout.choose("shipped", "m") == holdout.fitting("m")
    assert holdout.spelled_out("handmade") == holdout.names()
