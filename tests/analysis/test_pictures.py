import numpy as np
import pytest
from PIL import Image

from keras_unetmm.analysis import draw_activations, draw_attention, draw_skip_memory
from keras_unetmm.analysis.skip_memory import Stage

FULL = [Stage("enc0", 2048), Stage("mid", 2048), Stage("dec0", 0)]
NONE = [Stage("enc0", 0), Stage("mid", 0), Stage("dec0", 0)]
RNG = np.random.default_rng(0)


def colors(path):
    """How many pixels have each colour."""
    pixels = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
    return dict(zip(*(part.tolist() for part in np.unique(pixels @ [65536, 256, 1], return_counts=True)), strict=True))


def test_skip_memory(tmp_path):
    for suffix in ("png", "svg"):
        draw_skip_memory({"full skips": FULL, "none": NONE}, tmp_path / f"held.{suffix}", "Held")
    text = (tmp_path / "held.svg").read_text()
    for label in ("full skips, peak 2 KiB", "none, peak 0 KiB", "enc0", "dec0", "skips hold, KiB", "Held"):
        assert f"<!-- {label} -->" in text
    found = colors(tmp_path / "held.png")
    assert min(found.get(color, 0) for color in (0xD1495B, 0x4C86C6)) > 100, "a line cannot be seen"
    draw_skip_memory({"a SUNet": [Stage(f"block{i}_unet0_encoder1", 2**20) for i in range(20)]}, tmp_path / "long.svg")
    assert "a SUNet, peak 1 MiB" in (tmp_path / "long.svg").read_text()


@pytest.mark.parametrize("draw", [draw_attention, draw_activations])
@pytest.mark.parametrize(("images", "channels"), [((8, 12), 3), ((8, 12), 1), ((4, 8, 12), 1)])
def test_maps(tmp_path, draw, images, channels):
    maps = {"skip0_keep": RNG.random((2, *images)), "skip1_keep": np.full((2, *(n // 2 for n in images)), 0.5)}
    path = tmp_path / "maps.svg"
    draw(RNG.normal(size=(2, *images, channels)), maps, path, "Gates")
    text = path.read_text()
    for size, name in ((images, "skip0_keep"), ([n // 2 for n in images], "skip1_keep")):
        assert name in text
        assert "x".join(map(str, size)) in text
    assert ("0.50 to 0.50" in text) == (draw is draw_attention)
    draw(RNG.normal(size=(2, *images, channels)), maps, tmp_path / "maps.png")
    assert len(colors(tmp_path / "maps.png")) > 50


def test_bad_input(tmp_path):
    images, maps = np.zeros((2, 8, 12, 3)), {"skip0_keep": np.zeros((2, 8, 12))}
    with pytest.raises(ValueError, match=r"path must end in \.svg or \.png\. Received: maps\.pdf"):
        draw_attention(images, maps, "maps.pdf")
    with pytest.raises(ValueError, match=r"path must end"):
        draw_skip_memory({"full": FULL}, tmp_path / "held")
    for wrong in ({}, {"skip0_keep": np.zeros((1, 8, 12))}, {"skip0_keep": np.zeros((2, 8, 12, 1))}):
        with pytest.raises(ValueError, match=r"maps must be a dict of arrays.*Received: images of shape \(2, 8, 12, 3\)"):
            draw_activations(images, wrong, tmp_path / "maps.png")
    with pytest.raises(ValueError, match=r"images must be 1 to 8, a row each\. Received: 9"):
        draw_activations(np.zeros((9, 8, 12, 3)), {"mid": np.zeros((9, 8, 12))}, tmp_path / "maps.png")
    for wrong in ({}, {"full": FULL, "other": FULL[:2]}, {"empty": []}):
        with pytest.raises(ValueError, match="timelines must be a dict of at least one timeline, all with the same stages"):
            draw_skip_memory(wrong, tmp_path / "held.png")
    assert not list(tmp_path.iterdir())
