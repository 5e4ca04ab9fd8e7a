"""Train a general agent: `python -m launch.train [FILE.yaml ...] [key=value ...] [--resume RUN]`."""

import datetime
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import jax
from rich.console import Console as RichConsole

from cluster import gang, local, memory_plan
from cluster import mesh as meshes
from cluster.backend import Backend, LostError
from cluster.base import Progress, RunConfig
from cluster.console import Console
from cluster.events import Events
from cluster.local import LocalBackend
from cluster.parts import Parts
from cluster.supervisor import DivergedError, Supervisor
from cluster.tracker import JsonLines, Pictures, Several, TensorBoard, Tracker, View, read_lines
from launch import agents, cli, config
from launch import gang as gangs
from learners.base import Params
from physics.errors import InputError

ALONE = ("cluster.processes=1", "cluster.process=0", "cluster.coordinator=")  # a resumed run is a gang only if it is started as one
CHANGEABLE = ("run.total_steps", "run.max_minutes", "run.devices", "run.block_worlds", "cluster.")


def main(argv: Sequence[str]) -> int:
    """Train until the configured end, or until told to stop; exit status 0 either way, and 1 if learning broke down."""
    cli.cache_compilations()
    if "-h" in argv or "--help" in argv:
        _print_help()
        return 0
    parser = cli.Parser(prog="python -m launch.train", add_help=False)
    parser.add_argument("--resume", metavar="RUN")
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args(argv)
    folder = cli.open_run(arguments.resume) if arguments.resume else None
    settings = _changed(folder, arguments.words) if folder else config.load(arguments.words, base=config.DEFAULTS)
    if settings.cluster.backend == "ray" and settings.cluster.processes > 1:
        from cluster.ray.gang import Machines  # Ray is not imported where it is not used

        return gangs.drive(arguments.words, folder, settings.cluster.processes, Machines(settings, print))
    return _go_on(folder, settings) if folder else start(settings)


def start(settings: RunConfig) -> int:
    """Begin a new run in a folder of its own."""
    gang.join(settings)
    leads = gang.leads(settings)
    if leads:
        _check_free(_place(settings))
    backend = _plan(settings)
    params = _inherited(settings)
    folder = _new_folder(settings) if leads else _place(settings)
    if leads:
        config.save(settings, folder / "config.yaml")
    return _train(settings, backend, folder, params)


def resume(folder: Path, words: Sequence[str]) -> int:
    """Go on with a run from its newest checkpoint. Only its length and what it runs on may be changed."""
    return _go_on(folder, _changed(folder, words))


def _go_on(folder: Path, settings: RunConfig) -> int:
    gang.join(settings)
    return _train(settings, _plan(settings), folder)


def _changed(folder: Path, words: Sequence[str]) -> RunConfig:
    """Settings of a run that is resumed."""
    changed = [word for word in words if "=" not in word or not word.startswith(CHANGEABLE)]
    if changed:
        raise InputError(
            f"--resume with {', '.join(changed)}", wanted="only " + ", ".join(CHANGEABLE),
            fix="A resumed run keeps its settings; start a new run to change them.",
        )  # fmt: skip
    return config.load([*ALONE, *words], base=folder / "config.yaml")


def _plan(settings: RunConfig) -> Backend:
    """What runs the roles, once it is known that they fit there; says what they need."""
    if settings.cluster.backend == "ray":
        from cluster.ray import start  # Ray is not imported where it is not used

        return start.backend(settings, print)
    roles = local.build_roles(settings)
    plan = memory_plan.make(settings, roles)
    if gang.leads(settings):
        print("\n".join(plan.lines()))
    plan.check()
    return LocalBackend(roles, settings.run)


def _inherited(settings: RunConfig) -> Params | None:
    """The newest parameters of the run that this one begins with, if any, once it is known that they fit."""
    if not settings.run.parent:
        return None
    params = jax.device_get(agents.open_agent(settings.run.parent).params)
    Parts(settings, meshes.make(1)).learner().check(params)
    return params


