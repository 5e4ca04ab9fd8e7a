"""Where levels come from: the random generator and the filters that drop worthless levels."""

from envs.generate.config import GeneratorConfig
from envs.generate.filters import Generator

__all__ = ["Generator", "GeneratorConfig"]
