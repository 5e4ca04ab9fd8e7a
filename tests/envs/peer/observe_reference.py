"""Observes the published hand-made levels in the reference and writes levels and observations as plain arrays.

    python observe_reference.py OUT.npz

Run by the python of the reference's environment; imports nothing of this project. Keys are `size/...`;
levels come first. Every level was played with random actions for a while; `before/...` is the state
at the beginning of the last physics step, whose contacts the observations tell, and `after/...` the state
that is observed.
"""

import dataclasses
import sys
from pathlib import Path
from typing import Any

import jax
import kinetix
import numpy as np
from kinetix.environment import ActionType, EnvParams, ObservationType, make_kinetix_env
from kinetix.util.saving import load_evaluation_levels

SIZES = ("s", "m", "l")
MOST = 12  # levels a size
PHYSICS_STEPS = 40
CHOICES = (3, 3, 3, 3, 2, 2)
KINDS = {
    "entities": ObservationType.SYMBOLIC_ENTITY,
    "flat": ObservationType.SYMBOLIC_FLAT,
    "flat_padded": ObservationType.SYMBOLIC_FLAT_PADDED,
}
PARTS = ("polygon", "circle", "joint", "thruster")
BESIDE = (
    "gravity", "polygon_shape_roles", "circle_shape_roles", "polygon_densities", "circle_densities",
    "motor_bindings", "motor_auto", "thruster_bindings",
)  # fmt: skip


def arrays(state: Any) -> dict[str, np.ndarray]:
    """The fields of a state that say what is in it."""
    found = {name: getattr(state, name) for name in BESIDE}
    for part in PARTS:
        struct = getattr(state, part)
        found |= {f"{part}/{field.name}": getattr(struct, field.name) for field in dataclasses.fields(struct)}
    return {name: np.asarray(value) for name, value in found.items()}


def observe_size(size: str) -> dict[str, np.ndarray]:
    """States and observations of the levels of a size."""
    folder = Path(kinetix.__file__).parent / "levels" / size
    names = sorted(path.stem for path in folder.glob("*.json"))[:MOST]
    levels, static = load_evaluation_levels([f"{size}/{name}" for name in names])
    params = EnvParams()
    envs = {name: make_kinetix_env(ActionType.MULTI_DISCRETE, kind, None, params, static, auto_reset=False) for name, kind in KINDS.items()}
    env = envs["entities"]
    actions = np.random.RandomState(0).randint(0, CHOICES, (len(names), PHYSICS_STEPS, len(CHOICES))).astype(np.int32)

    def play(state: Any, sequence: Any) -> tuple[Any, Any]:
        def one(now: Any, action: Any) -> tuple[Any, None]:
            return env.physics_engine.step(now, params, env.action_type.process_action(action, now, static))[0], None

        before = jax.lax.scan(one, state, sequence[:-1])[0]
        return before, one(before, sequence[-1])[0]

    before, after = jax.jit(jax.vmap(play))(levels, actions)
    found = {f"{when}/{name}": value for when, state in (("before", before), ("after", after)) for name, value in arrays(state).items()}
    for kind, made in envs.items():
        seen = jax.vmap(made.get_obs)(after)
        if dataclasses.is_dataclass(seen):
            found |= {f"{kind}/{field.name}": np.asarray(getattr(seen, field.name)) for field in dataclasses.fields(seen)}
        else:
            found[kind] = np.asarray(seen)
    return found | {"name": np.array(names)}


def main(out: str) -> None:
    """Observe all sizes and write the file."""
    results = {f"{size}/{name}": value for size in SIZES for name, value in observe_size(size).items()}
    np.savez_compressed(out, **results)


if __name__ == "__main__":
    main(sys.argv[1])
