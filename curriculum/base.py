"""The curriculum's contract: all that it shares with anyone, and its settings.

A curriculum is one file: a class with what `Curriculum` lists. Its state is a pytree of arrays whose shapes never change, so
it is saved and restored with the run. It learns of policies only through `Outcome`.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

import jax

from envs.base import Level
from envs.outcome import Outcome
from physics.errors import InputError
from physics.pytree import array, struct
from physics.settings import setting, validate

Array = jax.Array
State = Any
Generate = Callable[[Array, int], Level]  # (key, count) -> levels, worlds last
Edit = Callable[[Array, Level], Level]  # (key, levels) -> near levels, one for one
Evaluate = Callable[[Array, Level], Outcome]  # (key, levels) -> one whole episode of each

KINDS = ("uniform", "sfl", "plr", "robust_plr", "accel", "sgs", "balance")  # that draw levels
POOLED = tuple(kind for kind in KINDS if kind != "uniform")  # their state has a `pool`, and counts `assignments`
FRESH = -1  # slot of a level that does not come from the pool


@struct
class Assignment:
    """Levels for the next rollouts, worlds last, and where each came from."""

    levels: Level
    slot: Array = array("", "int32")  # pool slot, or FRESH
    hash: Array = array("2", "uint32")  # of the level: a slot may have another one by the time that its outcome arrives
    seed: Array = array("2", "uint32")  # of a fresh level, the key that it was drawn with
    draw: Array = array("", "int32")  # and which draw of that key it is
    parent: Array = array("2", "uint32")  # of an edited level, the hash of what it was made from; else 0
    depth: Array = array("", "int32")  # edits in a row since it was drawn


@struct
class Look:
    """What pictures and histograms are made of: the pool, one entry a slot `[M]`, and the candidates `[C]` of the last refresh."""

    levels: Level
    filled: Array = array("", "bool")
    rate: Array = array("")  # estimated success rate
    learnability: Array = array("")
    episodes: Array = array("")  # that the estimate rests on
    age: Array = array("", "int32")  # assignments since it came in
    depth: Array = array("", "int32")  # edits in a row since it was drawn
    candidate_rate: Array = array("")
    candidate_episodes: Array = array("")  # 0: no such candidate


@dataclasses.dataclass(frozen=True)
class CurriculumConfig:
    """Settings of the curriculum."""

    kind: str = setting(
        "sfl", "how levels are chosen: uniform (domain randomisation), sfl, plr, robust_plr, accel, sgs, balance, or named: those of "
        "curriculum.levels alone",
        choices=(*KINDS, "named"),
    )  # fmt: skip
    levels: str = setting("", "with kind=named: levels to train on, with commas: ids, level files, folders or groups of them")
    pool_size: int = setting(256, "levels that the pool holds", least=1)
    pool_share: float = setting(
        0.5, "with sfl or sgs: share of the worlds that play levels of the pool; the rest play fresh ones", least=0, most=1
    )
    candidates: int = setting(1024, "levels that are scouted at every refresh", least=1)
    scout_attempts: int = setting(4, "episodes that each candidate is scouted with", least=1)
    refresh_every: int = setting(8, "assignments between refreshes", least=1)
    window: float = setting(100.0, "episodes of a level that its rolling success rate weighs as much as", least=1)
    keep_pool: bool = setting(
        True, "with kind=sfl: levels of the pool compete with the candidates; false: candidates replace them, as first published"
    )
    plr_score: str = setting(
        "maxmc", "with plr or accel: what a level is worth: maxmc (best return less the critic's value), "
        "pvl (positive value loss) or learnability", choices=("maxmc", "pvl", "learnability"),
    )  # fmt: skip
    plr_order: str = setting(
        "rank",
        "with plr or accel: levels are replayed by rank of score or in proportion to it",
        choices=("rank", "proportional"),
    )
    plr_temperature: float = setting(1.0, "with plr or accel: above 1 flattens how levels are replayed", above=0)
    plr_staleness: float = setting(
        0.3, "with plr or accel: part of the weight that goes by how long a level was not replayed", least=0, most=1
    )
    plr_fill: float = setting(0.5, "with plr or accel: share of the pool that is filled before any replay", least=0, most=1)
    plr_replay: float = setting(0.5, "with kind=plr: chance that an assignment replays; else it plays fresh levels", least=0, most=1)
    accel_edits: float = setting(0.5, "with kind=accel: share of the candidates that are edits of levels just replayed", least=0, most=1)
    sgs_sharpness: float = setting(2.0, "with kind=sgs: how much levels near the best success rate are preferred", least=0)
    sgs_tilt: float = setting(0.5, "with kind=sgs: the success rate that is drawn most often", least=0, most=1)
    balance_sharpness: float = setting(1.0, "with kind=balance: levels are drawn by learnability to this power", above=0)
    balance_new: float = setting(0.75, "with kind=balance: share of the worlds that play new levels", above=0, most=1)
    balance_edits: float = setting(
        0.25, "with kind=balance: share of what is new, in training and scouting, that is edits of learnable levels", least=0, most=1
    )
    balance_inflow: bool = setting(True, "with kind=balance: new levels that were trained on may come into the pool")
    balance_fade: float = setting(
        0.5, "with kind=balance: share of what is known of a level that is forgotten at a refresh", least=0, most=1
    )
    balance_mastered: float = setting(
        0.05, "with kind=balance: share of the pool kept for levels that were learnt, and of its draws that play them", least=0, most=0.9
    )
    balance_scouted: float = setting(0.0, "with kind=balance: share of curriculum.candidates that is scouted at a refresh", least=0, most=1)
    balance_second_look: bool = setting(True, "with kind=balance: half of scouting goes to the quarter of the candidates that seems best")

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)
        if self.kind == "sfl" and self.candidates < self.pool_size:
            raise InputError(
                "curriculum.candidates",
                found=self.candidates,
                wanted=f"at least curriculum.pool_size = {self.pool_size}",
                fix="The pool is filled from the candidates: scout more of them or make the pool smaller.",
            )
        if (self.kind == "named") != bool(self.levels.strip()):
            raise InputError(
                "curriculum.levels", found=self.levels, wanted="levels together with curriculum.kind=named, and none with any other kind",
                fix="Hand-made levels are trained on only when both settings ask for it.",
            )  # fmt: skip


class Curriculum(Protocol):
    """Chooses what to train on."""

    refresh_every: int  # assignments between refreshes

    def init(self, key: Array) -> State:
        """The state of a run that has not begun."""
        ...

    def assign(self, state: State, key: Array, count: int) -> tuple[State, Assignment]:
        """Levels for `count` worlds."""
        ...

    def record(self, state: State, assignment: Assignment, outcome: Outcome) -> State:
        """Take note of how an assignment went."""
        ...

    def refresh(self, state: State, key: Array, evaluate: Evaluate) -> State:
        """Look for better levels; where candidates are scouted."""
        ...

    def metrics(self, state: State) -> dict[str, Array]:
        """Scalars worth a curve."""
        ...

    def look(self, state: State) -> Look:
        """What pictures and histograms are made of."""
        ...
