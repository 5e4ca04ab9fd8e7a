"""Trained parameters as one small file that loads without the run, its checkpoints or its optimiser.

A file is an `.npz` of plain arrays, nothing compressed and nothing pickled: `header`, bytes of JSON, and a
float32 array for every parameter, named by its place in the tree, for example `params/actor_out/kernel`.

    header = {"format": "fulcrum weights", "version": 1, "producer": "0.1.0", "env_steps": 2637824,
              "network": {settings}, "env": {settings}, "parameters": {name: shape}}

A file may come from a stranger. So sizes are checked before anything is read, nothing in it is run, and
names, shapes and dtypes must be those of the network that the header names. Every fault is an `InputError`.
"""

import dataclasses
import functools
import importlib.metadata
import io
import json
import math
import struct
import zipfile
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from envs import files
from envs.base import EnvConfig
from envs.env import Env
from learners import networks
from learners.base import Array, Params
from learners.networks import NetworkConfig
from physics.errors import InputError

T = TypeVar("T")
Shapes = dict[str, tuple[int, ...]]

FORMAT, VERSION = "fulcrum weights", 1
HEADER, SUFFIX = "header", ".npz"
MAX_BYTES = 1 << 28  # of a file, and of all that is in it: 67 million parameters
END = struct.Struct("<4s4H2LH")  # of a zip: signature, disks, entries (here, in all), size and place of the directory, comment
LOCATOR = b"PK\x06\x07"  # of a directory too large for that
MAX_HEADER_BYTES = 1 << 16
MAX_ARRAYS = 2000
MAX_DIRECTORY_BYTES = MAX_ARRAYS * 256
MAX_WIDTH = 1 << 14  # of any layer


@dataclasses.dataclass(frozen=True)
class Weights:
    """An agent: its parameters, and the settings without which they mean nothing."""

    params: Params  # numpy, float32
    network: NetworkConfig
    env: EnvConfig  # size, observation and action are those that the network was made for
    env_steps: int  # of training
    producer: str = ""  # version of Fulcrum that wrote the file


def producer() -> str:
    """This version of Fulcrum."""
    try:
        return importlib.metadata.version("fulcrum")
    except importlib.metadata.PackageNotFoundError:  # run from a folder of sources
        return "unknown"


def begin(network: NetworkConfig, env: EnvConfig, key: Array) -> Params:
    """Untrained parameters; under `jax.eval_shape`, their shapes."""
    return networks.make(network, env.observation, env.action).init(key, Env(env).blank())


def save(weights: Weights, path: str | Path) -> None:
    """Write a file, all of it or nothing."""
    arrays = {name: np.asarray(leaf) for name, leaf in flatten_dict(weights.params, sep="/").items()}
    _check(str(path), weights.network, weights.env, arrays)
    header = {
        "format": FORMAT, "version": VERSION, "producer": producer(), "env_steps": weights.env_steps,
        "network": dataclasses.asdict(weights.network), "env": dataclasses.asdict(weights.env),
        "parameters": {name: list(leaf.shape) for name, leaf in arrays.items()},
    }  # fmt: skip
    contents: dict[str, Any] = {HEADER: np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays}
    with files.whole(path) as target, target.open("wb") as file:
        np.savez(file, **contents)


def load(path: str | Path) -> Weights:
    """Read a file; `InputError` names whatever is wrong with it."""
    where = f"weights file {path}"
    try:
        return _load(Path(path), where)
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise InputError(where, found=f"a file that cannot be read ({reason})", wanted="what launch.export writes, whole") from error


