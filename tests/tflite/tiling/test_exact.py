"""The same bytes for every tile, every way of having the skips, and the whole file's own away from the border."""

import numpy as np
import pytest
from tflite.tiling.networks import encoder_decoder

from keras_unetmm import tflite


def image(size, seed=0):
    return np.random.default_rng(seed).integers(-128, 128, (*size, 3)).astype("int8")


@pytest.mark.parametrize("seed", range(6))
def test_every_tile_gives_the_same_bytes(seed):
    size = (41, 52) if seed % 2 else (48, 32)  # the network's own, and one that no tile divides
    content, x = encoder_decoder(seed, whole=seed % 3 == 0), image(size, seed)
    choices = [{"tile": 64}, {"tile": 8}, {"tile": 16, "skips": "mixed"}, {"tile": (12, 20), "skips": "recompute"}]
    outputs = [tflite.run_tiled(tflite.tile(content, size, **choice), x).output for choice in choices]
    for choice, output in zip(choices[1:], outputs[1:], strict=True):
        np.testing.assert_array_equal(output, outputs[0], err_msg=str(choice))


@pytest.mark.parametrize("seed", [1, 3, 7])
def test_away_from_the_border_it_is_the_file_itself(seed):
    size, border = (96, 112), 40
    content, x = encoder_decoder(seed, size), image(size, seed)
    whole = tflite.run(content, x).outputs[0][0]
    tiled = tflite.run_tiled(tflite.tile(content, size, tile=16), x).output
    inside = (slice(border, -border),) * 2
    np.testing.assert_array_equal(tiled[inside], whole[inside])
    assert len(np.unique(whole[inside])) > 20, "an output that says something"


def test_the_border_is_that_of_an_image_that_goes_on():
    """One convolution before the bottleneck's level, so that what it reads outside shows in the first pixels."""
    size = (32, 32)
    content, x = encoder_decoder(5, size, skips=False), image(size)
    around = np.pad(x, ((32, 32), (32, 32), (0, 0)), "edge")
    program = tflite.tile(content, size, tile=8)
    end = next(end for end in program.description["parts"]["head"]["inputs"] if end["map"] == "image")
    (top, bottom), (left, right) = end["region"]
    part = tflite.run(program.files["head.tflite"], around[32 + top : 32 + bottom, 32 + left : 32 + right])
    seen = []

    def spy(file, inputs, runtime, run=tflite.tiling.run.run):
        result = run(file, inputs, runtime)
        seen.append(result.outputs)
        return result

    patch = pytest.MonkeyPatch()
    with patch.context() as patched:
        patched.setattr(tflite.tiling.run, "run", spy)
        tflite.run_tiled(program, x)
    for first, expected in zip(seen[0], part.outputs, strict=True):
        np.testing.assert_array_equal(first[0], expected[0])


def test_litert_too_gives_the_same_bytes_for_every_tile():
    content, x = encoder_decoder(2), image((48, 32))
    for runtime in ("litert", "litert-reference"):
        a, b = (tflite.run_tiled(tflite.tile(content, (48, 32), tile=t), x, runtime).output for t in (8, 32))
        np.testing.assert_array_equal(a, b)


def test_another_size_than_the_network_was_converted_for():
    small, large = (encoder_decoder(4, size, whole=True) for size in ((48, 32), (64, 96)))
    x = image((64, 96))
    a, b = (tflite.run_tiled(tflite.tile(content, (64, 96), tile=32), x).output for content in (small, large))
    np.testing.assert_array_equal(a, b)
