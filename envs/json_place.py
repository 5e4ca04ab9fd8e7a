"""JSON texts and places in them: reading that ends in one `InputError` naming file, place, found and wanted.

    document = Place("x.json", decode(read_text("x.json", 1 << 20), "x.json"))
    radius = document.field("circle").items()[0].field("radius").number(least=0.01)

It is here so that whatever a file holds, the reader of its format meets a value of the type it asked
for or stops. What the fields mean is the business of the formats: `level_model`, `kinetix_file`.
"""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any, NoReturn

from physics.errors import InputError

LONGEST_FOUND = 60  # characters of a value that an error shows


class Plain:
    """Shown in an error as it is, without the quotes that a text gets."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


def shown(value: Any) -> Plain:
    """A value of a document as an error shows it: as JSON, cut short where it is long."""
    try:
        text = json.dumps(value, default=str)
    except RecursionError:
        text = f"a {type(value).__name__} of many levels"
    return Plain(cut(text))


def cut(text: str) -> str:
    """A text as an error shows it, cut short where it is long."""
    return text if len(text) <= LONGEST_FOUND else text[: LONGEST_FOUND - 3] + "..."


def read_text(path: str | Path, most: int) -> str:
    """The text of a file of at most `most` bytes; `InputError` if it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        found = (error.strerror or "an error").lower()
        raise InputError(str(path), found=found, wanted="a level file that can be read") from None
    if len(data) > most:
        raise InputError(str(path), found=f"more than {most // 1024} KiB", wanted="a level file, which is a few kB")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InputError(str(path), found=f"a byte that is not UTF-8 at {error.start}", wanted="JSON text in UTF-8") from None


def decode(text: str, where: str) -> Any:
    """JSON without its dark corners: no NaN, no field given twice."""

    def constant(name: str) -> None:
        raise InputError(where, found=name, wanted="finite numbers")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        seen = dict(items)
        if len(seen) < len(items):
            names = [key for key, _ in items]
            raise InputError(where, found=f"the field {max(names, key=names.count)!r} twice in one object", wanted="each field once")
        return seen

    try:
        return json.loads(text, parse_constant=constant, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        place = f"{where}: line {error.lineno}, column {error.colno}"
        raise InputError(place, found=error.msg[:1].lower() + error.msg[1:], wanted="JSON") from None
    except (RecursionError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(where, found="nesting or a number too deep to read", wanted="JSON of a level") from None


@dataclasses.dataclass(frozen=True)
class Place:
    """A value in a document and where it stands; every method gives a value of its type or raises `InputError`."""

    where: str  # the file
    value: Any
    path: str = ""

    def fail(self, wanted: str, found: Any = None, fix: str = "") -> NoReturn:
        """Raise what is wrong here; without `found`, the value is shown."""
        place = f"{self.where}: {self.path}" if self.path else self.where
        raise InputError(place, found=shown(self.value) if found is None else Plain(str(found)), wanted=wanted, fix=fix)

    def has(self, name: str) -> bool:
        """Whether this is an object with such a field."""
        return name in self._object()

    def field(self, name: str) -> "Place":
        """A field that must be there."""
        path = f"{self.path}.{name}".removeprefix(".")
        values = self._object()
        if name not in values:
            Place(self.where, None, path).fail("this field", "nothing")
        return Place(self.where, values[name], path)

    def items(self) -> list["Place"]:
        """The entries of a list."""
        if not isinstance(self.value, list):
            self.fail("a list")
        return [Place(self.where, value, f"{self.path}[{i}]") for i, value in enumerate(self.value)]

    def numbered(self, count: int) -> list["Place"]:
        """The entries of an object with the fields "0", "1" and so on: an array, as flax writes it."""
        names = [str(i) for i in range(count)]
        if sorted(self._object()) != sorted(names):
            self.fail("an object with the fields " + ", ".join(names))
        return [self.field(name) for name in names]

    def number(self, least: float = -math.inf, most: float = math.inf) -> float:
        """A finite number in bounds."""
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)):
            self.fail("a number")
        if not -1e300 < self.value < 1e300:  # Python's whole numbers have no end
            self.fail("a finite number")
        if not least <= self.value <= most:
            bounds = [f"at least {least:g}"] * (least > -math.inf) + [f"at most {most:g}"] * (most < math.inf)
            self.fail(" and ".join(bounds))
        return float(self.value)

    def whole(self, least: int, most: int) -> int:
        """A whole number in bounds."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self.fail("a whole number")
        if not least <= self.value <= most:
            self.fail(f"a whole number from {least} to {most}")
        return self.value

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            self.fail("true or false")
        return self.value

    def point(self, farthest: float) -> tuple[float, float]:
        """Two numbers, written as an object with the fields 0 and 1."""
        x, y = (entry.number(-farthest, farthest) for entry in self.numbered(2))
        return x, y

    def _object(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            self.fail("an object")
        return self.value
