"""Metrics go where they should, once, also over a resume."""

import io

import numpy as np
from PIL import Image
from rich.console import Console as RichConsole
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from cluster.base import Progress, RunSettings
from cluster.console import Console
from cluster.tracker import JsonLines, Pictures, Several, TensorBoard, View, read_lines


def _progress(iteration: int) -> Progress:
    return Progress(iteration=iteration, env_steps=iteration * 100, seconds=iteration * 1.5)


def test_json_lines_drops_what_comes_after_the_restored_iteration(tmp_path):
    path = tmp_path / "metrics.jsonl"
    lines = JsonLines(path, 0)
    for iteration in range(5):
        lines.log(_progress(iteration), {"loss": iteration / 3})
    lines.close()
    path.write_text(path.read_text() + '{"iteration": 5, "lo')  # a line cut off by a kill
    resumed = JsonLines(path, 2)
    resumed.log(_progress(3), {"loss": 7.0})
    resumed.close()
    rows = read_lines(path)
    assert [row["iteration"] for row in rows] == [0, 1, 2, 3]
    assert rows[1]["loss"] == 0.333333
    assert rows[3] == {"iteration": 3, "env_steps": 300, "seconds": 4.5, "loss": 7.0}


def test_tensorboard_curve_has_neither_gap_nor_repeat_over_a_resume(tmp_path):
    first = TensorBoard(tmp_path, 0)
    for iteration in range(5):
        first.log(_progress(iteration), {"loss": 1.0, "evaluate/random": 0.5})
    first.close()
    second = TensorBoard(tmp_path, 200)
    for iteration in (3, 4, 5):
        second.log(_progress(iteration), {"loss": 2.0})
    second.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("train/loss")] == [
        (0, 1.0), (100, 1.0), (200, 1.0), (300, 2.0), (400, 2.0), (500, 2.0),
    ]  # fmt: skip
    assert "evaluate/random" in events.Tags()["scalars"]


def test_distributions_and_pictures_reach_tensorboard_and_the_folder(tmp_path):
    picture = np.zeros((6, 8, 3), np.uint8)
    picture[2:4, 3:5] = [255, 128, 0]
    trackers = Several([TensorBoard(tmp_path / "events", 0), Pictures(tmp_path)])
    rates = np.repeat([0.025, 0.975], [30, 10])
    trackers.show(_progress(3), View({"curriculum/success": rates}, {"curriculum/levels": picture}))
    trackers.close()
    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    (found,) = events.Histograms("curriculum/success")
    assert found.step == 300
    assert found.histogram_value.num == 40
    assert np.isclose(found.histogram_value.sum, rates.sum())
    (image,) = events.Images("curriculum/levels")
    assert (image.step, image.height, image.width) == (300, 6, 8)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "curriculum_levels.png")), picture)


def test_console_writes_plain_lines_where_there_is_no_terminal():
    out = io.StringIO()
    console = Console(RunSettings(name="x", total_steps=1000), RichConsole(file=out, width=300))
    Several([console]).log(_progress(2), {"steps_per_second": 1234.5, "evaluate/random": 0.25, "unknown": 1.0})
    console.close()
    line = out.getvalue()
    assert "iteration 2  200 steps  1,234/s  zero-shot, random levels 25.0%" in line
    assert "\x1b" not in line
    assert "unknown" not in line


def test_console_draws_a_panel_in_a_terminal():
    out = io.StringIO()
    console = Console(RunSettings(name="demo", total_steps=1000), RichConsole(file=out, width=100, force_terminal=True))
    for iteration in (1, 2):
        console.log(_progress(iteration), {"steps_per_second": 50.0, "kl": 0.01})
    console.close()
    assert "demo" in out.getvalue()
    assert "kl" in out.getvalue()
