"""Configuration: YAML files and `key=value` words become one frozen `RunConfig`, or one clear error.

OmegaConf knows the types from the dataclasses; bounds are checked by the dataclasses themselves. Any
other dataclass of settings is loaded in the same way. Nothing here has defaults of its own, and no code
edits a configuration after it is loaded.
"""

import dataclasses
import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from cluster.base import RunConfig
from envs import files
from physics.errors import InputError

T = TypeVar("T")
DEFAULTS = Path(__file__).parent.parent / "configs" / "default.yaml"
Types = Mapping[str, type]  # of every setting, by key


def load(words: Sequence[str], base: Path | None = None, schema: type[T] = RunConfig) -> T:
    """The configuration of `base` (a YAML file), then of `words`: YAML files and `key=value`, later ones win."""
    merged = OmegaConf.structured(schema)
    _unlock(merged)
    types = {name: type(default) for name, default, _ in settings(schema)}
    for word in [*([str(base)] if base else []), *words]:
        if "=" in word:
            _merge_word(merged, types, word)
        else:
            _merge_file(merged, types, Path(word))
    return _freeze(merged)


def save(config: RunConfig, path: Path) -> None:
    """Write every setting, resolved, as YAML."""
    with files.whole(path) as target:
        target.write_text(OmegaConf.to_yaml(OmegaConf.structured(config)))


def settings(schema: type = RunConfig) -> Iterator[tuple[str, Any, Any]]:
    """(key, default, meaning) of every setting, for help."""
    yield from _settings_of(schema(), "")


def section_help(name: str) -> str:
    """What a section of the configuration is about."""
    return next(field.metadata["meaning"].help for field in dataclasses.fields(RunConfig) if field.name == name)


def _settings_of(config: Any, prefix: str) -> Iterator[tuple[str, Any, Any]]:
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        key = prefix + field.name
        if dataclasses.is_dataclass(value):
            yield from _settings_of(value, key + ".")
        else:
            yield key, value, field.metadata["meaning"]


def _unlock(node: DictConfig) -> None:
    """Frozen dataclasses come read-only; the merged tree must be writable until it is frozen again."""
    OmegaConf.set_readonly(node, False)
    for key in node:
        child = node._get_node(key)
        if isinstance(child, DictConfig):
            _unlock(child)


def _merge_word(merged: DictConfig, types: Types, word: str) -> None:
    key, _, text = word.partition("=")
    _check_known(key, types, f"'{word}'")
    if types[key] is str:  # text is taken as it stands: YAML would make 01 a number
        _set(merged, key, types[key], text, f"'{word}'")
        return
    try:
        value = yaml.safe_load(text) if text else ""
    except yaml.YAMLError as error:
        raise InputError(key, found=text, wanted="a value that YAML can read") from error
    _set(merged, key, types[key], value, f"'{word}'")


def _merge_file(merged: DictConfig, types: Types, path: Path) -> None:
    if path.suffix not in (".yaml", ".yml"):
        raise InputError(
            f"argument '{path}'", wanted="a YAML file or key=value", fix="Write settings as key=value, without spaces around '='."
        )
    if not path.is_file():
        raise InputError(f"configuration file {path}", found="no such file", wanted="a YAML file")
    try:
        values = yaml.safe_load(path.read_text()) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"configuration file {path}", found=f"something that is not YAML ({str(error).splitlines()[0]})") from error
    if not isinstance(values, dict):
        raise InputError(f"configuration file {path}", found=type(values).__name__, wanted="sections with settings")
    for key, value in _leaves(values, ""):
        _check_known(key, types, f"in {path}")
        _set(merged, key, types[key], value, f"in {path}")


def _leaves(values: dict, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from _leaves(value, key + ".")
        else:
            yield key, value


def _check_known(key: str, types: Types, where: str) -> None:
    names = list(types)
    if key in names:
        return
    near = difflib.get_close_matches(key, names, n=1, cutoff=0.6)
    near = near or [name for name in names if name.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]][:1]
    fix = f"Did you mean {near[0]}?" if near else "python -m launch.train --help lists all settings."
    raise InputError(f"there is no setting '{key}' ({where})", fix=fix)


def _set(merged: DictConfig, key: str, wanted: type, value: Any, where: str) -> None:
    found = InputError(f"{key} ({where})", found=value, wanted=_type_name(wanted))
    if wanted is str and not isinstance(value, str):  # OmegaConf would take any number for text
        value = str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
    if isinstance(value, bool) != (wanted is bool) or value is None:
        raise found
    if wanted is float and isinstance(value, str):  # YAML reads 1e-4 as text
        try:
            value = float(value)
        except ValueError:
            raise found from None
    try:
        OmegaConf.update(merged, key, value)
    except OmegaConfBaseException as error:
        raise found from error


def _type_name(kind: type) -> str:
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text"}[kind]


def _freeze(node: DictConfig, prefix: str = "") -> Any:
    """Build the dataclasses from the inside out; errors of their own checks get the section's name."""
    values = {}
    for name in node:
        child = node._get_node(name)
        values[name] = _freeze(child, f"{prefix}{name}.") if isinstance(child, DictConfig) else node[name]
    try:
        return OmegaConf.get_type(node)(**values)  # type: ignore[misc]
    except InputError as error:
        raise InputError(f"{prefix}{error}") from None
