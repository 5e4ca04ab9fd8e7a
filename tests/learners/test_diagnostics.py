"""Dead units: those that say the same of every sample; and the spread of numbers over devices."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from tiny_learning import ENV, NETWORK, mixed, random_params

from cluster import mesh as meshes
from cluster.mesh import COPIED, SHARED
from learners import diagnostics

SAMPLES = 16
INPUTS = np.random.RandomState(0).normal(size=(SAMPLES, 1)).astype(np.float32)
CASES = {  # of one unit: activation, weight, bias -> whether it is dead
    "a rectifier that is on for some": ("relu", 1.0, 0.0, 0),
    "a rectifier that is never on": ("relu", 1.0, -9.0, 1),
    "a rectifier that is always on, and says how much": ("relu", 1.0, 9.0, 0),
    "a tanh in its middle": ("tanh", 1.0, 0.0, 0),
    "a tanh at its upper end": ("tanh", 0.1, 5.0, 1),
    "a tanh at its lower end": ("tanh", 0.1, -5.0, 1),
    "a tanh that goes from end to end": ("tanh", 1e4, 0.0, 0),
}


class Layer(nn.Module):
    """Units of one activation each, with given weights."""

    units: tuple[tuple[str, float, float], ...]

    @nn.compact
    def __call__(self, seen: Any) -> Any:
        hidden = jnp.concatenate([getattr(nn, kind)(weight * seen + bias) for kind, weight, bias in self.units], axis=-1)
        self.sow("intermediates", "hidden", hidden)
        return hidden.sum(-1)


def share(network: nn.Module, params: Any, seen: Any, devices: int = 1) -> float:
    def watch(seen: Any) -> Any:
        return diagnostics.watched(network.apply, params, seen)[1]

    mesh = meshes.make(devices)
    return float(meshes.over_devices(watch, mesh, (SHARED,), COPIED)(meshes.put(seen, mesh, SHARED)))


@pytest.mark.parametrize("name", CASES)
def test_a_unit_is_dead_if_it_says_the_same_of_every_sample(name: str):
    *unit, dead = CASES[name]
    assert share(Layer(units=(tuple(unit),)), {}, INPUTS) == dead


def test_the_share_is_that_of_all_units_and_a_unit_must_be_dead_on_every_device():
    units = tuple(tuple(case[:3]) for case in CASES.values())
    assert share(Layer(units=units), {}, INPUTS, devices=2) == pytest.approx(3 / 7)
    halves = np.where(np.arange(SAMPLES) < SAMPLES // 2, -1.0, 1.0).astype(np.float32)[:, None]
    assert share(Layer(units=(("relu", 1.0, 0.0),)), {}, halves, devices=2) == 0
    assert share(Layer(units=(("relu", 1.0, -9.0),)), {}, halves, devices=2) == 1


def test_what_is_not_a_number_is_not_dead():
    """Whether all of a unit's samples are so or one."""
    one = INPUTS.copy()
    one[0] = np.nan
    for unit, seen in ((("tanh", float("nan"), 0.0), INPUTS), (("relu", 1.0, -9.0), one)):
        assert share(Layer(units=(unit,)), {}, seen) == 0


def test_the_agents_network_shows_its_hidden_units_and_keeps_nothing_of_it():
    level = mixed()
    seen = ENV.observe(level, level.start)
    params = random_params()
    assert set(params) == {"params"}
    alive = share(NETWORK, params, seen)
    biases = {name: {**layer, "bias": np.full_like(layer["bias"], -1e3)} for name, layer in params["params"].items() if name != "encoder"}
    killed = share(NETWORK, {"params": params["params"] | biases}, seen)
    assert alive < 0.3
    assert killed > alive + 0.3, "the layers of the heads are saturated"


def test_spread_and_explained_variance_are_those_of_all_devices():
    random = np.random.RandomState(1)
    value, gain = random.normal(size=(2, 5)).astype(np.float32), random.normal(size=(2, 5)).astype(np.float32)

    def both(value: Any, gain: Any) -> Any:
        return diagnostics.spread(gain), diagnostics.explained_variance(value, gain)

    mesh = meshes.make(2)
    found = meshes.over_devices(both, mesh, (SHARED, SHARED), COPIED)(value, gain)
    np.testing.assert_allclose(found, [gain.std(), 1 - (gain**2).mean() / (value + gain).var()], rtol=1e-5)


def test_what_is_watched_is_what_the_network_says():
    level = mixed()
    seen = ENV.observe(level, level.start)

    def both(seen: Any) -> Any:
        return diagnostics.watched(NETWORK.apply, random_params(), seen)[0], NETWORK.apply(random_params(), seen)

    watched, plain = meshes.over_devices(both, meshes.make(1), (SHARED,), SHARED)(seen)
    jax.tree.map(np.testing.assert_array_equal, watched, plain)
