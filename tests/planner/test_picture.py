"""The picture of a plan: every panel, every kind of buffer, on one scale."""

import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from tflite import files, unusual
from tflite.network import Network

from keras_unetmm.planner.picture import draw
from keras_unetmm.planner.plan import as_it_is
from keras_unetmm.tflite import plan

SKIP, INPUT, SCRATCH, OTHER = (0xD1, 0x49, 0x5B), (0x4C, 0x86, 0xC6), (0xE0, 0xC0, 0x68), (0x9A, 0xA5, 0xB1)


def network():
    """A U-Net with scratch, whose input is needed to the end."""
    net = Network()
    x = net.input(1, 16, 16, 4)
    kept = net.conv(x, 16, (3, 3))
    up = net.transposed(net.conv(net.pool("MAX_POOL_2D", kept, stride=(2, 2)), 16, (3, 3)), 16, (3, 3))
    return net.file(net.binary("ADD", net.conv(net.binary("ADD", up, kept), 4), x))


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def rows(image, color):
    """How many pixels of a colour every row has; `color` as drawn, or as mixed with white where it is translucent."""
    mixed = np.round(0.85 * np.array(color) + 0.15 * 255)
    return sum((abs(image - c) <= 1).all(2).sum(1) for c in (np.array(color), mixed))


def titles(path):
    """What the panels of an SVG say, from the comments that stand beside their text."""
    return re.findall(r"<!-- (.*?) -->", path.read_text())


def test_every_panel_shows_its_kinds(tmp_path):
    found = plan(network(), seconds=0.5)
    draw(found, tmp_path / "a.png")
    image = pixels(tmp_path / "a.png")
    height = len(image)
    assert height > 1000
    panels = [slice(0, height // 3), slice(height // 3, 2 * height // 3), slice(2 * height // 3, int(0.95 * height))]
    for color in (SKIP, INPUT, OTHER):
        assert [rows(image, color)[panel].sum() > 2000 for panel in panels] == [True] * 3, color
    assert rows(image, SCRATCH)[panels[0]].sum() > 2000
    legend = rows(image, SCRATCH)[int(0.95 * height) :].sum(), rows(image, SKIP)[int(0.95 * height) :].sum()
    assert min(legend) > 100


def test_both_panels_are_on_one_scale(tmp_path):
    """A pixel of the upper panel is as many bytes as one of the lower: the first operator is equally high in both."""
    net = Network()
    found = plan(net.file(net.transposed(net.conv(net.input(1, 16, 16, 8), 16, (3, 3)), 4)))
    assert found.live[0] == found.planned.live[0] == 24 * 256
    assert max(found.planned.live) < 0.8 * max(found.live)
    draw(found, tmp_path / "a.png")
    image = pixels(tmp_path / "a.png")
    column = image[:, int(0.15 * image.shape[1])]
    first = (abs(column - OTHER) <= 1).all(1) | (abs(column - INPUT) <= 1).all(1)
    upper, lower = first[: len(image) // 3].sum(), first[len(image) // 3 : 2 * len(image) // 3].sum()
    assert upper == pytest.approx(lower, abs=2)
    assert upper > 50


def test_an_svg_says_what_the_numbers_are(tmp_path):
    found = plan(network(), "reference", seconds=0.5)
    draw(found, str(tmp_path / "a.SVG"), title="a network")
    said = titles(tmp_path / "a.SVG")
    planned = found.planned
    assert f"a network: as it is, TFLM&#x27;s planner takes {found.greedy_head:,} B".replace("&#x27;", "'") in said
    assert any(f"kernels reference: {planned.head:,} B, lower bound {planned.bound:,} B" in text for text in said)
    assert "the planned arena: a rectangle a buffer" in said
    assert {"skips", "network input", "scratch of kernels", "operators and residuals"} <= set(said)
    held = sum(life.bytes for life in found.lifetimes if life.tensor == 3)
    assert any(re.search(rf"peak: operator {found.peak}, \w+; skips hold ({held:,}|0) B there", text) for text in said)


def test_the_map_has_a_rectangle_of_each_buffers_size_at_its_address(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *args, **kwargs: drawn.append(self))
    found = plan(network(), seconds=0.5)
    draw(found, tmp_path / "a.png")
    axes = drawn[0].axes[2]
    (collection,) = axes.collections
    boxes = [path.get_extents() for path in collection.get_paths()]
    planned = found.planned
    want = [
        (life.first - 0.5, life.last + 0.5, address / 1024, (address + life.bytes) / 1024)
        for life, address in zip(planned.lifetimes, planned.placement.addresses, strict=True)
    ]
    np.testing.assert_allclose([(b.x0, b.x1, b.y0, b.y1) for b in boxes], want)
    assert max(top for *_, top in want) == pytest.approx(planned.head / 1024), "the line on top of all"
    assert axes.lines[0].get_ydata()[0] == pytest.approx(planned.head / 1024)
    assert axes.get_ylim()[1] >= planned.head / 1024


def test_a_file_that_is_not_planned_has_one_panel(tmp_path):
    draw(as_it_is(files.unet()), tmp_path / "one.png")
    draw(plan(files.unet()), tmp_path / "three.png")
    one, three = pixels(tmp_path / "one.png"), pixels(tmp_path / "three.png")
    assert one.shape[1] == three.shape[1]
    assert len(one) < len(three) / 2
    assert rows(one, SKIP).sum() > 2000


@pytest.mark.parametrize("build", [unusual.branches, unusual.loop, unusual.remembered, unusual.svdf, files.chain])
def test_unusual_files_have_a_picture(build, tmp_path):
    draw(plan(build(1) if build is files.chain else build()), tmp_path / "a.png")
    assert rows(pixels(tmp_path / "a.png"), OTHER).sum() > 2000


@pytest.mark.parametrize("name", ["a.gif", "a", "png", "a.png.txt"])
def test_another_suffix_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match=r"picture must end in \.svg or \.png. Received: .*" + re.escape(name)):
        draw(plan(files.unet()), tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_file_without_operators_has_no_picture(tmp_path):
    with pytest.raises(ValueError, match="without operators has no picture"):
        draw(plan(files.build([((1, 4), None)], [], [0], [0])), tmp_path / "a.png")


def test_skips_are_spoken_of_only_where_there_are_some(tmp_path):
    net = Network()
    chain = net.file(net.conv(net.conv(net.input(1, 16, 16, 8), 16, (3, 3)), 4))
    draw(plan(chain, seconds=0.5), tmp_path / "chain.svg")
    assert not any("skips" in said for said in titles(tmp_path / "chain.svg"))
    draw(plan(network(), seconds=0.5), tmp_path / "unet.svg")
    assert any("skips hold" in said for said in titles(tmp_path / "unet.svg"))
    assert "skips" in titles(tmp_path / "unet.svg")


def test_the_input_has_one_colour_in_every_panel(tmp_path):
    net = Network()
    found = plan(net.file(net.conv(net.input(1, 16, 16, 8), 16, (3, 3))), seconds=0.5)
    draw(found, tmp_path / "a.png")
    image = pixels(tmp_path / "a.png")
    third = len(image) // 3
    assert [rows(image, INPUT)[i * third : (i + 1) * third - third // 6 * (i == 2)].sum() > 2000 for i in range(3)] == [
        True
    ] * 3