def _load(path: Path, where: str) -> Weights:
    if not path.is_file():
        raise InputError(where, found="no such file", wanted="what launch.export writes")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(where, found=f"{path.stat().st_size} bytes", wanted=f"at most {MAX_BYTES}")
    _small_directory(path, where)
    with zipfile.ZipFile(path) as archive:
        entries = _entries(archive, where)
        header = _header(_array(archive, entries.pop(HEADER), f"{where}: {HEADER}", np.dtype(np.uint8)).tobytes(), where)
        network = _settings(NetworkConfig, header["network"], f"{where}: network")
        env = _settings(EnvConfig, header["env"], f"{where}: env")
        expected = _expected(network, env, len(entries), where)
        _same_names(where, entries, expected)
        if header["parameters"] != {name: list(shape) for name, shape in expected.items()}:
            raise InputError(f"{where}: parameters of the header", found="other shapes than its network has", wanted="the same")
        for name, shape in expected.items():  # before any is read
            _fits(where, name, entries[name].file_size, shape)
        arrays = {name: _array(archive, entries[name], f"{where}: {name}", np.dtype(np.float32)) for name in expected}
    _check(where, network, env, arrays)
    return Weights(unflatten_dict(arrays, sep="/"), network, env, header["env_steps"], header["producer"])


