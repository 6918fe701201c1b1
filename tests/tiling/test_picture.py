"""The picture of the trade-off: every program and every untiled network stands at its own numbers."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from keras_unetmm.tiling.picture import draw


def row(levels, tile, ram, macs):
    return {"levels": levels, "tile": [tile, tile], "ram_bytes": ram, "macs": macs}


ROWS = {
    "1 level tiled": [row(1, 16, 40960, 9_000_000), row(1, 32, 81920, 5_000_000), row(1, 64, 163840, 4_000_000)],
    "2 levels tiled": [row(2, 16, 20480, 20_000_000), row(2, 32, 30720, 12_000_000)],
}
UNTILED = {"stock TFLM": (524288, 3_000_000), "planned": (262144, 3_500_000)}


def test_curves_and_marks_stand_at_kibibytes_and_millions(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *args, **kwargs: drawn.append(self))
    draw(tmp_path / "a.png", "a network", ROWS, UNTILED)
    (axes,) = drawn[0].axes
    lines = {line.get_label(): np.column_stack([line.get_xdata(), line.get_ydata()]) for line in axes.lines}
    for name, rows in ROWS.items():
        np.testing.assert_allclose(lines[name], [[r["ram_bytes"] / 1024, r["macs"] / 1e6] for r in rows])
    for name, (size, macs) in UNTILED.items():
        np.testing.assert_allclose(lines[f"{name}, {size // 1024} KiB"], [[size / 1024, macs / 1e6]])
    assert len(lines) == len(ROWS) + len(UNTILED)
    beside = {text.xy: text.get_text() for text in axes.texts}
    assert beside[(80.0, 5.0)] == "32x32"
    assert beside[(20.0, 20.0)] == "16x16"
    low, high = axes.get_ylim()
    assert low < 3
    assert high > 20
    assert axes.get_yscale() == axes.get_xscale() == "log"


def test_a_program_that_another_beats_is_left_out(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *args, **kwargs: drawn.append(self))
    worse = row(1, 24, 90000, 8_000_000)
    draw(tmp_path / "a.png", "a network", {"1 level tiled": [*ROWS["1 level tiled"], worse]}, {})
    (line,) = drawn[0].axes[0].lines
    assert line.get_ydata() == pytest.approx([9, 5, 4])


def test_labels_lie_over_nothing(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *args, **kwargs: drawn.append(self))
    close = [row(1, 16 + i, 40960 + 600 * i, 5_000_000 - 20_000 * i) for i in range(6)]
    draw(tmp_path / "a.png", "a network", {"here": close, "there": [row(1, 8, 41000, 4_950_000)]}, {})
    (axes,) = drawn[0].axes
    drawn[0].draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) >= 3
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    marks = [axes.transData.transform(point) for line in axes.lines for point in line.get_xydata()]
    assert not any(box.contains(*mark) for box in boxes for mark in marks)
