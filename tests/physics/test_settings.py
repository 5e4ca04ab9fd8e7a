"""Settings refuse what is out of bounds and say what would be right."""

import dataclasses

import pytest

from physics.base import SequentialConfig, SoftConfig, SolverConfig
from physics.errors import InputError
from physics.settings import section, setting, validate


@dataclasses.dataclass(frozen=True)
class Inner:
    """A part."""

    share: float = setting(0.5, "a share", least=0, most=1)


@dataclasses.dataclass(frozen=True)
class Outer:
    """A whole."""

    colour: str = setting("red", "a colour", choices=("red", "blue"))
    widths: tuple = setting((1, 2), "several widths", above=0)
    flag: bool = setting(False, "a switch", least=5)
    inner: Inner = section(Inner, "a part")

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)


def test_defaults_are_allowed():
    assert Outer().inner.share == 0.5
    assert SolverConfig().sequential.iterations == 10


@pytest.mark.parametrize(
    ("config", "key", "value", "wanted"),
    [
        (SolverConfig, "dt", 0.0, "more than 0"),
        (SolverConfig, "dt", float("nan"), "more than 0"),
        (SolverConfig, "dt", float("inf"), "more than 0"),
        (SolverConfig, "method", "hard", "one of sequential, soft"),
        (SequentialConfig, "iterations", 0, "at least 1"),
        (SequentialConfig, "contact_bias", 1.5, "at least 0 and at most 1"),
        (SequentialConfig, "contact_bias", -0.1, "at least 0 and at most 1"),
        (SoftConfig, "substeps", 0, "at least 1"),
    ],
)
def test_out_of_bounds(config, key, value, wanted):
    with pytest.raises(InputError, match=f"{key}: found '?{value}'?, wanted {wanted}"):
        config(**{key: value})


def test_choices_and_sequences():
    with pytest.raises(InputError, match="colour: found 'green', wanted one of red, blue"):
        Outer(colour="green")
    with pytest.raises(InputError, match="widths"):
        Outer(widths=(1, -2))


def test_error_without_parts_is_its_name():
    assert str(InputError("bad")) == "bad"
    assert str(InputError("x", found=1, wanted="2", fix="Use 2.")) == "x: found 1, wanted 2. Use 2."
