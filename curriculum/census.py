"""A pool as people read it: an entry a level, the ancestors of one, and what there is of each sort."""

import dataclasses
from collections.abc import Iterator, Sequence

import jax
import numpy as np

from curriculum.base import Array, Look
from curriculum.mix import TOO_EASY, TOO_HARD
from curriculum.pool import NOT_DRAWN, LevelPool


@dataclasses.dataclass(frozen=True)
class Entry:
    """What is known of one level. Age and last played count assignments; 0 is since the newest one."""

    slot: int
    hash: str  # 16 hexadecimal digits
    success: float | None  # rate by rolling counts; None if it was not played yet
    episodes: float  # that the rate rests on
    total_episodes: int  # while in the pool, scouting included
    learnability: float | None
    score: float | None  # what it means is the curriculum's business; None if it has none
    age: int
    last_played: int
    edits: int  # in a row since a level was drawn
    key: str | None  # of a drawn level, 16 hexadecimal digits
    number: int | None  # which draw of that key it is
    parent: str | None  # hash of the level that an edited one was made from
    parent_in_pool: bool


def entries(pool: LevelPool, look: Look, now: int) -> list[Entry]:
    """Of all levels of a pool before assignment `now`, in the order of their slots; `look` is at that pool."""
    pool, look = jax.device_get([dataclasses.replace(part, levels=None) for part in (pool, look)])
    there = {_hex(pool.hash[:, slot]) for slot in np.flatnonzero(pool.filled)}
    return [_entry(pool, look, now, int(slot), there) for slot in np.flatnonzero(pool.filled)]


def _entry(pool: LevelPool, look: Look, now: int, slot: int, there: set[str]) -> Entry:
    played, edits, drawn = pool.episodes[slot] > 0, int(pool.depth[slot]), pool.draw[slot] != NOT_DRAWN
    parent = _hex(pool.parent[:, slot]) if edits else None
    return Entry(
        slot=slot, hash=_hex(pool.hash[:, slot]), success=_short(look.rate[slot]) if played else None,
        episodes=_short(look.episodes[slot]), total_episodes=int(pool.total_episodes[slot]),
        learnability=_short(look.learnability[slot]) if played else None,
        score=_short(pool.score[slot]) if np.isfinite(pool.score[slot]) else None,
        age=int(look.age[slot]), last_played=now - int(pool.sampled[slot]), edits=edits,
        key=_hex(pool.seed[:, slot]) if drawn else None, number=int(pool.draw[slot]) if drawn else None,
        parent=parent, parent_in_pool=parent in there,
    )  # fmt: skip


def _short(value: Array) -> float:
    return float(f"{value:.6g}")


def _hex(words: Array) -> str:
    return "".join(f"{word:08x}" for word in words)


def ancestry(found: Sequence[Entry], youngest: Entry) -> list[Entry]:
    """A level, the level that it was made from and so on, for as long as they are in the pool."""
    return list(_back({entry.hash: entry for entry in found}, youngest))


def _back(by_hash: dict[str, Entry], entry: Entry | None) -> Iterator[Entry]:
    while entry:
        yield entry
        older = by_hash.get(entry.parent or "")
        entry = older if older and older.edits < entry.edits else None  # a level may have left and come back as its own descendant


@dataclasses.dataclass(frozen=True)
class Summary:
    """Of a whole pool; shares are of the levels in it."""

    slots: int
    filled: int
    too_easy: float
    learnable: float
    too_hard: float
    not_played: float
    age: float  # mean, in assignments
    deepest: int  # lineage, in edits


def summary(found: Sequence[Entry], slots: int) -> Summary:
    """Of a pool with something in it."""
    count, rates = len(found), [entry.success for entry in found if entry.success is not None]
    easy, hard = sum(rate > TOO_EASY for rate in rates), sum(rate < TOO_HARD for rate in rates)
    return Summary(
        slots=slots, filled=count, too_easy=easy / count, learnable=(len(rates) - easy - hard) / count, too_hard=hard / count,
        not_played=1 - len(rates) / count, age=sum(entry.age for entry in found) / count, deepest=max(entry.edits for entry in found),
    )  # fmt: skip
