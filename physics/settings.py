"""Settings: dataclass fields that carry their meaning and their bounds.

Every configuration class of the project is a frozen dataclass whose fields are made by `setting`,
so that one line gives the default, the help text and the check. `validate` is called from
`__post_init__`; it raises an `InputError` that names the key, the value and what would be right.
"""

import dataclasses
import math
from typing import Any

from physics.errors import InputError


@dataclasses.dataclass(frozen=True)
class Meaning:
    """What a setting says of itself: help text and allowed values."""

    help: str
    least: float | None = None
    above: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()

    def wanted(self) -> str:
        """The allowed values in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        bounds = [(self.least, "at least"), (self.above, "more than"), (self.most, "at most")]
        return " and ".join(f"{words} {bound:g}" for bound, words in bounds if bound is not None) or "a finite number"

    def allows(self, value: Any) -> bool:
        """Whether `value` is one of the choices or inside the bounds."""
        if self.choices:
            return value in self.choices
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return True
        inside = (
            (self.least is None or value >= self.least)
            and (self.above is None or value > self.above)
            and (self.most is None or value <= self.most)
        )
        return inside and math.isfinite(value)


def setting(default: Any, help: str, **bounds: Any) -> Any:
    """A dataclass field with a default, a meaning and bounds (`least`, `above`, `most`, `choices`)."""
    return dataclasses.field(default=default, metadata={"meaning": Meaning(help, **bounds)})


def section(cls: type, help: str) -> Any:
    """A dataclass field that holds a nested configuration with its own defaults."""
    return dataclasses.field(default_factory=cls, metadata={"meaning": Meaning(help)})


def validate(config: Any) -> None:
    """Check every setting of a configuration against its bounds; `InputError` names the first that is out."""
    for field in dataclasses.fields(config):
        meaning: Meaning | None = field.metadata.get("meaning")
        value = getattr(config, field.name)
        if meaning is None or dataclasses.is_dataclass(value):
            continue
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if not meaning.allows(item):
                raise InputError(field.name, found=value, wanted=meaning.wanted())
