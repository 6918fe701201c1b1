import json

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from tflite import files

from keras_unetmm.tflite import plan
from keras_unetmm.tflite.report import as_table, draw, report, short_name, waiting


def test_the_json_says_what_the_plan_says():
    found, result = report(files.unet())
    assert json.loads(json.dumps(result)) == result
    assert list(result) == ["operators", "macs", "flash_bytes", "as_is", "peak"]
    assert result["as_is"]["order_bound"] == found.order_bound
    assert set(result["as_is"]["measured"]) == {"head", "tail", "total"}
    assert (result["peak"]["operator"], result["peak"]["name"]) == (5, "ADD")
    assert result["peak"]["live"][0] == {"tensor": "graph/t1/value", "shape": [1, 8, 8, 4], "bytes": 256}
    assert sum(tensor["bytes"] for tensor in result["peak"]["live"]) == found.order_bound


def test_a_file_that_TFLM_cannot_run_is_planned_all_the_same():
    content = files.build([((1, 16), None), ((1, 16), None)], [("GELU", [0], [1], None)], [0], [1])
    _, result = report(content)
    assert result["as_is"] == {"order_bound": 32, "measured": None}
    assert "TFLM has no operator GELU" in result["why_not_measured"]


def test_the_skip_is_told_from_the_rest():
    kinds = {life.tensor: kind for life, kind in waiting(plan(files.unet()))}
    assert kinds == {0: "network input", 1: "skips"}
    assert [kind for _, kind in waiting(plan(files.chain(4)))] == ["network input"]


def test_the_picture_is_drawn(tmp_path):
    found = plan(files.unet())
    draw(found, tmp_path / "a.png")
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).reshape(-1, 3)
    for color in ((0x4C, 0x86, 0xC6), (0xD1, 0x49, 0x5B)):
        assert (pixels == color).all(1).sum() > 5000, "a layer of the picture is missing, but for its legend"
    draw(found, tmp_path / "a.svg", title="title")
    assert "<svg" in (tmp_path / "a.svg").read_text()
    with pytest.raises(ValueError, match=r"picture must end in \.svg or \.png"):
        draw(found, tmp_path / "a.gif")


def test_the_table_names_who_is_alive():
    console = Console(width=100)
    with console.capture() as capture:
        console.print(as_table("file", report(files.unet())[1]))
    text = capture.get()
    assert "768 B" in text
    assert "operator 5, ADD" in text
    assert "t1/value 1x8x8x4" in text


def test_short_names():
    assert short_name("nafnet_1/enc0_block0_conv1_1/BiasAdd;nafnet_1/x/y") == "enc0_block0_conv1_1/BiasAdd"
    assert short_name("serving_default_image:0") == "serving_default_image:0"
