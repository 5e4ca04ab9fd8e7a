"""Gymnasium's `Env` and `VectorEnv`, registered as `fulcrum/...` when this module is imported.

    env = gymnasium.make("envs.adapters.gymnasium:fulcrum/Level-v0", level="s/lift_off", render_mode="rgb_array")
    env = gymnasium.make("envs.adapters.gymnasium:fulcrum/Random-v0", size="m")     # another level at every reset
    many = gymnasium.make_vec("envs.adapters.gymnasium:fulcrum/Random-v0", num_envs=256)

The vector environment simulates all worlds in one compiled call. For training at full speed use the
environment itself, or `envs.adapters.gymnax`: here every step goes through numpy.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.vector import AutoresetMode

from envs import holdout, render, sizes, spaces
from envs.base import EnvConfig, EnvState, Level
from envs.env import Env
from envs.generate import Generator, GeneratorConfig
from physics import pytree
from physics.errors import InputError

STOCK = 256  # random levels drawn at once
FRAMES = {"render_modes": ["rgb_array"], "render_fps": 30}


class FulcrumEnv(gymnasium.Env):
    """One world: one hand-made level, or random levels, another one at every reset."""

    metadata: dict[str, Any] = FRAMES

    def __init__(self, level: str | None = None, size: str | None = None, render_mode: str | None = None, **settings: Any) -> None:
        """`level` is an id or a level file, or none for random ones; `settings` are those of `EnvConfig`."""
        self.render_mode = render_mode
        self._worlds = _Worlds([level] if level else None, 1, size, settings)
        self.action_space = as_gymnasium(self._worlds.env.actions.SPACE)
        self.observation_space = as_gymnasium(self._worlds.env.observation_space)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode; `options={"level": id}` plays that level this once."""
        super().reset(seed=seed)
        if seed is not None:
            self._worlds.forget_stock()
        seen = self._worlds.begin(self.np_random, [options["level"]] if options and "level" in options else None)
        return _one(seen), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Advance by one action."""
        done = self._worlds.advance(np.asarray(action)[None])
        info = {"solved": bool(done.solved[0])}
        return _one(done.last), float(done.reward[0]), bool(done.terminated[0]), bool(done.truncated[0]), info

    def render(self) -> Any:
        """The world now, `[480, 480, 3]`."""
        return self._worlds.picture(0) if self.render_mode == "rgb_array" else None


class FulcrumVectorEnv(gymnasium.vector.VectorEnv):
    """Many worlds at once. Where an episode ends its level starts again in the same step; `reset` draws other levels.

    Then `info["final_obs"]` holds what was seen at the end, with `info["_final_obs"]` saying where.
    """

    metadata: dict[str, Any] = {**FRAMES, "autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012

    def __init__(
        self, num_envs: int = 1, level: str | Sequence[str] | None = None, size: str | None = None,
        render_mode: str | None = None, **settings: Any,
    ) -> None:  # fmt: skip
        """`level` is an id for all worlds, ids that the worlds take in turn, or none for random levels."""
        self.num_envs, self.render_mode = num_envs, render_mode
        self._worlds = _Worlds([level] if isinstance(level, str) else level, num_envs, size, settings)
        self.single_action_space = as_gymnasium(self._worlds.env.actions.SPACE)
        self.single_observation_space = as_gymnasium(self._worlds.env.observation_space)
        self.action_space = gymnasium.vector.utils.batch_space(self.single_action_space, num_envs)
        self.observation_space = gymnasium.vector.utils.batch_space(self.single_observation_space, num_envs)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode in every world; the first of several seeds counts."""
        super().reset(seed=seed if seed is None or isinstance(seed, int) else int(seed[0]))
        if seed is not None:
            self._worlds.forget_stock()
        return self._worlds.begin(self.np_random), {}

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Advance every world by its action."""
        done = self._worlds.advance(np.asarray(actions))
        ended = done.terminated | done.truncated
        info = {"solved": done.solved, "_solved": ended}
        if ended.any():
            info |= {"final_obs": done.last, "_final_obs": ended}
        return done.observation, done.reward, done.terminated, done.truncated, info

    def render(self) -> Any:
        """A picture of every world."""
        return tuple(self._worlds.picture(i) for i in range(self.num_envs)) if self.render_mode == "rgb_array" else None


@dataclasses.dataclass(frozen=True)
class _Done:
    """What a step gave, in numpy; `last` was seen before any reset."""

    observation: Any
    last: Any
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    solved: np.ndarray


class _Worlds:
    """The worlds behind both kinds of environment: which levels they play, and how they are now."""

    def __init__(self, ids: Sequence[str] | None, count: int, size: str | None, settings: dict[str, Any]) -> None:
        if count < 1:
            raise InputError("num_envs", found=count, wanted="at least 1")
        size = size or _size_for(ids)
        self.env = Env(EnvConfig(size=size, **settings))
        self.ids, self.count = ids, count
        self.level: Level | None = None
        self.state: EnvState | None = None
        self._shown: Any = None
        self._stock: Level | None = None  # random levels, of which `_used` have been handed out
        self._used = 0

    def forget_stock(self) -> None:
        """Draw random levels anew: what comes next depends on the seed alone."""
        self._stock = None

    def begin(self, random: np.random.Generator, ids: Sequence[str] | None = None) -> Any:
        """Start every world in a level, and see."""
        self.level = self._levels(random, ids or self.ids)
        self.state, seen = _begin(self.env.config)(self.level)
        self._shown = self.level.start
        return _numpy(seen)

    def advance(self, action: np.ndarray) -> _Done:
        """Step every world."""
        if self.state is None:
            raise gymnasium.error.ResetNeeded("call reset before step")
        self.state, step, last = _advance(self.env.config)(self.state, jnp.asarray(action))
        self._shown = step.final_motion
        values = [np.array(value) for value in (step.reward, step.terminated, step.truncated, step.solved)]
        return _Done(_numpy(step.observation), _numpy(last), *values)

    def picture(self, index: int) -> np.ndarray:
        """A world after its last step, before any reset."""
        if self.level is None:
            raise gymnasium.error.ResetNeeded("call reset before render")
        return render.render(pytree.world(self.level, index), pytree.world(self._shown, index))

    def _levels(self, random: np.random.Generator, ids: Sequence[str] | None) -> Level:
        if ids:
            _, levels = holdout.load(list(ids), self.env.capacity)
            return pytree.worlds(levels, jnp.arange(self.count) % len(ids))
        stock = max(STOCK, self.count)
        if self._stock is None or self._used + self.count > stock:
            self._stock = _generator(self.env.config)(jax.random.key(int(random.integers(2**31))), stock)
            self._used = 0
        self._used += self.count
        return pytree.worlds(self._stock, jnp.arange(self._used - self.count, self._used))


def _size_for(ids: Sequence[str] | None) -> str:
    """The smallest size in which all these levels have room."""
    found = {holdout.size_for(holdout.find(id).level) for id in ids or []}
    return max(found, key=list(sizes.SIZES).index, default="s")


@functools.cache
def _generator(config: EnvConfig) -> Generator:
    return Generator(Env(config), GeneratorConfig())


@functools.cache
def _begin(config: EnvConfig) -> Any:
    env = Env(config)

    def begin(level: Level) -> tuple[EnvState, Any]:
        state = env.reset(level)
        return state, env.observe(level, state.physics.motion)

    return jax.jit(begin)


@functools.cache
def _advance(config: EnvConfig) -> Any:
    env = Env(config)

    def advance(state: EnvState, action: jax.Array) -> tuple[EnvState, Any, Any]:
        following, step = env.step(state, action)
        return following, step, env.observe(state.level, step.final_motion)

    return jax.jit(advance)


def as_gymnasium(space: spaces.Space) -> gymnasium.Space:
    """Gymnasium's space of the same values."""
    if isinstance(space, spaces.Struct):
        return gymnasium.spaces.Dict({name: as_gymnasium(part) for name, part in space.fields.items()})
    if isinstance(space, spaces.MultiDiscrete):
        return gymnasium.spaces.MultiDiscrete(np.array(space.choices))
    if isinstance(space, spaces.Discrete):
        return gymnasium.spaces.Discrete(space.n)
    if space.dtype == np.bool_:
        return gymnasium.spaces.MultiBinary(space.shape)
    return gymnasium.spaces.Box(space.low, space.high, space.shape, space.dtype)


def _numpy(observation: Any) -> Any:
    """Arrays that gymnasium may keep: numpy, flags as its small whole numbers, structs as dicts."""
    if dataclasses.is_dataclass(observation):
        return {field.name: _numpy(getattr(observation, field.name)) for field in dataclasses.fields(observation)}
    value = np.array(observation)
    return value.astype(np.int8) if value.dtype == np.bool_ else value


def _one(observation: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[0], observation)


for _name, _level in (("Level", {"level": "s/lift_off"}), ("Random", {})):
    gymnasium.register(f"fulcrum/{_name}-v0", f"{__name__}:FulcrumEnv", vector_entry_point=f"{__name__}:FulcrumVectorEnv", kwargs=_level)
