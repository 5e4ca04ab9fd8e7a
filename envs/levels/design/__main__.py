"""Write the shipped levels, and search solutions of those that are new or changed, or whose solution no longer holds.

python -m envs.levels.design [NAME ...]       # all levels, or those named
"""

import sys
from collections.abc import Sequence

from envs import level_file, search, sizes
from envs.level_model import LevelModel
from envs.levels.design import (
    large_arms,
    large_bodies,
    large_flights,
    large_machines,
    large_throwing,
    large_vehicles,
    medium,
    medium_flight,
    medium_games,
    parts,
    small,
)  # fmt: skip
from physics.errors import InputError

MODULES = (
    small, medium, medium_flight, medium_games,
    large_bodies, large_vehicles, large_flights, large_arms, large_throwing, large_machines,
)  # fmt: skip
TRIES = 64  # jittered starts that a recorded solution is played from
STEADY = 0.5  # a solution that solves the level from fewer of the jittered starts is searched anew


def models() -> list[LevelModel]:
    """All levels that are shipped."""
    return [model for module in MODULES for model in parts.models(module.THEMES, module.TWINS)]


def solution(model: LevelModel) -> list:
    """Run-length-encoded actions that solve the level; `InputError` if none is found."""
    found = search.solve(level_file.to_level(model, sizes.capacity(model.size)), model.size, report=lambda each: print(model.name, each))
    if not found:
        raise InputError(f"level {model.name}", found="no solution", wanted="a level that can be solved", fix="Make it easier.")
    return level_file.compress(found.actions)


def still_solves(model: LevelModel) -> bool:
    """Whether the recorded solution solves the level; not so after a change of the engine that matters to it."""
    recorded = level_file.expand(model.solution or [])
    level = level_file.to_level(model, sizes.capacity(model.size))
    return len(recorded) > 0 and search.steadiness(level, recorded, model.size, players=TRIES) >= STEADY


def main(names: Sequence[str]) -> None:
    """Write what was asked for."""
    changed = parts.save([model for model in models() if not names or model.name in names], solution, still_solves)
    print("written: " + (", ".join(changed) or "nothing, all levels are as designed"))


if __name__ == "__main__":
    main(sys.argv[1:])
