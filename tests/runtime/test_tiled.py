"""Running a program: what goes in, what comes out, and how little of both is in memory."""

from dataclasses import replace

import numpy as np
import pytest
from tflite.network import Network
from tflite.tiling.networks import encoder_decoder

from keras_unetmm import tflite
from keras_unetmm.program import store

SIZE = (48, 32)


@pytest.fixture(scope="module")
def program():
    return tflite.tile(encoder_decoder(4, SIZE), SIZE, tile=8)


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (*SIZE, 3)).astype("uint8")


def test_bytes_floats_and_the_files_own_type_are_the_same(program, pixels):
    outputs = [
        tflite.run_tiled(program, x).output for x in (pixels, pixels / 255, (pixels.astype("int16") - 128).astype("int8"))
    ]
    assert outputs[0].dtype == "int8"
    assert outputs[0].shape == (*SIZE, 3)
    np.testing.assert_array_equal(outputs[1], outputs[0])
    np.testing.assert_array_equal(outputs[2], outputs[0])


def test_values_are_what_the_output_stands_for(program, pixels):
    result = tflite.run_tiled(program, pixels)
    np.testing.assert_allclose(result.values, (result.output.astype("float32") + 128) / 255, atol=1e-6)
    assert {name: arena.head for name, arena in result.arenas.items()} == {
        name: part["head"] for name, part in program.description["parts"].items()
    }


def test_what_is_kept_lies_in_the_arena(program, pixels):
    """Where a part's arena lies over what is kept, the output is another one."""
    head, body, tail = program.steps
    kept = next(buffer for buffer in program.carried if (buffer.first, buffer.last) == (0, 2))
    body = replace(body, arena=replace(body.arena, offset=kept.offset))
    output = tflite.run_tiled(replace(program, steps=(head, body, tail)), pixels).output
    assert (output != tflite.run_tiled(program, pixels).output).any()


class Rows:
    """An image of which no more than some rows are ever asked for at once."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.most = array, array.shape, array.dtype, 0

    def __getitem__(self, places):
        self.most = max(self.most, places[0].stop - places[0].start)
        return self.array[places]


def test_neither_image_has_to_be_in_memory(program, pixels, tmp_path):
    store.save(program, tmp_path / "program")
    image = Rows(pixels)
    out = np.memmap(tmp_path / "out", "int8", "w+", shape=(*SIZE, 3))
    result = tflite.run_tiled(tmp_path / "program", image, out=out)
    assert result.output is out
    np.testing.assert_array_equal(out, tflite.run_tiled(program, pixels).output)
    assert image.most <= 8 + 2 * program.description["halo"] < SIZE[0]


def test_progress_counts_every_run(program, pixels):
    calls = []
    tflite.run_tiled(program, pixels, progress=lambda *done: calls.append(done))
    assert calls[-1] == (49, 49)  # 24 tiles twice, and the body
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image": np.zeros((48, 48, 3), "int8")}, r"image must have the shape \(48, 32, 3\).*unetmm tile --size"),
        ({"image": np.full((*SIZE, 3), np.nan)}, "image must hold finite floats"),
        ({"image": np.zeros((*SIZE, 3), "int32")}, "image must hold finite floats"),
        ({"runtime": "tpu"}, "runtime must be one of"),
        ({"out": np.zeros((*SIZE, 3), "uint8")}, "out must be of the shape"),
    ],
)
def test_what_does_not_fit_is_said(program, arguments, message):
    with pytest.raises(ValueError, match=message):
        tflite.run_tiled(program, **{"image": np.zeros((*SIZE, 3), "int8"), **arguments})


@pytest.mark.parametrize(("dtype", "scale", "zero_point"), [("int8", 1 / 127.5, 0), ("int16", 1 / 2**15, 0)])
def test_other_scales_and_types(dtype, scale, zero_point, pixels):
    """Bytes stand for what they stand for, and what no mask can be made for is kept."""
    net = Network(dtype=dtype)
    x = net.input(1, *SIZE, 3, scale=scale, zero_point=zero_point)
    a = net.conv(x, 6, (3, 3))
    b = net.conv(net.conv(a, 6, (2, 2), stride=(2, 2)), 6, (3, 3))
    up = net.shuffled("DEPTH_TO_SPACE", net.conv(b, 24)) if dtype == "int8" else net.transposed(b, 6)
    content = net.file(net.conv(net.binary("ADD", up, a), 3, (3, 3)))
    program = tflite.tile(content, SIZE, tile=8, skips="recompute")
    assert len(program.description["recomputed"]) == (dtype == "int8")
    outputs = [tflite.run_tiled(program, given).output for given in (pixels, pixels / 255)]
    whole = tflite.run_tiled(tflite.tile(content, SIZE, tile=48), pixels).output
    np.testing.assert_array_equal(outputs[1], outputs[0])
    np.testing.assert_array_equal(outputs[0], whole)
    assert outputs[0].dtype == dtype
