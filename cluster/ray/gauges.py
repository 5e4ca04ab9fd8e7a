"""Gauges of a run for whatever watches the Ray cluster; its metrics port gives them to Prometheus."""

from collections.abc import Mapping

from ray.util.metrics import Gauge

from cluster.base import Progress

SHOWN = {  # metric of the run: what it says
    "steps_per_second": "environment steps a second",
    "lag": "updates that the parameters which played were behind",
    "cluster/queue": "iterations that are being played",
    "cluster/lost": "roles that were lost and begun anew since the run's process began",
}


class Gauges:
    """A tracker that sets a gauge for everything that operators watch."""

    def __init__(self, run: str) -> None:
        """`run` tells the gauges of several runs apart."""
        self._run = run
        self._gauges = {name: Gauge(f"fulcrum_{name.split('/')[-1]}", description=text, tag_keys=("run",)) for name, text in SHOWN.items()}

    def log(self, progress: Progress, scalars: Mapping[str, float]) -> None:
        """Set what is told of."""
        for name, gauge in self._gauges.items():
            if name in scalars:
                gauge.set(float(scalars[name]), {"run": self._run})

    def close(self) -> None:
        """They vanish with the process."""
