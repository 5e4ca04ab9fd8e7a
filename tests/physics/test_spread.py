"""Worlds shared out over devices give what they give on one, wherever the inputs are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from physics.spread import over_devices


def scaled(factor: jax.Array, batch: dict) -> dict:
    """Uses how many worlds it is given, so that sharing out shows."""
    count = batch["b"].shape[-1]
    return {"a": factor * batch["a"], "worlds": jnp.full(count, count)}


@pytest.mark.parametrize(("worlds", "share"), [(6, 3), (5, 5)])
def test_every_device_gets_its_share_and_an_odd_number_stays_on_one(worlds, share):
    assert len(jax.local_devices()) == 2
    batch = {"a": np.arange(3 * worlds, dtype=np.float32).reshape(3, worlds), "b": np.zeros(worlds)}
    found = over_devices(scaled, worlds)(jnp.float32(2), batch)
    np.testing.assert_array_equal(found["a"], 2 * batch["a"])
    assert np.asarray(found["worlds"]).tolist() == [share] * worlds


def test_inputs_may_lie_on_any_device():
    here, there = jax.local_devices()
    batch = {"a": jax.device_put(jnp.ones((2, 4)), there), "b": jnp.zeros(4)}
    found = over_devices(scaled, 4)(jax.device_put(jnp.float32(3), here), batch)
    np.testing.assert_array_equal(found["a"], np.full((2, 4), 3))
