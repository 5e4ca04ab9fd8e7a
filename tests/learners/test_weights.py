"""Weights files: what was written comes back, and whatever is spoilt is one clear error and nothing else."""

import dataclasses
import io
import json
import pickle
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from envs.base import EnvConfig
from learners import weights
from learners.networks import NetworkConfig
from learners.weights import Weights
from physics.errors import InputError

NETWORK = NetworkConfig(kind="flat", width=8, depth=1)
ENV = EnvConfig(size="s", observation="flat", max_steps=50)
BIAS = "params/critic_out/bias"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "agent.npz"
    weights.save(Weights(_params(), NETWORK, ENV, env_steps=1234), path)
    return path


def _params() -> Any:
    shapes = jax.eval_shape(lambda: weights.begin(NETWORK, ENV, jax.random.key(0)))
    random = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: random.normal(size=leaf.shape).astype(np.float32), shapes)


def _spoilt(saved: Path, change: Callable[[dict[str, Any], dict[str, np.ndarray]], None]) -> Path:
    """A file like the saved one after `change(header, arrays)`."""
    arrays = dict(np.load(saved, allow_pickle=False))
    header = json.loads(arrays.pop(weights.HEADER).tobytes())
    change(header, arrays)
    path = saved.with_name("spoilt.npz")
    content: dict[str, Any] = {weights.HEADER: np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays}
    np.savez(path, **content)
    return path


