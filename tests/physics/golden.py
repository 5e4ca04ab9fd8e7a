"""Six scenes whose trajectories are on record in `golden.json`, bit for bit.

    python -m tests.physics.golden          # write the file anew, after a change that is meant to change trajectories

The bits depend on the processor and on XLA, so the record says, as a fingerprint, where it was made. Elsewhere
only its coarse part counts: where bodies were after some steps, as far as rounding leaves that predictable.
Holds no tests.
"""

import dataclasses
import hashlib
import json
import os
import platform
import re
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from physics import devices, pytree
from physics.base import CEILING, FLOOR, Controls, Motion, Scene, SolverConfig
from physics.build import CEILING as CEILING_REF
from physics.build import FLOOR as FLOOR_REF
from physics.build import Builder
from tests.physics.scenes import CONFIGS, LARGE, MEDIUM, QUICK, Run, random_scene, run_batch

FILE = Path(__file__).with_name("golden.json")
STEPS = 300
EVERY = 10  # steps between those that are hashed
INSTRUCTIONS = ("sse", "ssse", "avx", "fma", "f16c", "bmi", "amx")  # what of a processor's flags changes compiled code


@dataclasses.dataclass(frozen=True)
class Golden:
    """A scene on record: what happens, what drives it, and when its positions are still predictable."""

    make: Callable[[], tuple[Scene, Motion]]
    motor: float = 0.0
    thruster: float = 0.0
    predictable: tuple[int, ...] = (30,)  # steps after which positions agree on any platform


def stack() -> tuple[Scene, Motion]:
    """Two boxes and a disc dropped on each other; the disc rolls off."""
    builder = Builder(MEDIUM)
    builder.box((2, FLOOR + 0.25), (0.3, 0.2))
    builder.box((2.05, FLOOR + 0.75), (0.25, 0.2), density=2, angle=0.05)
    builder.circle((2.02, FLOOR + 1.2), 0.15, restitution=0.3)
    return builder.finish()


def car() -> tuple[Scene, Motion]:
    """A chassis on two driven wheels, and a box in its way."""
    builder = Builder(MEDIUM)
    chassis = builder.box((1.2, FLOOR + 0.34), (0.4, 0.1))
    for x in (0.9, 1.5):
        wheel = builder.circle((x, FLOOR + 0.19), 0.2)  # a little in the floor: just touching, rounding decides who touches
        builder.joint(chassis, wheel, at=(x, FLOOR + 0.19), motor=True, speed=-1.0)
    builder.box((3.5, FLOOR + 0.14), (0.15, 0.15), density=0.5)
    return builder.finish()


def chain() -> tuple[Scene, Motion]:
    """Five links that hang from the ceiling, with limits and a weld in the middle, and a post welded to the floor."""
    builder = Builder(LARGE)
    before, at, along = CEILING_REF, np.array([2.0, CEILING - 0.1]), np.array([0.5, 0.0])
    for link in range(5):
        after = builder.box(at + along / 2, (0.25, 0.05))
        builder.joint(before, after, at=at, limits=(-0.6, 0.9) if link in (1, 3) else None, fixed=link == 2)
        before, at = after, at + along
    post = builder.box((1.0, FLOOR + 0.5), (0.05, 0.5))
    builder.joint(FLOOR_REF, post, at=(1.0, FLOOR), fixed=True)
    return builder.finish()


def rocket() -> tuple[Scene, Motion]:
    """A body that two thrusters drive into the walls."""
    builder = Builder(MEDIUM)
    body = builder.polygon([(-0.2, -0.3), (0.2, -0.3), (0, 0.4)], at=(2.5, 2), restitution=0.4)
    builder.thruster(body, at=(2.3, 1.8), angle=np.pi / 2, power=0.4)
    builder.thruster(body, at=(2.5, 1.8), angle=0.4, power=0.5)
    builder.wall_restitution[:] = [0.5] * 4
    return builder.finish()