def _small_directory(path: Path, where: str) -> None:
    """Refuse what is no zip, or one whose directory would take long to read."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - END.size - 20))
        tail = file.read()
    if len(tail) < END.size or not tail[-END.size :].startswith(b"PK\x05\x06"):
        raise InputError(where, found="a file that is no archive, or cut off", wanted="what launch.export writes, whole")
    if tail.startswith(LOCATOR) or END.unpack(tail[-END.size :])[5] > MAX_DIRECTORY_BYTES:
        raise InputError(where, found="a large directory", wanted=f"at most {MAX_ARRAYS} arrays")


def _entries(archive: zipfile.ZipFile, where: str) -> dict[str, zipfile.ZipInfo]:
    """What is in the archive by name, checked by what is declared alone."""
    infos = archive.infolist()
    names = [info.filename.removesuffix(".npy") for info in infos]
    if len(infos) > MAX_ARRAYS or len(set(names)) < len(names):
        raise InputError(where, found=f"{len(infos)} arrays", wanted=f"at most {MAX_ARRAYS}, each under a name of its own")
    if any(info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size for info in infos):
        raise InputError(where, found="compressed arrays", wanted="none: they could unpack to any size")
    total = sum(info.file_size for info in infos)
    if total > MAX_BYTES:
        raise InputError(where, found=f"{total} bytes declared", wanted=f"at most {MAX_BYTES}")
    found = dict(zip(names, infos, strict=True))
    if HEADER not in found:
        raise InputError(where, found="no header", wanted="what launch.export writes")
    if found[HEADER].file_size > MAX_HEADER_BYTES:
        raise InputError(f"{where}: {HEADER}", found=f"{found[HEADER].file_size} bytes", wanted=f"at most {MAX_HEADER_BYTES}")
    return found


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str, dtype: np.dtype) -> np.ndarray:
    """An array of an archive. Its shape is believed only where it needs as many bytes as are there."""
    file = io.BytesIO(archive.read(info))
    try:
        version = np.lib.format.read_magic(file)
        shape, fortran, found = np.lib.format.read_array_header_1_0(file)
    except Exception as error:  # bytes of a stranger make numpy's parser stumble in many ways
        raise InputError(where, found="no array", wanted="an array as numpy writes it, without pickle") from error
    data = file.read()
    if version != (1, 0) or fortran or found != dtype:
        raise InputError(where, found=f"{found}{', Fortran order' if fortran else ''}", wanted=str(dtype))
    if math.prod(shape) * dtype.itemsize != len(data) or any(size < 0 for size in shape):
        raise InputError(where, found=f"shape {list(shape)} and {len(data)} bytes", wanted="as many bytes as the shape needs")
    return np.frombuffer(data, dtype).reshape(shape)


def _header(text: bytes, where: str) -> dict[str, Any]:
    where = f"{where}: {HEADER}"
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(where, found="something that is not JSON", wanted="what launch.export writes") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(where, found="another format", wanted=f"format {FORMAT!r}")
    if header.get("version") != VERSION or isinstance(header["version"], bool):
        raise InputError(f"{where}: version", found=header.get("version"), wanted=str(VERSION), fix="Use the Fulcrum that wrote the file.")
    wanted = {"producer": str, "env_steps": int, "network": dict, "env": dict, "parameters": dict}
    for name, kind in wanted.items():
        if not isinstance(header.get(name), kind) or isinstance(header[name], bool):
            raise InputError(f"{where}: {name}", found=type(header.get(name)).__name__, wanted=kind.__name__)
    if header["env_steps"] < 0:
        raise InputError(f"{where}: env_steps", found=header["env_steps"], wanted="at least 0")
    return header


def _settings(cls: type[T], values: dict[str, Any], where: str) -> T:
    """Settings from JSON, each of the type of its default; one that is not there keeps its default."""
    fields: dict[str, Any] = {field.name: getattr(cls(), field.name) for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    made = {}
    for name, value in values.items():
        if name not in fields:
            raise InputError(f"{where}: there is no setting '{name[:80]}'", fix="A later version of Fulcrum may have written the file.")
        kind = type(fields[name])
        if dataclasses.is_dataclass(kind) and isinstance(value, dict):
            made[name] = _settings(kind, value, f"{where}.{name}")
        elif type(value) is kind or (kind is float and type(value) is int):
            made[name] = value
        else:
            raise InputError(f"{where}.{name}", found=str(value)[:80], wanted=kind.__name__)
    try:
        return cls(**made)
    except InputError as error:
        raise InputError(f"{where}.{error}") from None


def _expected(network: NetworkConfig, env: EnvConfig, arrays: int, where: str) -> Shapes:
    """The shapes of all parameters that these settings ask for; `arrays` is how many are there."""
    for field in dataclasses.fields(network):
        value, most = getattr(network, field.name), arrays if field.name in ("depth", "layers") else MAX_WIDTH
        if isinstance(value, int) and value > most:  # no layer is without parameters: more would only take time to trace
            raise InputError(f"{where}: network.{field.name}", found=value, wanted=f"at most {most} for the {arrays} arrays in the file")
    try:
        return _shapes(network, env)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


@functools.lru_cache(maxsize=8)
def _shapes(network: NetworkConfig, env: EnvConfig) -> Shapes:
    found: Any = jax.eval_shape(lambda: begin(network, env, jax.random.key(0)))
    leaves: dict[str, Any] = flatten_dict(found, sep="/")
    return {name: leaf.shape for name, leaf in leaves.items()}


def _same_names(where: str, found: dict[str, Any], expected: Shapes) -> None:
    missing, extra = [name for name in expected if name not in found], [name for name in found if name not in expected]
    if missing or extra:
        kind, name = ("no array", missing[0]) if missing else ("an array", extra[0][:80])
        raise InputError(where, found=f"{kind} '{name}'", wanted=f"the {len(expected)} parameters of its network")


def _fits(where: str, name: str, size: int, shape: tuple[int, ...]) -> None:
    least = math.prod(shape) * 4
    if not least < size <= least + 1024:  # numbers, and what numpy writes before them
        raise InputError(f"{where}: {name}", found=f"{size} bytes", wanted=f"{least} and a header of numpy, for shape {list(shape)}")


def _check(where: str, network: NetworkConfig, env: EnvConfig, arrays: dict[str, np.ndarray]) -> None:
    """Refuse parameters that are not those of the network, or not numbers."""
    expected = _shapes(network, env)
    _same_names(where, arrays, expected)
    for name, leaf in arrays.items():
        if leaf.shape != expected[name] or leaf.dtype != np.float32:
            wanted = f"float32{list(expected[name])}"
            raise InputError(f"{where}: {name}", found=f"{leaf.dtype}{list(leaf.shape)}", wanted=wanted)
        if not np.isfinite(leaf).all():
            raise InputError(f"{where}: {name}", found="numbers that are not finite", wanted="finite ones")
