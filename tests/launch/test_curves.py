"""Curves of several runs in one picture."""

import numpy as np
from PIL import Image

from launch import curves
from launch.curves import Curve


def test_groups_are_drawn_as_mean_and_band_in_a_panel_each(tmp_path):
    group = [Curve("a", [0, 100, 200], [0.0, 0.2, 0.4]), Curve("b", [0, 100], [0.1, 0.5])]  # the second was measured less often
    path = tmp_path / "groups.png"
    curves.draw_groups(path, {"random levels": {"sfl": group}, "hand-made levels": {"sfl": group}}, "title")
    one = tmp_path / "one.png"
    curves.draw_groups(one, {"random levels": {"sfl": group}}, "title")
    wide, narrow = (np.asarray(Image.open(file).convert("RGB")) for file in (path, one))
    assert wide.shape[1] > narrow.shape[1]
    line = np.array([31, 119, 180])  # matplotlib's first colour
    near = np.abs(wide.astype(int) - line).sum(-1) < 30
    half = wide.shape[1] // 2
    assert near[:, :half].sum() > 50
    assert near[:, half:].sum() > 50
