"""A run that is stopped and resumed goes on exactly as if it had not been."""

import dataclasses
import gzip
import json
import warnings

import jax
import numpy as np
import pytest

from cluster.local import Roles
from cluster.supervisor import DivergedError
from cluster.tracker import read_lines
from physics.errors import InputError
from tests.tiny import build_roles, supervisor

UNREPEATABLE = ("seconds", "steps_per_second")


@pytest.fixture(scope="module")
def roles() -> Roles:
    return build_roles()


def _bytes(state: object) -> list[bytes]:
    leaves = jax.tree.leaves(state)
    arrays = [jax.random.key_data(leaf) if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf for leaf in leaves]
    return [np.asarray(leaf).tobytes() for leaf in arrays]


def _rows(folder) -> list[dict]:
    rows = read_lines(folder / "metrics.jsonl")
    return [{name: value for name, value in row.items() if name not in UNREPEATABLE} for row in rows]


def test_six_iterations_are_three_and_three_bit_for_bit(roles, tmp_path):
    whole = supervisor(tmp_path / "whole", roles, 6)
    whole.begin()
    whole.run()
    expected = whole.state()

    first = supervisor(tmp_path / "parts", roles, 3)
    first.begin()
    first.run()
    second = supervisor(tmp_path / "parts", roles, 6, after=3)
    second.restore()
    assert second.progress.iteration == 3
    second.run()
    found = second.state()

    assert whole.progress.iteration == second.progress.iteration == 6
    assert whole.progress.env_steps == second.progress.env_steps
    assert _bytes(found) == _bytes(expected)
    # The run of three evaluates at its end, which the run of six does not.
    rows = [row for row in _rows(tmp_path / "parts") if not (row["iteration"] == 3 and "evaluate/random" in row)]
    assert rows == _rows(tmp_path / "whole")


def test_training_changes_the_parameters_and_every_counter(roles, tmp_path):
    run = supervisor(tmp_path / "run", roles, 2)
    run.begin()
    before = _bytes(run.state().train.params)
    run.run()
    end = run.state()
    assert _bytes(end.train.params) != before
    assert int(end.train.updates) == 2
    assert int(end.curriculum.refreshes) == 1
    assert bool(end.curriculum.pool.filled.all())
    rows = _rows(tmp_path / "run")
    assert [row["iteration"] for row in rows] == [0, 1, 2, 2]
    assert {"train_success", "kl", "entropy"} <= set().union(*rows)


def test_iterations_after_those_that_compile_are_traced_if_asked_for(roles, tmp_path):
    """Levels are held for two iterations, so the third is the first that compiles nothing."""
    run = supervisor(tmp_path / "run", roles, 5, "run.profile=2", "evaluate.every=9")
    run.begin()
    run.run()
    traces = sorted((tmp_path / "run" / "profile").rglob("*.trace.json.gz"))
    assert [path.relative_to(tmp_path / "run" / "profile").parts[0] for path in traces] == ["iteration_3", "iteration_4"]
    for path in traces:
        names = {event.get("name", "") for event in json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]}
        assert any("_collect_share" in name for name in names), "programs by name"
        assert any("while" in name for name in names), "and what is in them"
    assert len(list((tmp_path / "run" / "profile").rglob("*.xplane.pb"))) == 2


def test_stopping_saves_where_it_stopped(roles, tmp_path):
    run = supervisor(tmp_path / "run", roles, 6)
    run.begin()
    run.run(stop=lambda: run.progress.iteration >= 2)
    again = supervisor(tmp_path / "run", roles, 6)
    again.restore()
    assert again.progress.iteration == 2
    assert again.progress.seconds > 0


def test_a_run_that_breaks_down_stops_at_a_checkpoint_of_its_last_good_parameters(roles, tmp_path):
    """A parameter that is not finite makes every gradient step so; there are four in an iteration."""
    run = supervisor(tmp_path / "run", roles, 6, "run.max_skipped_updates=5")
    run.begin()
    begin = run.state()
    broken = jax.tree.map(lambda leaf: leaf.at[0].set(np.nan), begin.train.params)
    begin = dataclasses.replace(begin, train=dataclasses.replace(begin.train, params=broken))
    expected = _bytes((begin.train.params, begin.train.optimizer))
    run.load(begin)
    with pytest.raises(DivergedError, match=r"iteration 2: 8 gradient steps in a row .*more than run.max_skipped_updates=5"):
        run.run()
    assert [row["skipped_updates"] for row in read_lines(tmp_path / "run" / "metrics.jsonl") if "kl" in row] == [4, 4]
    again = supervisor(tmp_path / "run", roles, 6)
    again.restore()
    kept = again.state()
    assert again.progress.iteration == 2
    assert _bytes((kept.train.params, kept.train.optimizer)) == expected


def test_what_goes_on_is_donated(roles, tmp_path):
    """Parameters, optimiser and worlds are changed in place: none of them is there twice, and none is copied."""
    run = supervisor(tmp_path / "run", roles, 1)
    run.begin()
    state, key = run.state(), jax.random.key(0)
    held = roles.worker.split(state.worlds)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a donation that cannot be used warns
        worlds, rollout = roles.worker.collect(state.train.params, held, key)
        train, _ = roles.learner.update(state.train, rollout, key)
    gone = jax.tree.leaves((held, state.train))
    assert all(leaf.is_deleted() for leaf in gone)
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves((worlds, rollout, train)))


def test_no_checkpoint_is_a_clear_error(roles, tmp_path):
    run = supervisor(tmp_path / "run", roles, 6)
    with pytest.raises(InputError, match="before its first checkpoint"):
        run.restore()


def test_a_broken_checkpoint_is_named_with_the_way_out(roles, tmp_path):
    run = supervisor(tmp_path / "run", roles, 1)
    run.begin()
    run.run()
    for file in [path for path in (tmp_path / "run" / "checkpoints").rglob("*") if path.is_file()]:
        file.write_bytes(b"broken")
    again = supervisor(tmp_path / "run", roles, 1)
    with pytest.raises(InputError, match=r"checkpoints/1 cannot be read.*nor can 0.*start the run anew"):
        again.restore()
