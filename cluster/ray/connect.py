"""The way to a Ray cluster: what can go wrong there becomes one clear error."""

import logging
import os
import socket

import ray

from cluster.base import ClusterConfig
from cluster.ray.plan import Plan
from physics.errors import InputError

ANSWER_SECONDS = 5.0
STARTS = 4  # tries to start a cluster: a busy machine takes longer than the 30 seconds that Ray waits


def connect(cluster: ClusterConfig, plan: Plan) -> None:
    """Join the cluster, or start one here for this run alone; `InputError` if it is not there or cannot hold the plan."""
    if cluster.address:
        _join(cluster.address)
    else:
        _start(cluster, plan)
    plan.check(machines())


def machines() -> list[dict[str, float]]:
    """Resources of every machine that is there."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _start(cluster: ClusterConfig, plan: Plan) -> None:
    """Cores are counted generously: nobody else uses this cluster."""
    store = cluster.store_megabytes * 2**20
    cpus = max(os.cpu_count() or 1, round(sum(need.cpus for need in plan.needs) + 1))
    for left in reversed(range(STARTS)):
        try:
            ray.init(
                address="local", num_cpus=cpus, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR,
                object_store_memory=store or None,
            )  # fmt: skip
            return
        except Exception as error:
            ray.shutdown()
            if left and "timed out" in str(error):
                continue
            raise InputError(f"a Ray cluster on this machine could not be started ({_words(error)})") from error


def _join(address: str) -> None:
    where = os.environ.get("RAY_ADDRESS", "") if address == "auto" else address
    if where and "://" not in where:
        _check_answers(where)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        if where:
            token = {name: os.environ.get(name, "not set") for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH")}
            raise InputError(
                f"Ray cluster at {where}", found=f"something that does not let this process in ({_words(error)})",
                wanted="a cluster of the same Ray and Python, and its token if it asks for one",
                fix=f"Set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN_PATH to its file, as on the machine that runs it; here they are {token}.",
            ) from error  # fmt: skip
        raise InputError(
            f"Ray cluster at {address}", found=f"none that can be joined ({_words(error)})", wanted="a running cluster",
            fix="Start one with `ray start --head`, or leave cluster.address empty to start one for this run.",
        ) from error  # fmt: skip


def _check_answers(where: str) -> None:
    """Ray itself would try for minutes."""
    host, _, port = where.rpartition(":")
    try:
        if not host:
            raise ValueError("no port is named")
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, ValueError) as error:
        raise InputError(
            "cluster.address", found=f"{where}, where nothing answers ({error})", wanted="host:port of a running Ray cluster",
            fix="`ray start --head` prints its address; leave cluster.address empty to start a cluster for this run.",
        ) from error  # fmt: skip


def _words(error: Exception) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()] or [type(error).__name__]
    return lines[0][:300]
