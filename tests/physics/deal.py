"""The same worlds dealt to one device and to four: `python -m tests.physics.deal` says in JSON how much differs.

Holds no tests. Worlds are dealt in blocks, as the learner does: `[blocks, ..., worlds of a block]`.
"""

import json

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import physics
from cluster import mesh
from launch import cli
from physics.base import Controls, Motion, Scene
from tests.physics.scenes import DEFAULT, SMALL, in_every_world, random_scene

BLOCKS, BLOCK, STEPS = 4, 4, 30


def simulate(scene: Scene, motion: Motion) -> Motion:
    """The end of one block of worlds, all actuators on."""
    prepared = physics.prepare(scene)
    controls = Controls(motor=jnp.ones((SMALL.joints, BLOCK)), thruster=jnp.ones((SMALL.thrusters, BLOCK)))
    state = physics.start(prepared, motion)
    return lax.fori_loop(0, STEPS, lambda _, now: physics.step(prepared, now, controls, DEFAULT)[0], state).motion


def on(devices: int, worlds: tuple[Scene, Motion]) -> Motion:
    """The end of all blocks, shared out over so many devices."""
    where = mesh.make(devices)
    run = mesh.over_devices(lambda blocks: lax.map(lambda block: simulate(*block), blocks), where, (mesh.SHARED,), mesh.SHARED)
    return jax.tree.map(np.asarray, run(mesh.put(worlds, where, mesh.SHARED)))


def main() -> None:
    """Print how many devices there were, how far bodies moved and how many numbers differ."""
    cli.cache_compilations()
    jax.config.update("jax_disable_most_optimizations", True)  # takes long to compile, runs for a moment
    blocks = [in_every_world([random_scene(SMALL, block * BLOCK + world) for world in range(BLOCK)]) for block in range(BLOCKS)]
    worlds = jax.tree.map(lambda *leaves: np.stack(leaves), *blocks)
    one, four = on(1, worlds), on(4, worlds)
    differing = sum(int((a != b).sum()) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(four), strict=True))
    moved = float(np.abs(one.pos - worlds[1].pos).max())
    print(json.dumps({"devices": [1, len(jax.local_devices())], "moved": moved, "differing numbers": differing}))  # noqa: T201


if __name__ == "__main__":
    main()
