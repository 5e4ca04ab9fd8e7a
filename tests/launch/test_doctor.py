"""What the doctor finds on a machine that is well, and on one that is not."""

import socket

from launch import doctor


def _found(capsys, *words: str) -> tuple[int, dict[str, str]]:
    status = doctor.main(words)
    return status, {line[6:24].strip(): line for line in capsys.readouterr().out.splitlines()}


def test_a_machine_that_is_well(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("FULCRUM_CACHE", str(tmp_path / "cache"))
    status, lines = _found(capsys, "--runs", str(tmp_path / "runs"))
    assert status == 0
    assert lines.keys() == {"python", *doctor.PACKAGES, "devices", "runs folder", "compile cache"}
    assert all(line.startswith("ok") for line in lines.values())
    assert "2 x cpu" in lines["devices"]
    assert "will be made" in lines["runs folder"]
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_what_is_wrong_is_named_and_the_status_is_one(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FULCRUM_CACHE", "/proc/version")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        status, lines = _found(capsys, "--gpu", "--runs", "/proc/no/runs", "--address", f"http://127.0.0.1:{port}")
    assert status == 1
    bad = {what for what, line in lines.items() if line.startswith("FAIL")}
    assert bad == {"devices", "runs folder", "compile cache", "cluster"}
    assert "launch/setup.sh gpu" in lines["devices"]
    assert f"127.0.0.1:{port}: found 'nothing answers" in lines["cluster"]
    assert "wanted a folder that can be written to" in lines["runs folder"]


def test_a_cluster_that_answers(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        _, lines = _found(capsys, "--runs", str(tmp_path), "--address", address)
    assert lines["cluster"] == f"ok    cluster           {address} answers; would be asked with a token"
    _, lines = _found(capsys, "--runs", str(tmp_path), "--address", "somewhere")
    assert "wanted HOST:PORT" in lines["cluster"]


def test_too_little_room_is_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "LEAST_FREE_GIB", 2.0**30)
    status, lines = _found(capsys, "--runs", str(tmp_path))
    assert status == 1
    assert "wanted at least 1.07374e+09 GiB" in lines["runs folder"]
