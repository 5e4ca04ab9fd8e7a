"""Training on levels that a person named: which are handed out, how often, and that nothing else ever leads to them."""

import jax
import numpy as np
import pytest
from numbered_levels import Generate, edit, outcome

import curriculum
from curriculum import CurriculumConfig
from curriculum.named import Named
from envs import holdout
from envs.sizes import capacity
from physics.errors import InputError
from physics.pytree import world

NAMES = ["s/lift_off", "s/hop_the_red", "s/touch_down"]


def named(size: str = "s", levels: str = ",".join(NAMES)) -> Named:
    made = curriculum.make(CurriculumConfig(kind="named", levels=levels), Generate(), edit, capacity(size))
    assert isinstance(made, Named)
    return made


@pytest.mark.parametrize("size", ["s", "m"])
def test_exactly_the_named_levels_are_handed_out_in_equal_shares(size: str):
    made = named(size)
    assert made.names == NAMES
    state = made.init(jax.random.key(0))
    for key in range(3):
        state, assignment = made.assign(state, jax.random.key(key), 8)
        assert sorted(np.bincount(assignment.slot, minlength=3)) == [2, 3, 3]
        for i in range(8):
            expected = holdout.find(NAMES[int(assignment.slot[i])], capacity(size)).level
            jax.tree.map(np.testing.assert_array_equal, world(assignment.levels, i), expected)


def test_fewer_worlds_than_levels_play_all_of_them_in_time():
    made = named()
    slots = [made.assign(made.init(jax.random.key(0)), jax.random.key(key), 1)[1].slot for key in range(30)]
    assert set(np.concatenate(slots)) == {0, 1, 2}


def test_success_is_told_by_level_and_levels_that_were_not_finished_do_not_count():
    made = named()
    state, assignment = made.assign(made.init(jax.random.key(0)), jax.random.key(1), 6)
    slot = np.asarray(assignment.slot)
    episodes, successes = np.array([4, 5, 0])[slot], np.array([3, 1, 0])[slot]  # of level 2 no episode ended
    after = made.record(state, assignment, outcome(successes, episodes))
    np.testing.assert_array_equal(after.episodes, [8, 10, 0])
    np.testing.assert_array_equal(after.successes, [6, 2, 0])
    found = made.metrics(after)
    assert found["levels_finished"] == 2
    assert float(found["level_success_mean"]) == pytest.approx((3 / 4 + 1 / 5) / 2)
    assert float(found["level_success_lowest"]) == pytest.approx(1 / 5)


def test_levels_are_trained_on_only_when_both_settings_ask_for_it():
    for wrong in ({"kind": "named"}, {"kind": "named", "levels": " "}, {"levels": "s/lift_off"}, {"kind": "uniform", "levels": "s"}):
        with pytest.raises(InputError, match=r"levels.*curriculum.kind=named"):
            CurriculumConfig(**wrong)
    assert CurriculumConfig().kind == "sfl"


def test_levels_that_are_missing_or_too_large_are_refused():
    with pytest.raises(InputError, match=r"s/lift_of.*Did you mean s/lift_off"):
        named(levels="s/lift_of")
    with pytest.raises(InputError, match="found 'm/pinball', wanted one that fits an agent of size s"):
        named(levels="s/lift_off,m/pinball")
    assert len(named(levels="shipped").names) == len(holdout.names("s"))
