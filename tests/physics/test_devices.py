"""The flags that JAX is started with on a CPU."""

import pytest

from physics import devices


def test_what_is_asked_for_comes_on_top_of_what_the_user_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a second time changes nothing."""
    monkeypatch.setattr(devices, "version", lambda _: "0.10.3")
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=here")
    for _ in range(2):
        devices.use_all_cores()
        devices.use_quick_products()
        first, *rest = devices.os.environ["XLA_FLAGS"].split()
        assert first == "--xla_dump_to=here"
        assert [flag.split("=")[0] for flag in rest] == [devices.FLAG, devices.YNNPACK]


def test_what_the_user_said_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of both flags."""
    said = f"{devices.FLAG}=3 {devices.YNNPACK}=1"
    monkeypatch.setenv("XLA_FLAGS", said)
    devices.use_all_cores()
    devices.use_quick_products()
    assert devices.os.environ["XLA_FLAGS"] == said
    assert devices.flags_with(5) == f"{devices.YNNPACK}=1 {devices.FLAG}=5"


def test_a_flag_that_a_later_jaxlib_may_not_know_is_not_given_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """XLA would not start."""
    monkeypatch.setattr(devices, "version", lambda _: "0.11.0")
    monkeypatch.setenv("XLA_FLAGS", "")
    devices.use_quick_products()
    assert devices.os.environ["XLA_FLAGS"] == ""
