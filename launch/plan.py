"""Predict a run on other machines: `python -m launch.plan [FILE.yaml ...] [key=value ...] [--measured FILE] [--gpus N] [--json]`.

From speeds measured on one device, given by `python -m launch.benchmark train ... --json > FILE` or as
machines.play_us=... machines.learn_us=..., the model of `cluster.scaling` predicts environment steps a second, network
traffic and memory, and says which resource saturates first. Without --gpus: from 1 to 1,024 GPUs. Settings are those of
launch.train, and the section `machines`. Nothing is allocated and no device is needed.
"""

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import jax

from cluster import local, memory_plan, scaling
from cluster.base import RunConfig
from cluster.scaling import Job, Machines, Prediction
from curriculum.base import Assignment
from envs import holdout
from launch import cli, config
from physics.errors import InputError
from physics.pytree import zeros
from physics.settings import section

TRAIN = {"policy_us", "physics_us", "observation_us", "update_us", "epochs", "devices", "worlds", "parameters", "what", "device"}
WANTED = "lines of `launch.benchmark train --json` with phases, of size"
UNDRAWN = "drawing levels is not counted, as machines.draw_us is not known: launch.benchmark env levels=4096 --json measures it"
STORE_GBYTE = 1.0  # where nobody has measured it
SHOWN = [2**power for power in range(11)]
ASSUMED = (
    "worlds of a GPU are played as one block, and a GPU is as fast a world as the measured one",
    "every environment step is learnt from once an epoch; scouting and evaluation play whole episodes of env.max_steps",
    "gradients are added up in a ring, once a gradient step, in float32, and not while anything else is computed",
    "network and object store move at the rates given, without contention from other jobs; machines are filled one by one",
    "the curriculum service works in one place: its time goes with the number of worlds and not with that of GPUs",
)
ASSUMED_OF = {
    "colocated": ("players, learner, network and curriculum service work one after the other; evaluation is part of the loop",),
    "split": (
        "calls of actors cost nothing; with a line of launch.benchmark cluster, what split-1 takes longer than local is copying",
        "rollouts go once from every player to the learner's machine, parameters once an update to every other machine",
        "the object store holds the rollouts of max_lag + 2 updates; evaluation has a device of its own, which is not counted",
        "with max_lag=0 one after the other; from max_lag=1 on all at the same time, the slowest decides",
    ),
}


@dataclasses.dataclass(frozen=True)
class PlanConfig(RunConfig):
    """A run, and machines to think of."""

    machines: Machines = section(Machines, "speeds of a device, and the machines to plan for")


