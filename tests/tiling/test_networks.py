"""The rows that are made for tiles, converted: what is kept is what the papers say, and the bytes are the same."""

import numpy as np
import pytest
from checks import ONE_BACKEND, randomize

from keras_unetmm import models, tflite
from keras_unetmm.compare.evaluate import evaluate
from keras_unetmm.skips import UNetMinusMinus
from keras_unetmm.tiling.analyse import TilingError
from keras_unetmm.tiling.tile import compiler_of

pytestmark = ONE_BACKEND
TINY = {"encoder_depths": (1, 0, 0, 0), "middle_depth": 0, "decoder_depths": (0, 0, 0, 1)}


def converted(model, size=(64, 64)):
    rng = np.random.default_rng(0)
    images = [rng.random((*size, 3), dtype="float32") for _ in range(2)]
    return tflite.convert(randomize(model), images, size=size, outliers="keep", output_kind="auto")


@pytest.fixture(scope="module")
def unet_minus():
    return converted(models.NAFNetUNetMinus("mcu_width16_tiled"))


def test_what_stays_of_unet_minus_is_e_prime_and_the_bottleneck(unet_minus):
    said = tflite.tile(unet_minus, (256, 256), tile=64).description
    assert (said["levels"], said["bottleneck"]) == (4, "whole")
    sizes = {(entry["from"], entry["to"]): entry["bytes"] for entry in said["carried"]}
    assert sizes == {("head", "body"): 65_536, ("head", "tail"): 131_072, ("body", "tail"): 65_536}
    assert said["macs_ratio"] < 2
    kept = tflite.tile(converted(models.NAFNet("mcu_width16_tiled")), (256, 256), tile=32).description
    skips = sorted(entry["bytes"] for entry in kept["carried"] if entry["to"] == "tail" and entry["from"] == "head")
    assert skips == [131_072, 262_144, 524_288, 1_048_576]


def test_memory_grows_with_e_prime_and_two_maps_of_the_bottleneck(unet_minus):
    """What enters the middle block and what its gate makes of it: the one is added to the other in its place."""
    small, large = (tflite.tile(unet_minus, (side, side), tile=16).description for side in (256, 512))
    assert {entry["bytes"] for entry in small["carried"]} == {131_072, 65_536}
    assert small["bottleneck"] == large["bottleneck"] == "tiled"
    assert [small["parts"][name]["head"] == large["parts"][name]["head"] for name in ("head", "tail")] == [True, True]
    kept = 131_072 + 2 * 65_536
    assert small["ram_bytes"] <= 300_000
    assert large["ram_bytes"] - small["ram_bytes"] <= 3 * kept
    assert large["ram_bytes"] <= 4 * kept + 16_384


def test_less_than_a_third_of_stock_at_64x64(unet_minus):
    assert tflite.plan(unet_minus).greedy_head == 405_504
    assert tflite.tile(unet_minus, (64, 64), levels=3).description["ram_bytes"] <= 110_000


def test_the_same_bytes_with_four_levels(unet_minus):
    image = np.random.default_rng(1).integers(0, 256, (72, 88, 3)).astype("uint8")
    outputs = [tflite.run_tiled(tflite.tile(unet_minus, (72, 88), tile=tile), image).output for tile in (16, 48)]
    np.testing.assert_array_equal(outputs[1], outputs[0])


def test_the_ordinary_row_is_refused_by_name():
    with pytest.raises(TilingError, match=r"MEAN, of .*sca.*looks at the whole map.*local_levels"):
        tflite.tile(converted(models.NAFNet("mcu_width16", **TINY)), (64, 64))


@pytest.mark.parametrize(
    ("skips", "kept"),
    [
        ("sat", [1 * 64 * 64, 1 * 32 * 32, 1 * 16 * 16]),
        (UNetMinusMinus((8, 8, 4), local_levels=3), [32 * 16 * 16]),
        ("full", [8 * 64 * 64, 16 * 32 * 32, 32 * 16 * 16]),
    ],
    ids=["sat", "unet--", "full"],
)
def test_segmentation(skips, kept):
    content = converted(models.UNet("mcu_width8", input_shape=(None, None, 3), skips=skips))
    said = tflite.tile(content, (64, 64), levels=3).description
    carried = [entry["bytes"] for entry in said["carried"] if (entry["from"], entry["to"]) == ("head", "tail")]
    assert sorted(carried, reverse=True) == kept
    with pytest.raises(ValueError, match="file must give an image like the one it takes"):
        evaluate(content, [np.zeros((64, 64, 3), "float32")], 25, tile=16, levels=3)
    image = np.random.default_rng(1).integers(0, 256, (56, 72, 3)).astype("uint8")
    choices = ({"tile": 64}, {"tile": 16}, {"tile": 24, "skips": "recompute"}, {"tile": 8, "skips": "mixed"})
    outputs = [tflite.run_tiled(tflite.tile(content, (56, 72), levels=3, **choice), image).output for choice in choices]
    for output in outputs[1:]:
        np.testing.assert_array_equal(output, outputs[0])


def test_photographs_of_any_size_are_evaluated():
    model = randomize(models.NAFNet("mcu_width16_tiled", width=8, **TINY))
    content = converted(model)
    rng = np.random.default_rng(2)
    photographs = [rng.random((*size, 3), dtype="float32") for size in ((40, 56), (33, 64))]
    done = []
    scores = evaluate(content, photographs, 25, model=model, tile=16, levels=2, progress=done.append)
    assert scores["photographs"] == done[-1] == 2
    assert 15 < scores["noisy"] < 25
    assert abs(scores["int8"] - scores["float"]) < 3
    assert compiler_of(content, (33, 64)).size == (48, 64)
    with pytest.raises(ValueError, match="photographs must hold at least one"):
        evaluate(content, [], 25)
