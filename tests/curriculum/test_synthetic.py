"""Curricula in the universe of known difficulty: who is quicker than whom, and who is fooled; and the universe itself."""

from pathlib import Path

import jax
import numpy as np
import pytest

from launch.curricula import __main__ as command
from launch.curricula import synthetic, universe
from launch.curricula.synthetic import Synthetic, Trace
from physics.errors import InputError

CONFIG = Synthetic(seeds=2, assignments=45, worlds=64, target=2.0)
BY_LEARNABILITY = ("sfl", "sgs", "balance", "balance, keen")
NEVER = 10**9


@pytest.fixture(scope="module")
def traces() -> dict[str, list[Trace]]:
    """Every curriculum trains the same learners."""
    return {name: synthetic.measure(settings, CONFIG) for name, settings in synthetic.cases(CONFIG).items()}


def hits(traces: list[Trace]) -> np.ndarray:
    """The assignment after which each learner had the skill."""
    found = [trace.reached(CONFIG.target) for trace in traces]
    return np.array([NEVER if hit is None else hit for hit in found])


def episodes(traces: list[Trace]) -> np.ndarray:
    """And the episodes until then, scouting included."""
    return np.array([NEVER if hit == NEVER else trace.episodes[hit] for hit, trace in zip(hits(traces), traces, strict=True)])


@pytest.mark.parametrize("name", BY_LEARNABILITY)
def test_learnability_teaches_quicker_than_chance(name: str, traces: dict[str, list[Trace]]):
    assert hits(traces[name]).max() < hits(traces["uniform"]).min()
    assert min(trace.skill[-1] for trace in traces[name]) > max(trace.skill[-1] for trace in traces["uniform"])


def test_keen_balance_is_at_least_as_quick_as_any_other_in_episodes(traces: dict[str, list[Trace]]):
    for name, others in traces.items():
        assert episodes(traces["balance, keen"]).max() <= episodes(others).max(), name


@pytest.mark.parametrize("name", BY_LEARNABILITY)
def test_the_pool_hardly_gives_levels_that_teach_nothing(name: str, traces: dict[str, list[Trace]]):
    """Beside what the generator draws. Success-guided sampling has to play the levels that its pool begins with to know them."""
    assert np.nanmean([trace.impossible[10:] for trace in traces[name]]) < universe.DRAWN_IMPOSSIBLE / 8
    assert np.nanmean([trace.trivial[10:] for trace in traces[name]]) < universe.DRAWN_TRIVIAL / 2


def test_no_curriculum_prefers_impossible_levels(traces: dict[str, list[Trace]]):
    for name, found in traces.items():
        shares = np.concatenate([trace.impossible for trace in found])
        assert np.isnan(shares).all() or np.nanmean(shares) < universe.DRAWN_IMPOSSIBLE, name


@pytest.mark.slow
@pytest.mark.parametrize("without", ["no edits", "no inflow, scouting", "no fading", "drawn uniformly"])
def test_balance_without_one_of_its_mechanisms_teaches_less_in_as_many_episodes(without: str):
    """Scouting included; where edits and fading matter, skill is past what a first pool teaches."""
    chosen = synthetic.cases(Synthetic(ablate=True))
    whole, less = (synthetic.measure(chosen[name], CONFIG) for name in ("balance, keen", without))
    budget = whole[0].episodes[-1]
    reached = [trace.skill[np.searchsorted(trace.episodes, budget, side="right") - 1] for trace in less]
    assert max(reached) < min(trace.skill[-1] for trace in whole)


def test_the_same_seed_gives_the_same_trace():
    short, settings = Synthetic(seeds=1, assignments=6, worlds=64), synthetic.cases(CONFIG)["balance"]
    first, again = (synthetic.measure(settings, short)[0] for _ in range(2))
    np.testing.assert_array_equal(first.skill, again.skill)
    np.testing.assert_array_equal(first.learnable, again.learnable)


def test_success_is_a_logistic_function_of_skill_less_difficulty():
    levels = universe.generate(jax.random.key(0), 400)
    learner = universe.Learner(skill=np.array([0.0, 1.0, 3.0]))
    hard, at = universe.difficulty(levels), universe.domain(levels)
    chance = learner.chance(levels)
    broken = np.abs(hard) == universe.IMPOSSIBLE
    np.testing.assert_allclose(chance[~broken], 1 / (1 + np.exp((hard - learner.skill[at])[~broken] / universe.WIDTH)), rtol=1e-6)
    assert set(chance[hard == universe.IMPOSSIBLE]) == {0.0}
    assert set(chance[hard == universe.TRIVIAL]) == {1.0}
    for value, share in ((universe.IMPOSSIBLE, universe.DRAWN_IMPOSSIBLE), (universe.TRIVIAL, universe.DRAWN_TRIVIAL)):
        assert np.mean(hard == value) == pytest.approx(share, abs=0.1)


def test_edits_are_near_in_difficulty_and_sometimes_break_a_level():
    parents = universe.generate(jax.random.key(1), 2000)
    before, after = universe.difficulty(parents), universe.difficulty(universe.edit(jax.random.key(2), parents))
    alive = np.abs(before) < universe.IMPOSSIBLE
    near = alive & (np.abs(after) < universe.IMPOSSIBLE)
    assert np.std(after[near] - before[near]) == pytest.approx(universe.EDITED_SPREAD, rel=0.1)
    assert np.mean(after[alive] == universe.IMPOSSIBLE) == pytest.approx(universe.EDITED_IMPOSSIBLE, abs=0.05)


def test_only_levels_at_the_edge_teach_and_scouting_teaches_nothing():
    levels = universe.generate(jax.random.key(3), 256)
    learner = universe.Learner()
    learner.evaluate(jax.random.key(0), levels)
    assert learner.skill.tolist() == [0.0] * universe.DOMAINS
    assert learner.scouted == 256
    taught = {}
    for ahead in (-10.0, 0.0, 10.0):
        learner = universe.Learner(skill=np.full(universe.DOMAINS, 5.0))
        hard = universe._made(np.full(255, 5.0 - ahead), np.arange(255) % universe.DOMAINS, np.random.RandomState(0))
        learner.train(jax.random.key(1), hard, 4)
        taught[ahead] = learner.skill.mean() - 5.0
    assert taught[0.0] > 0.2
    assert taught[10.0] == pytest.approx(0, abs=1e-6)
    assert taught[-10.0] < 0, "nothing is solved, so something is forgotten"


def test_the_command_prints_a_table_and_draws_the_curves(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(command.cli, "cache_compilations", lambda: None)
    picture = tmp_path / "curves.png"
    assert command.main(["synthetic", "kinds=uniform", "seeds=1", "assignments=5", "worlds=64", "target=0.1", "--out", str(picture)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == synthetic.HEAD
    assert lines[3].startswith("uniform")
    assert picture.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match=r"kinds.*found 'unifrom'.*uniform, "):
        command.main(["synthetic", "kinds=unifrom"])
