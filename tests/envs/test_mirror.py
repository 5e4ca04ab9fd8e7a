"""A mirrored level goes as the original does in a mirror."""

import jax
import numpy as np

from envs import holdout, level_file
from envs.levels.design.mirror import mirrored
from envs.sizes import capacity
from physics.base import ROOM_WIDTH, Controls, SolverConfig
from physics.prepare import prepare
from physics.pytree import stack
from physics.step import start, step

IDS = ["s/touch_down", "s/return_serve", "s/hop_the_red", "s/tip_the_tray"]  # a tilted jet, a ball that rolls, a polygon, limits


def test_motion_is_mirrored_step_for_step():
    models = [level_file.read_model(holdout.path(id)) for id in IDS]
    twins = [mirrored(model, f"{model.name}_twin") for model in models]
    levels = stack([level_file.to_level(model, capacity("s")) for model in [*models, *twins]])
    prepared = prepare(levels.scene)
    controls = Controls(motor=np.ones((1, 8), np.float32), thruster=np.ones((1, 8), np.float32))
    advance = jax.jit(lambda state: step(prepared, state, controls, SolverConfig())[0])
    state = start(prepared, levels.start)
    for _ in range(12):
        state = advance(state)
    pos, angle = np.asarray(state.motion.pos), np.asarray(state.motion.angle)
    active = np.asarray(levels.scene.bodies.active)[:, :4]
    np.testing.assert_allclose(pos[0, :, 4:][active], ROOM_WIDTH - pos[0, :, :4][active], atol=1e-3)
    np.testing.assert_allclose(pos[1, :, 4:][active], pos[1, :, :4][active], atol=1e-3)
    np.testing.assert_allclose(angle[:, 4:][active], -angle[:, :4][active], atol=1e-3)
    assert np.abs(pos[0, :, 4:] - pos[0, :, :4])[active].max() > 0.5


def test_twins_say_whose_they_are_and_which_side_is_meant():
    model = level_file.read_model(holdout.path("s/tip_the_tray"))
    twin = mirrored(model, "tip_the_tray_right")
    assert twin.twin == "tip_the_tray"
    assert "Tip the tray right" in twin.description
    assert "left end" in twin.description
    assert twin.walls.left.role == model.walls.right.role == "red"
    assert twin.solution is None
    back = level_file.to_level(mirrored(twin, model.name))
    for leaf, wanted in zip(jax.tree.leaves(back), jax.tree.leaves(level_file.to_level(model)), strict=True):
        np.testing.assert_allclose(leaf, wanted, atol=1e-6)