def _archive(saved: Path, entries: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    """The saved file with entries of a zip put in the place of its own or beside them."""
    path = saved.with_name("archive.npz")
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w", compression) as new:
        for name, data in ({each: old.read(each) for each in old.namelist()} | entries).items():
            new.writestr(name, data)
    return path


def _npy(value: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, value, **options)
    return file.getvalue()


def test_what_is_saved_is_loaded_to_the_bit(saved):
    found = weights.load(saved)
    assert (found.network, found.env, found.env_steps) == (NETWORK, ENV, 1234)
    assert found.producer == weights.producer()
    assert jax.tree.structure(found.params) == jax.tree.structure(_params())
    jax.tree.map(np.testing.assert_array_equal, found.params, _params())


def test_the_same_agent_is_the_same_file(saved, tmp_path):
    weights.save(weights.load(saved), tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == saved.read_bytes()


def test_plain_numpy_reads_it_without_pickle(saved):
    with np.load(saved, allow_pickle=False) as file:
        header = json.loads(file["header"].tobytes())
        assert header["parameters"] == {name: list(file[name].shape) for name in file.files if name != "header"}
        assert {file[name].dtype for name in header["parameters"]} == {np.dtype(np.float32)}
    assert saved.stat().st_size < 4 * sum(np.prod(shape) for shape in header["parameters"].values()) + 8192


@pytest.mark.parametrize(("kind", "action"), [("deepset", "continuous"), ("transformer", "multi_discrete")])
def test_networks_of_sets_travel_too(kind, action, tmp_path):
    network = NetworkConfig(kind=kind, attention_width=8, width=8, depth=1, entity_width=8)
    env = EnvConfig(observation="related_entities", action=action)
    shapes = jax.eval_shape(lambda: weights.begin(network, env, jax.random.key(0)))
    params = jax.tree.map(lambda leaf: np.ones(leaf.shape, np.float32), shapes)
    weights.save(Weights(params, network, env, 0), tmp_path / "a.npz")
    found = weights.load(tmp_path / "a.npz")
    assert (found.network, found.env) == (network, env)
    jax.tree.map(np.testing.assert_array_equal, found.params, params)


def _set(place: str, value: object) -> Callable:
    *path, last = place.split(".")

    def change(header: dict, _: dict) -> None:
        for step in path:
            header = header[step]
        header[last] = value

    return change


def _put(name: str, value: np.ndarray) -> Callable:
    return lambda _, arrays: arrays.update({name: value})


SPOILT: list[tuple[Callable, str]] = [
    (_set("version", 2), "version: found 2, wanted 1. Use the Fulcrum that wrote the file"),
    (_set("version", True), "version: found True"),
    (_set("format", "other"), "found 'another format'"),
    (_set("env_steps", -1), "env_steps: found -1"),
    (_set("env_steps", True), "env_steps: found 'bool', wanted int"),
    (_set("network", []), "network: found 'list', wanted dict"),
    (_set("network.width", 16), "found 'other shapes than its network has'"),
    (_set("network.width", 8.5), "network.width: found '8.5', wanted int"),
    (_set("network.width", True), "network.width: found 'True', wanted int"),
    (_set("network.width", 1 << 40), "network.width: found 1099511627776, wanted at most"),
    (_set("network.depth", 10**9), "network.depth: found 1000000000, wanted at most"),
    (_set("network.layers", 10**9), "network.layers: found 1000000000, wanted at most"),
    (_set("network.depth", 2), "found \"no array 'params/"),
    (_set("network.kind", "magic"), "network.kind: found 'magic', wanted one of"),
    (_set("network.kind", "deepset"), "network.kind: found 'deepset with env.observation=flat'"),
    (_set("network.colour", 1), "network: there is no setting 'colour'"),
    (_set("env.size", "xl"), "env.size: found 'xl'"),
    (_set("env.size", "m"), "found 'other shapes than its network has'"),
    (_set("env.action", "continuous"), "found \"no array 'params/actor_free'\""),
    (_set("env.solver.dt", "fast"), "env.solver.dt: found 'fast', wanted float"),
    (_set("env.solver.dt", float("nan")), "env.solver.dt: found nan"),
    (_set("env.solver", 3), "env.solver: found '3'"),
    (_set(f"parameters.{BIAS}", [2]), "found 'other shapes than its network has'"),
    (lambda _, arrays: arrays.pop(BIAS), f"found \"no array '{BIAS}'\""),
    (_put("params/extra", np.zeros(1, np.float32)), "found \"an array 'params/extra'\""),
    (_put(BIAS, np.zeros(2, np.float32)), r"critic_out/bias: found 'float32\[2\]', wanted float32\[1\]"),
    (_put(BIAS, np.zeros((1, 1), np.float32)), r"critic_out/bias: found 'float32\[1, 1\]', wanted float32\[1\]"),
    (_put(BIAS, np.zeros(300, np.float32)), "critic_out/bias: found '1328 bytes', wanted 4 and a header"),
    (_put(BIAS, np.zeros(1)), "critic_out/bias: found 'float64', wanted float32"),
    (_put(BIAS, np.zeros(1, ">f4")), "critic_out/bias: found '>f4', wanted float32"),
    (_put(BIAS, np.array([np.nan], np.float32)), "critic_out/bias: found 'numbers that are not finite'"),
    (_put(BIAS, np.array([-np.inf], np.float32)), "critic_out/bias: found 'numbers that are not finite'"),
]


@pytest.mark.parametrize(
    ("change", "message"), SPOILT, ids=[re.sub(r"\W+", "_", message)[:60] + str(i) for i, (_, message) in enumerate(SPOILT)]
)
def test_what_does_not_fit_is_named(change, message, saved):
    with pytest.raises(InputError, match=message):
        weights.load(_spoilt(saved, change))


def test_a_setting_that_is_not_in_the_file_keeps_its_default(saved):
    found = weights.load(_spoilt(saved, lambda header, _: header["network"].pop("channels")))
    assert found.network == NETWORK


def test_pickles_are_not_opened(saved):
    """A pickle that, opened, would write a file."""
    written = saved.with_name("written")

    class Bomb:
        def __reduce__(self) -> tuple:
            return Path.touch, (written,)

    array = np.empty(1, object)
    array[0] = Bomb()
    for name in (BIAS, weights.HEADER):
        with pytest.raises(InputError, match=r"found 'object', wanted (float32|uint8)"):
            weights.load(_archive(saved, {f"{name}.npy": _npy(array, allow_pickle=True)}))
    (saved.with_name("pickle.npz")).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError, match="no archive"):
        weights.load(saved.with_name("pickle.npz"))
    assert not written.exists()


def test_bombs_are_refused_by_what_they_declare(saved, monkeypatch):
    with pytest.raises(InputError, match="found 'compressed arrays'"):
        weights.load(_archive(saved, {f"{BIAS}.npy": bytes(10_000_000)}, zipfile.ZIP_DEFLATED))
    with pytest.raises(InputError, match=f"found '{weights.MAX_ARRAYS + 1} arrays'"):
        weights.load(_archive(saved, {f"{i}.npy": b"" for i in range(weights.MAX_ARRAYS + 1 - len(np.load(saved).files))}))
    with pytest.raises(InputError, match="header: found '65537 bytes'"):
        weights.load(_archive(saved, {"header.npy": bytes(weights.MAX_HEADER_BYTES + 1)}))
    huge = (
        b"\x93NUMPY\x01\x00v\x00"
        + str({"descr": "<f4", "fortran_order": False, "shape": (1 << 60,)}).ljust(117).encode()
        + b"\n"
        + bytes(4)
    )
    with pytest.raises(InputError, match=r"critic_out/bias: found 'shape \[1152921504606846976\] and 4 bytes'"):
        weights.load(_archive(saved, {f"{BIAS}.npy": huge}))
    monkeypatch.setattr(weights, "MAX_DIRECTORY_BYTES", 10)
    with pytest.raises(InputError, match="found 'a large directory'"):
        weights.load(saved)
    monkeypatch.setattr(weights, "MAX_BYTES", 100)
    with pytest.raises(InputError, match="bytes', wanted at most 100"):
        weights.load(saved)


def test_the_sum_of_all_arrays_is_bounded_also_where_entries_share_their_bytes(saved, monkeypatch):
    size = saved.stat().st_size
    monkeypatch.setattr(weights, "MAX_BYTES", size)
    data = bytearray(saved.read_bytes())
    at = data.index(b"PK\x01\x02")  # first entry of the directory: declare as many bytes as the whole file has
    data[at + 20 : at + 28] = struct.pack("<LL", size, size)
    saved.with_name("shared.npz").write_bytes(data)
    with pytest.raises(InputError, match=f"bytes declared', wanted at most {size}"):
        weights.load(saved.with_name("shared.npz"))


def test_a_header_that_is_no_json_is_named(saved):
    for text in (b"", b"{", b"[]", b"[" * 60_000, b"\xff\xfe", b'"a"'):
        with pytest.raises(InputError, match="header: found"):
            weights.load(_archive(saved, {"header.npy": _npy(np.frombuffer(text, np.uint8))}))


def test_missing_files_and_folders_are_named(tmp_path):
    for path in (tmp_path / "none.npz", tmp_path):
        with pytest.raises(InputError, match="found 'no such file'"):
            weights.load(path)


def test_a_file_cut_off_anywhere_is_refused(saved):
    data, path = saved.read_bytes(), saved.with_name("cut.npz")
    for length in [0, 1, 21, 22, *range(100, len(data), 397), len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(InputError, match="weights file"):
            weights.load(path)


def test_whatever_bytes_are_changed_it_is_read_as_before_or_refused(saved):
    """Flipped bytes, seeded: an InputError, or the same agent where the byte did not matter."""
    data, path, random = saved.read_bytes(), saved.with_name("flipped.npz"), np.random.default_rng(0)
    directory = data.index(b"PK\x01\x02")
    places = [*random.integers(len(data), size=30), *random.integers(directory, len(data), size=60)]
    refused = 0
    for place in places:
        spoilt = bytearray(data)
        spoilt[place] ^= int(random.integers(1, 256))
        path.write_bytes(spoilt)
        try:
            found = weights.load(path)
        except InputError:
            refused += 1
            continue
        jax.tree.map(np.testing.assert_array_equal, found.params, _params())
    assert refused > len(places) / 2


def test_nothing_that_could_not_be_loaded_is_saved(tmp_path):
    params = _params()
    spoilt = params | {"params": params["params"] | {"critic_out": {"kernel": np.zeros((8, 1), np.float32), "bias": np.float32([np.nan])}}}
    for given, env, message in (
        (spoilt, ENV, "not finite"),
        (params, dataclasses.replace(ENV, size="l"), "wanted float32"),
        (jax.tree.map(lambda leaf: leaf.astype(np.float64), params), ENV, "found 'float64"),
        ({"params": {}}, ENV, "no array"),
    ):
        with pytest.raises(InputError, match=message):
            weights.save(Weights(given, NETWORK, env, 0), tmp_path / "a.npz")
    assert not list(tmp_path.iterdir())
