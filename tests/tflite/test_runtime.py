import numpy as np
import pytest
from tflite import files

from keras_unetmm import tflite
from keras_unetmm.tflite.graph import TFLiteFileError
from keras_unetmm.tflite.runtime import RUNTIMES, TFLMError, measure


def image(seed=0):
    return np.random.default_rng(seed).integers(-128, 128, (8, 8, 4)).astype("int8")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_runs_are_what_the_operators_say(runtime):
    content, x = files.chain(1), image()
    result = tflite.run(content, x, runtime)
    (output,), (values,) = result.outputs, result.values
    assert output.shape == (1, 8, 8, 4)
    assert output.dtype == np.int8
    np.testing.assert_array_equal(output[0], np.maximum(x, 0))
    np.testing.assert_array_equal(values[0], np.maximum(x, 0) / np.float32(64))
    assert (result.arena is None) == (runtime != "tflm")


def test_floats_are_quantised_and_several_images_are_run():
    content = files.unet()
    images = np.stack([image(seed) for seed in range(3)])
    by_bytes = tflite.run(content, images)
    by_floats = tflite.run(content, images / np.float32(64))
    np.testing.assert_array_equal(by_bytes.outputs[0], by_floats.outputs[0])
    for i in range(3):
        np.testing.assert_array_equal(by_bytes.outputs[0][i : i + 1], tflite.run(content, images[i]).outputs[0])


def test_TFLM_equals_the_reference_kernels():
    for content in (files.unet(), files.chain(4)):
        np.testing.assert_array_equal(
            tflite.run(content, image()).outputs[0], tflite.run(content, image(), "litert-reference").outputs[0]
        )


def test_measured_parts_add_up():
    arena = measure(files.unet())
    assert arena.head + arena.tail == arena.total
    assert arena == tflite.run(files.unet(), image()).arena


def test_an_arena_too_small_is_refused_with_what_it_takes():
    needed = measure(files.unet()).total
    with pytest.raises(TFLMError, match=f"arena_bytes=600 is too small for this file.*takes {needed:,} bytes"):
        tflite.run(files.unet(), image(), arena_bytes=600)
    assert tflite.run(files.unet(), image(), arena_bytes=4 * needed).arena.total == needed


def test_an_operator_that_TFLM_lacks_is_named():
    content = files.build([((1, 8), None), ((1, 8), None)], [("GELU", [0], [1], None)], [0], [1])
    with pytest.raises(TFLMError, match="TFLM has no operator GELU"):
        measure(content)


def test_a_cut_file_never_reaches_the_interpreter():
    content = files.unet()
    for length in (0, 20, len(content) // 2, len(content) - 1):
        with pytest.raises(TFLiteFileError):
            measure(content[:length])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((8, 8, 3), "float32"), r"x must have the shape \(8, 8, 4\).*Received: \(8, 8, 3\)"),
        (np.zeros((0, 8, 8, 4), "float32"), r"x must have the shape"),
        (np.zeros((8, 8, 4), "uint8"), r"finite floats or int8\. Received: uint8"),
        (np.full((8, 8, 4), np.nan, "float32"), r"finite floats"),
        ([np.zeros((8, 8, 4), "float32")] * 2, r"one array for each of the file's 1 inputs\. Received: 2"),
    ],
    ids=["shape", "empty", "type", "nan", "count"],
)
def test_an_input_that_does_not_fit_is_refused(x, message):
    with pytest.raises(ValueError, match=message):
        tflite.run(files.unet(), x)


def test_an_unknown_runtime_is_refused():
    with pytest.raises(ValueError, match="runtime must be one of 'tflm', 'litert', 'litert-reference'"):
        tflite.run(files.unet(), image(), "tvm")
