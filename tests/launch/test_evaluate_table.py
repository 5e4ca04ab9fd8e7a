"""The table of an evaluation as it is printed where there is no terminal."""

import io
import types
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from launch import evaluate
from learners.report import Measured, Report

LONGEST = "l/through_the_window!"  # as long as the longest name of a shipped level
AGENT: Any = types.SimpleNamespace(
    name="runs/a", progress=types.SimpleNamespace(env_steps=0), settings=types.SimpleNamespace(curriculum=types.SimpleNamespace(kind="sfl"))
)


def printed(random: Measured | None) -> str:
    """With numbers as wide as they can be."""
    found = Measured([LONGEST] * 99, ["l"] * 99, 20, np.array([20] * 98 + [0]), np.full(99, -1.25), np.full(99, 256.0))
    out = io.StringIO()
    Console(file=out, width=evaluate.WIDTH).print(evaluate._table(AGENT, dict.fromkeys(evaluate.COLUMNS, Report(found, random))))
    return out.getvalue()


@pytest.fixture(scope="module")
def of_both() -> str:
    return printed(Measured(["random/l/0"] * 512, ["l"] * 512, 5, np.full(512, 5), np.zeros(512), np.full(512, 256.0)))


def test_every_row_is_one_line(of_both: str):
    lines = of_both.splitlines()
    assert sum(LONGEST in line for line in lines) == 99
    assert all("%" in line for line in lines if LONGEST in line or "mean of" in line)
    assert [line.split("  ")[1].strip() for line in lines if "mean of" in line] == ["hand-made, mean of 99", "random, mean of 512"]


def test_random_levels_that_were_not_asked_for_are_not_spoken_of(of_both: str):
    assert "5 at every random one" in " ".join(of_both.split())
    assert "random" not in printed(None)
    assert "hand-made, mean of 99" in printed(None)
