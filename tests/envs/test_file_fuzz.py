"""Level files of all kinds, as they are and spoilt: each is a level or one clear error, whatever is in it."""

import copy
import json
import random
from collections.abc import Iterator

import jax
import numpy as np
import pytest
from kinetix_documents import document, joint
from levels_for_tests import random_levels

from envs import holdout, level_file
from envs.level_model import Origin, Pooled
from envs.sizes import capacity
from physics.errors import InputError
from physics.prepare import capacity_of
from physics.pytree import check, world

DRAWN = 16
JUNK = [
    None, True, False, 0, -1, 1, 3, 1.5, -1e300, 10**40, float("nan"), float("inf"), "", "x", "0", "floor", "green", "goal",
    [], {}, [1], [0.0, 0.0], {"0": 1}, {"0": 0, "1": 0}, [[]], {"active": True}, [[[0, 0, 0, 0, 0, 0], 10**9]], "\ud83d" * 3, "a" * 500,
]  # fmt: skip


def originals() -> list[str]:
    """The shipped levels, drawn ones, and two of Kinetix."""
    texts = [path.read_text() for path in holdout.FOLDER.glob("*/*.json")]
    for size in ("s", "m"):
        levels = random_levels(size)
        models = [level_file.to_model(world(levels, i), name=f"drawn_{i}", description="", size=size) for i in range(DRAWN)]
        pooled = Pooled(run="run", iteration=4, hash="0f", parent="1e", edits=2, success=0.5, episodes=3.5)
        models = [model.model_copy(update={"origin": Origin(seed=0, number=i), "pool": pooled}) for i, model in enumerate(models)]
        texts += [level_file.to_text(model) for model in models]
    return [*texts, *[json.dumps(document()), json.dumps(document(joint=[joint(is_fixed_joint=True)], thruster=[None]))] * DRAWN]


def places(value: object) -> Iterator[tuple]:
    """(container, key) of everything in a document."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from places(value[key])  # type: ignore[index]


def spoilt(text: str, dice: random.Random) -> str:
    """The text with one to three things replaced, added, removed or repeated, or with bytes that are not what they were."""
    if dice.random() < 0.2:
        at, to = sorted(dice.choices(range(len(text)), k=2))
        bytes_ = dice.choice(["", "}", '"', "NaN", "1e999", "\x00", text[at : at + 50]])
        return text[:at] + bytes_ + text[to if dice.random() < 0.5 else at :]
    value = json.loads(text)
    for _ in range(dice.randint(1, 3)):
        container, key = dice.choice(list(places(value)))
        action = dice.random()
        if action < 0.2:
            del container[key]
        elif action < 0.3 and isinstance(container, list):
            container.insert(key, container[key])
        elif action < 0.4 and isinstance(container, dict):
            container[dice.choice(["x", "role", "density", "at", "limits", "fixed"])] = copy.deepcopy(dice.choice(JUNK))
        elif action < 0.6 and isinstance(container[key], (int, float)):
            container[key] = container[key] * dice.choice([-1, 0, 1e-9, 1e-3, 0.5, 2, 1e3, 1e9])
        else:
            container[key] = copy.deepcopy(dice.choice(JUNK))
        if not value:
            break
    return json.dumps(value)


@pytest.mark.parametrize("count", [600, pytest.param(20_000, marks=pytest.mark.slow)])
def test_every_file_is_a_level_or_an_input_error(count, tmp_path):
    dice, texts, file = random.Random(count), originals(), tmp_path / "x.json"
    refused, wronged, whole = [], [], 0
    for _ in range(count):
        text = dice.choice(texts)
        as_it_is = dice.random() < 0.2
        file.write_bytes((text if as_it_is else spoilt(text, dice)).encode(errors="surrogatepass"))
        slots = dice.choice([None, capacity("l")])
        try:
            level = holdout.read(file, slots).level
        except InputError as error:
            (wronged if as_it_is else refused).append(str(error))
            continue
        whole += as_it_is
        check(level, **capacity_of(level.scene).dims)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(level) if np.issubdtype(leaf.dtype, np.floating))
    assert not wronged
    assert whole > count * 0.15
    assert count * 0.3 < len(refused) < count * 0.75
    assert not [message for message in refused if not message.startswith(str(file))]
    assert max(map(len, refused)) < 600 + len(str(file))