def _train(settings: RunConfig, backend: Backend, folder: Path, params: Params | None = None) -> int:
    """Begin with `params`, if given, or go on from a checkpoint, if there is one."""
    rich = RichConsole(quiet=not gang.leads(settings))
    rich.print(f"run {folder}  on {backend.where()}", highlight=False, soft_wrap=True)
    rich.print("compiling; the first time takes a minute or two", highlight=False, style="dim")
    stop, later, events = _StopOnSignal(), _Later(), Events(folder / "events.jsonl")
    supervisor = local.build(settings, backend, folder, later, events)
    try:
        while True:
            try:
                _make_ready(supervisor, settings, folder, params)
                if supervisor.over() and not later.tracker:
                    _say_finished(rich, supervisor.progress)
                    return 0
                if gang.leads(settings):
                    later.connect(folder, supervisor.progress, [Console(settings.run, rich), *backend.trackers(settings.run.name)])
                supervisor.run(stop, lambda: {**events.scalars(), **backend.scalars()})
                break
            except LostError as lost:  # one without whom no other can go on
                supervisor.start_over(lost)
                later.close()
    except DivergedError as error:
        rich.print(str(error), highlight=False, soft_wrap=True)
        return 1
    finally:
        later.close()
        backend.close()
    if stop.asked:
        rich.print(f"stopped at a checkpoint; go on with: python -m launch.train --resume {folder}", highlight=False, soft_wrap=True)
    return 0


def _make_ready(supervisor: Supervisor, settings: RunConfig, folder: Path, params: Params | None) -> None:
    """Begin, or go on from the newest checkpoint. Nothing is lost if it was stopped before the first one."""
    metrics = folder / "metrics.jsonl"
    trained = metrics.exists() and any(row["iteration"] > 0 for row in read_lines(metrics))
    if supervisor.has_checkpoint() or trained:
        supervisor.restore()
    else:
        supervisor.begin(_inherited(settings) if params is None else params)


def _say_finished(rich: RichConsole, after: Progress) -> None:
    rich.print(
        f"this run is finished: {after.env_steps:,} steps in {after.seconds / 60:.1f} minutes; "
        "give a larger run.total_steps or run.max_minutes to go on",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


class _Later:
    """A tracker that is connected once it is known from where the run goes on."""

    tracker: Tracker | None = None

    def connect(self, folder: Path, after: Progress, others: Sequence[Tracker]) -> None:
        """Go on behind `after`: what had been noted past it is dropped."""
        files = [
            JsonLines(folder / "metrics.jsonl", after.iteration),
            TensorBoard(folder / "tensorboard", after.env_steps),
            Pictures(folder),
        ]
        self.tracker = Several([*files, *others])

    def log(self, progress: Progress, scalars: Mapping[str, float]) -> None:
        """Pass on."""
        if self.tracker:
            self.tracker.log(progress, scalars)

    def show(self, progress: Progress, view: View) -> None:
        """Pass on."""
        if self.tracker:
            self.tracker.show(progress, view)

    def close(self) -> None:
        """Pass on."""
        if self.tracker:
            self.tracker.close()


class _StopOnSignal:
    """Turns the first SIGINT or SIGTERM into a wish to stop at the next checkpoint; the second one acts as usual."""

    def __init__(self) -> None:
        """Listen from now on."""
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._hear)

    def _hear(self, number: int, _: object) -> None:
        self.asked = True
        signal.signal(number, signal.SIG_DFL)

    def __call__(self) -> bool:
        """Whether to stop; a gang stops together."""
        return meshes.any_of(self.asked)


def _place(settings: RunConfig) -> Path:
    return Path(settings.run.folder) / (settings.run.name or datetime.datetime.now().strftime("%Y%m%d-%H%M%S"))


def _check_free(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise InputError(
            f"run.name={folder.name}", found=f"a run in {folder}", wanted="a name that is free",
            fix=f"Choose another name, or go on with it: python -m launch.train --resume {folder}",
        )  # fmt: skip


def _new_folder(settings: RunConfig) -> Path:
    folder = _place(settings)
    _check_free(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _print_help() -> None:
    print(__doc__)
    print("\nSettings come from configs/default.yaml, then from the files and words given, later ones win.")
    print("A run lives in runs/NAME: config.yaml, metrics.jsonl, tensorboard/, checkpoints/.\n")
    section = ""
    for key, default, meaning in config.settings():
        if key.split(".")[0] != section:
            section = key.split(".")[0]
            print(f"\n{section}: {config.section_help(section)}")
        wanted = "" if meaning.wanted() == "a finite number" else f" ({meaning.wanted()})"
        print(f"  {f'{key}={_short(default)}':<42}{meaning.help}{wanted}")


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    cli.run(main)