def main(argv: Sequence[str]) -> int:
    """Print the prediction."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = cli.Parser(prog="python -m launch.plan", description=__doc__, epilog=_settings_text(), formatter_class=plain)
    parser.add_argument("words", nargs="*", metavar="FILE.yaml | key=value")
    parser.add_argument("--measured", metavar="FILE", help="what `launch.benchmark train --json` wrote on one device")
    parser.add_argument("--gpus", type=int, metavar="N", help="one number of GPUs, in detail")
    parser.add_argument("--json", action="store_true", help="one JSON line a number of GPUs")
    arguments = parser.parse_intermixed_args(argv)
    settings = config.load(arguments.words, base=config.DEFAULTS, schema=PlanConfig)
    machines, source = _with_speeds(settings, arguments.measured)
    made = job(settings)
    numbers = _numbers(arguments.gpus, machines)
    found = [scaling.predict(made, machines, gpus) for gpus in numbers]
    warnings = {p.gpus: _warnings(settings, machines, p) for p in found}
    if arguments.json:
        for prediction in found:
            print(json.dumps(dataclasses.asdict(prediction) | {"warnings": warnings[prediction.gpus], "measured": source}))
        return 0
    print(f"{settings.run.worlds:,} worlds x {settings.run.rollout_length} steps, {made.gradient_steps:,} gradient steps an iteration,")
    print(f"{made.parameter_bytes / 4:,.0f} parameters, topology {machines.topology}; speeds: {source}\n")
    print("\n".join(_detail(found[0]) if arguments.gpus else _table(found)))
    noted = sorted({line for lines in warnings.values() for line in lines}) if arguments.gpus else _first_warnings(warnings)
    print("\n".join(["", *(f"note: {line}" for line in noted), "assumed:", *(f"  {line}" for line in assumptions(machines))]))
    return 0


def assumptions(machines: Machines) -> list[str]:
    """Everything that the prediction takes for granted, figures included."""
    figures = dataclasses.asdict(machines)
    return [*ASSUMED_OF[machines.topology], *ASSUMED, " ".join(f"{name}={_short(value)}" for name, value in figures.items())]


def job(settings: PlanConfig) -> Job:
    """What the run asks for, from shapes that are traced and not allocated."""
    run, ppo, curriculum = settings.run, settings.ppo, settings.curriculum
    one = dataclasses.replace(settings, run=dataclasses.replace(run, devices=1, block_worlds=run.worlds))
    roles = local.build_roles(one)
    plan = memory_plan.make(one, roles)
    parameters = memory_plan.size(jax.eval_shape(lambda: roles.learner.begin(jax.random.key(0)).params))
    assignment = jax.eval_shape(lambda: zeros(Assignment, worlds=run.worlds, **roles.worker.env.capacity.dims))
    refresh = run.rollouts_per_assignment * curriculum.refresh_every  # iterations from one to the next
    candidates = curriculum.candidates / refresh if curriculum.kind == "sfl" else 0.0
    measure = settings.evaluate
    handed = run.worlds / run.rollouts_per_assignment
    episodes = len(holdout.choose(measure.holdout, settings.env.size)) * measure.attempts + measure.random_levels * measure.random_attempts
    return Job(
        worlds=run.worlds,
        steps=run.steps_per_iteration,
        scouted=candidates * curriculum.scout_attempts * settings.env.max_steps,
        evaluated=episodes * settings.env.max_steps / measure.every,
        gradient_steps=ppo.epochs * ppo.minibatches(run.worlds, run.rollout_length, 1),
        levels=handed,
        drawn=handed * {"uniform": 1.0, "named": 0.0}.get(curriculum.kind, 1 - curriculum.pool_share) + candidates,
        level_bytes=memory_plan.size(assignment) / run.worlds,
        parameter_bytes=parameters,
        rollout_bytes=plan.held["rollout"],
        world_bytes=plan.held["worlds"],
        learner_bytes=plan.held["learner"],
        pool_bytes=plan.held["levels"],
        learning_bytes=plan.learning - 3 * parameters,
    )


def _with_speeds(settings: PlanConfig, file: str | None) -> tuple[Machines, str]:
    """Machines whose speeds are known, and where they are from: words win over the file."""
    rows = _rows(Path(file), settings.env.size) if file else []
    machines = dataclasses.replace(settings.machines, store_gbyte=settings.machines.store_gbyte or _copied(rows) or STORE_GBYTE)
    if machines.play_us and machines.learn_us:
        return machines, "given as machines.play_us and machines.learn_us"
    if file is None:
        raise InputError(
            "speed of a device", found="none", wanted="--measured FILE, or machines.play_us and machines.learn_us",
            fix=f"Measure one: python -m launch.benchmark train sizes={settings.env.size} network=deepset --json > measured.json",
        )  # fmt: skip
    row = next((row for row in rows if row.keys() >= TRAIN), None)
    if row is None:
        raise InputError(f"--measured {file}", found="no line that fits", wanted=f"{WANTED} {settings.env.size}")
    drawn = next((row["levels_per_s"] for row in rows if "levels_per_s" in row), None)
    played, devices = sum(row[f"{name}_us"] for name in ("policy", "physics", "observation")), row["devices"]
    learnt = row["update_us"] * settings.ppo.epochs / row["epochs"]
    known = dataclasses.replace(
        machines,
        play_us=machines.play_us or round(played * devices, 3),
        learn_us=machines.learn_us or round(learnt * devices, 3),
        draw_us=machines.draw_us or (round(1e6 / drawn, 3) if drawn else 0.0),
        measured_worlds=machines.measured_worlds or row["worlds"] // devices,
    )
    return known, f"{row['what']} {row['size']} on {devices} x {row['device']}, {row['parameters']:,} parameters"


def _copied(rows: list[dict]) -> float | None:
    """GB/s at which rollouts would have gone into the store and out of it, if that were all that actors cost; None if not measured."""
    row = next((row for row in rows if row.get("what") == "fulcrum cluster split-1"), None)
    if row is None or not row["overhead_s"] or row["overhead_s"] < 0:  # less than what the measurement can tell
        return None
    return float(f"{2 * row['rollout_bytes'] / row['overhead_s'] / scaling.GB:.3g}")


def _rows(file: Path, size: str) -> list[dict]:
    """The measurements of levels of this size."""
    try:
        rows = [json.loads(line) for line in file.read_text().splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise InputError(f"--measured {file}", found=f"{type(error).__name__}: {error}", wanted=f"{WANTED} {size}") from error
    return [row for row in rows if isinstance(row, dict) and row.get("size") == size]


def _numbers(gpus: int | None, machines: Machines) -> list[int]:
    least = machines.learner_gpus + 1 if machines.topology == "split" else 1
    if gpus is not None and gpus < least:
        raise InputError("--gpus", found=gpus, wanted=f"at least {least} with machines.topology={machines.topology}")
    return [gpus] if gpus else [number for number in SHOWN if number >= least]


def _warnings(settings: PlanConfig, machines: Machines, prediction: Prediction) -> list[str]:
    """What makes a prediction too good, or the run impossible as it is set."""
    run, split = settings.run, machines.topology == "split"
    players = prediction.gpus - machines.learner_gpus if split else prediction.gpus
    learners = machines.learner_gpus if split else prediction.gpus
    notes = [] if machines.draw_us else [UNDRAWN]
    if run.worlds % players:
        notes.append(f"{run.worlds:,} worlds cannot be dealt evenly to {players:,} GPUs")
    elif machines.measured_worlds > run.worlds // players:
        notes.append(
            f"with {run.worlds // players:,} worlds a GPU, fewer than the {machines.measured_worlds:,} measured: "
            "too good if that leaves it idle"
        )
    at_once = settings.ppo.minibatch_size // run.rollout_length  # worlds of a minibatch
    if at_once % learners:
        notes.append(
            f"a minibatch of {at_once:,} worlds x {run.rollout_length} steps cannot be dealt to {learners:,} GPUs: raise ppo.minibatch_size"
        )
    return notes


def _first_warnings(warnings: dict[int, list[str]]) -> list[str]:
    """Of a table, where trouble begins."""
    first = next(((gpus, lines) for gpus, lines in warnings.items() if lines), None)
    return [f"from {first[0]:,} GPUs on: {line}" for line in first[1]] if first else []


def _table(found: list[Prediction]) -> list[str]:
    base = found[0].steps_per_s / found[0].gpus
    lines = [f"{'GPUs':>6}{'env steps/s':>16}{'of linear':>11}{'Gbit/s a machine':>18}{'GiB a GPU':>11}  saturates first"]
    for p in found:
        linear = p.steps_per_s / p.gpus / base
        lines.append(f"{p.gpus:>6,}{p.steps_per_s:>16,.0f}{linear:>11.0%}{p.network_gbit:>18.2f}{p.memory_peak_gib:>11.1f}  {p.saturates}")
    return lines


def _detail(p: Prediction) -> list[str]:
    busy = [f"  {name:<20}{seconds:>10.4f} s {seconds / p.iteration_s:>6.0%}" for name, seconds in p.busy_s.items()]
    memory = [f"  {name:<20}{size:>10.2f} GiB" for name, size in p.memory_gib.items()]
    store = [f"  {'object store':<20}{p.store_gib:>10.2f} GiB, on the learner's machine"] if p.store_gib else []
    return [
        f"{p.gpus:,} GPUs on {p.nodes:,} machines: {p.steps_per_s:,.0f} environment steps/s, {p.iteration_s:.3f} s an iteration",
        "busy in an iteration", *busy, "memory", *memory, *store,
        f"network: {p.network_gbit:.2f} Gbit/s at the busiest machine", f"saturates first: {p.saturates}",
    ]  # fmt: skip


def _settings_text() -> str:
    return "section machines:\n" + "\n".join(f"  {f'machines.{k}={d}':<34}{meaning.help}" for k, d, meaning in config.settings(Machines))


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    cli.run(main)