def pile() -> tuple[Scene, Motion]:
    """Discs that fall into a corner."""
    builder = Builder(LARGE)
    for row, (x, radius) in enumerate([(0.35, 0.3), (1.1, 0.3), (0.65, 0.25), (1.5, 0.2)]):
        builder.circle((x, FLOOR + 0.35 + 0.35 * row), radius, restitution=0.2, density=1.0 + row)
    return builder.finish()


SCENES = {
    "stack": Golden(stack, predictable=(30, 60, 150)),
    "car": Golden(car, motor=1.0, predictable=(30, 60, 150, 300)),
    "chain": Golden(chain, predictable=(30, 100, 300)),
    "rocket": Golden(rocket, thruster=1.0, predictable=(30, 60)),
    "pile": Golden(pile, predictable=(30, 60, 150)),
    # Its joints pull across the room and do not converge: what rounding does grows fifty times a step.
    "random": Golden(lambda: random_scene(LARGE, 0), motor=0.2, predictable=(1, 2)),
}


def simulate(name: str, config: SolverConfig) -> Run:
    """The trajectory of a scene, in a batch of one."""
    golden = SCENES[name]
    scene, motion = (pytree.stack([part]) for part in golden.make())
    motors, thrusters = scene.joints.motor.shape, scene.thrusters.power.shape
    controls = Controls(motor=jnp.full(motors, golden.motor), thruster=jnp.full(thrusters, golden.thruster))
    return run_batch(scene, motion, STEPS, controls, config)


def bits(done: Run) -> str:
    """Hash of the motion every `EVERY` steps and of all that is stored at the end."""
    found = hashlib.sha256()
    for leaf in [*jax.tree.leaves(jax.tree.map(lambda leaf: leaf[EVERY - 1 :: EVERY], done.motion)), *jax.tree.leaves(done.state)]:
        found.update(np.ascontiguousarray(leaf).tobytes())
    return found.hexdigest()


def coarse(name: str, done: Run) -> dict[str, list]:
    """Step -> positions `[N, 2]` (m) after it, for the steps that are predictable."""
    return {str(step): np.round(done.pos[step - 1, :, :, 0].T.astype(float), 6).tolist() for step in SCENES[name].predictable}


def fingerprint() -> dict[str, str]:
    """What the bits depend on: JAX, how it compiles, and the kind of processor, as a hash."""
    no_matter = devices.FLAG, devices.YNNPACK  # the engine has no matrix products
    flags = sorted(flag for flag in os.environ.get("XLA_FLAGS", "").split() if not flag.startswith(no_matter))
    optimised = [str(QUICK["xla_backend_optimization_level"]), str(jax.config.read("jax_disable_most_optimizations"))]
    return {
        "jax": jax.__version__,
        "jaxlib": jax.lib.__version__,
        "backend": jax.default_backend(),
        "optimisation": hashlib.sha256(" ".join([*optimised, *flags]).encode()).hexdigest()[:16],
        "processor": hashlib.sha256(_processor().encode()).hexdigest()[:16],
    }


def _processor() -> str:
    """Make, model and instruction sets, as far as the system tells."""
    said = {}
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
        said = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    sets = sorted(flag for flag in said.get("flags", said.get("Features", "")).split() if flag.startswith(INSTRUCTIONS))
    return " ".join([platform.machine(), *(said.get(key, "") for key in ("vendor_id", "cpu family", "model")), *sets])


def record() -> dict:
    """What belongs into the file, from the engine as it is."""
    runs = {f"{method}/{name}": (name, simulate(name, config)) for method, config in CONFIGS.items() for name in SCENES}
    scenes = {key: {"bits": bits(done), "positions": coarse(name, done)} for key, (name, done) in runs.items()}
    return {"fingerprint": fingerprint(), "scenes": scenes}


def write(file: Path) -> None:
    """Write the record, a line a set of positions, so that changes can be read."""
    text = json.dumps(record(), indent=1)
    file.write_text(re.sub(r"(?<=[\[\],\d])\s+(?=[\[\]\-\d])", "", text) + "\n")


if __name__ == "__main__":
    write(FILE)
