"""The actor: a process that hosts one role, or worker and learner together where the same devices do both.

What leaves it is numpy. Where worker and learner share it, rollouts and parameters do not leave: a `Ticket`
stands for them.
"""

import dataclasses
import os
import socket
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import ray

from cluster import backend as backends
from cluster import mesh as meshes
from cluster.base import RunConfig
from cluster.parts import Parts
from cluster.roles.player import Player
from cluster.roles.trainer import Trainer
from learners.base import Rollout


@dataclasses.dataclass(frozen=True)
class Ticket:
    """Stands for something that stays where it is."""

    name: str


PARAMS, ROLLOUT = Ticket("params"), Ticket("rollout")


@dataclasses.dataclass(frozen=True)
class Share:
    """The part of the worlds that a host plays, and how many its devices simulate at a time."""

    first: int
    count: int
    block: int


@dataclasses.dataclass(frozen=True)
class About:
    """Where an actor is."""

    machine: str
    process: int
    devices: str


class WatchedPlayer(Player):
    """Says of every rollout which share of its worlds is not finite."""

    def _note(self, rollout: Rollout) -> float:
        finite = np.isfinite(np.asarray(rollout.log_prob) + np.asarray(rollout.value) + np.asarray(rollout.reward))
        return float(1 - finite.all(axis=1).mean())


class Host:
    """Builds its roles and does what they are asked for, one call after the other."""

    def __init__(self, config: RunConfig, roles: Sequence[str], share: Share) -> None:
        """`roles` are names as in `cluster.backend`."""
        mesh = meshes.make()
        self._together = len(roles) > 1
        self._roles = {name: _make(name, config, Parts(config, mesh), share) for name in roles}
        self._rollout: Any = None

    def about(self) -> About:
        """Where this is."""
        devices = jax.local_devices()
        return About(socket.gethostname(), os.getpid(), f"{len(devices)} x {devices[0].device_kind}")

    @ray.method(concurrency_group="health")
    def alive(self) -> bool:
        """Answers while a call is being worked on."""
        return True

    def call(self, role: str, method: str, *args: Any) -> Any:
        """Do it: what it returned, in host memory."""
        found = getattr(self._roles[role], method)(*[self._meant(arg) for arg in args])
        if self._together and method == "collect":
            self._rollout, note = found
            return ROLLOUT, note
        if self._together and method == "update":
            return PARAMS, found[1]
        if self._together and method == "params":
            return PARAMS
        return jax.device_get(found)

    def _meant(self, value: Any) -> Any:
        if not isinstance(value, Ticket):
            return value
        if value == PARAMS:
            return self._roles[backends.LEARNER].params()
        rollout, self._rollout = self._rollout, None
        return rollout


def _make(name: str, config: RunConfig, parts: Parts, share: Share) -> Any:
    if name == backends.LEARNER:
        return Trainer(parts.learner(), config.run)
    if name == backends.CURRICULUM:
        return parts.service()
    worker = parts.worker(share.count, share.block)
    if name == backends.EVALUATOR:
        return parts.evaluator(worker)
    return WatchedPlayer(worker, config.run, share.first, share.count)
