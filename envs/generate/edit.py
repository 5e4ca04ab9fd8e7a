"""Near levels of levels: a few edits drawn by weight, each made only where it leaves the level valid.

editor = Editor(EditConfig(), GeneratorConfig())
children, made = editor(key, levels)         # worlds last; `made` counts the edits of every kind
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jax import lax

from envs.base import Array, Level
from envs.generate.config import GeneratorConfig
from envs.generate.dice import Dice
from envs.generate.edits import EDITS, NUMBERS
from envs.generate.validity import valid
from physics.errors import InputError
from physics.pytree import cast, select
from physics.settings import setting, validate

NAMES = tuple(EDITS)


@dataclasses.dataclass(frozen=True)
class EditConfig:
    """How many edits make a near level, and how often which is drawn; the published weights, and `bend`."""

    count: int = setting(3, "edits that are tried in a row", least=1)
    add_body: float = setting(1.0, "weight of adding a free body", least=0)
    add_joined: float = setting(1.0, "weight of adding a body joined to one that is there", least=0)
    add_thruster: float = setting(1.0, "weight of adding a thruster", least=0)
    remove_body: float = setting(0.0, "weight of removing a body", least=0)
    remove_joint: float = setting(0.0, "weight of removing a joint", least=0)
    remove_thruster: float = setting(1.0, "weight of removing a thruster", least=0)
    swap_roles: float = setting(1.0, "weight of exchanging the roles of two bodies", least=0)
    toggle_fixed: float = setting(0.1, "weight of making a body immovable, or movable", least=0)
    resize: float = setting(1.0, "weight of giving a body another size", least=0)
    move: float = setting(1.0, "weight of moving a body and what hangs on it", least=0)
    turn: float = setting(1.0, "weight of turning a body and what hangs on it", least=0)
    bend: float = setting(1.0, "weight of turning one end of a joint about it", least=0)
    change_gravity: float = setting(0.0, "weight of changing gravity", least=0)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)
        if not any(self.weights):
            raise InputError("edit", found="a weight of 0 for every edit", wanted="at least one above 0")

    @property
    def weights(self) -> tuple[float, ...]:
        """One a name of `NAMES`."""
        return tuple(getattr(self, name) for name in NAMES)


class Editor:
    """Draws near levels; holds no state."""

    def __init__(self, config: EditConfig, generator: GeneratorConfig) -> None:
        """`generator` says what is added."""
        self.config = config
        self.generator = generator

    @functools.partial(jax.jit, static_argnums=0)
    def __call__(self, key: Array, levels: Level) -> tuple[Level, Array]:
        """(levels, how often each edit of `NAMES` was made `[edits, W]`); level `i` depends on key and `i` alone."""
        worlds = jnp.arange(levels.role.shape[-1])

        def once(carry: tuple[Level, Array], key: Array) -> tuple[tuple[Level, Array], None]:
            now, made = carry
            keys = jax.vmap(jax.random.fold_in, (None, 0))(key, worlds)
            changed, edit, possible = jax.vmap(self._draw, in_axes=(0, -1), out_axes=-1)(keys, now)
            keep = possible & valid(changed)
            return (select(keep, changed, now), made + keep * (jnp.arange(len(NAMES))[:, None] == edit)), None

        none = jnp.zeros((len(NAMES), worlds.shape[0]), jnp.int32)
        return lax.scan(once, (cast(levels), none), jax.random.split(key, self.config.count))[0]

    def _draw(self, key: Array, level: Level) -> tuple[Level, Array, Array]:
        """One edit of one world: (level, which, whether it was possible). All are made, one is taken."""
        k_choice, k_dice, k_parts = jax.random.split(key, 3)
        used = [name for name in NAMES if getattr(self.config, name)]
        made = [EDITS[name](level, Dice(k_dice, NUMBERS), k_parts, self.generator) for name in used]
        possible = jnp.stack([flag for _, flag in made])
        weights = jnp.array([getattr(self.config, name) for name in used]) * possible
        chosen, found = Dice(k_choice, 1).choose(weights)
        levels = jax.tree.map(lambda *leaves: jnp.stack(leaves)[chosen], *[cast(changed) for changed, _ in made])
        return levels, jnp.array([NAMES.index(name) for name in used])[chosen], found
