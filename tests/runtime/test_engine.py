"""The engine beside the interpreters: the same outputs, the same forms of input."""

import numpy as np
import pytest
from engine.programs import COMPILERS, small, two_ends

from keras_unetmm import tflite
from keras_unetmm.engine.store import FolderError

pytestmark = pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed")
RNG = np.random.default_rng(0)


def same(a, b):
    for one, other in zip(a.outputs, b.outputs, strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    for one, other in zip(a.values, b.values, strict=True):
        assert np.array_equal(one, other)


def test_files_folders_bytes_floats_and_several_images(tmp_path):
    (tmp_path / "a.tflite").write_bytes(small())
    said = tflite.firmware(tmp_path / "a.tflite", tmp_path / "net")
    for x in (
        RNG.integers(-128, 127, (9, 7, 4)).astype("int8"),
        RNG.uniform(-2, 2, (1, 9, 7, 4)),
        RNG.integers(-128, 127, (3, 9, 7, 4)).astype("int8"),
    ):
        right = tflite.run(small(), x)
        for source in (small(), tmp_path / "a.tflite", str(tmp_path / "net")):
            same(tflite.run(source, x, runtime="engine"), right)
    arena = tflite.run(tmp_path / "net", x, runtime="engine").arena
    assert said["ram_bytes"] - 16 < arena.head == arena.total <= said["ram_bytes"]
    assert arena.tail == 0


def test_several_inputs_and_outputs():
    x = [RNG.integers(-128, 127, (2, *shape)).astype("int8") for shape in ((8, 8, 4), (1, 1, 8))]
    same(tflite.run(two_ends(), x, runtime="engine"), tflite.run(two_ends(), x))


def test_bad_input(tmp_path):
    x = np.zeros((9, 7, 4), "int8")
    with pytest.raises(ValueError, match=r"runtime must be one of .*'engine'.*Received: 'fast'"):
        tflite.run(small(), x, runtime="fast")
    with pytest.raises(ValueError, match="arena_bytes is for TFLM"):
        tflite.run(small(), x, runtime="engine", arena_bytes=1000)
    with pytest.raises(ValueError, match="x must have the shape"):
        tflite.run(small(), x[:1], runtime="engine")
    with pytest.raises(ValueError, match="one array for each of the file's 1 inputs"):
        tflite.run(small(), [x, x], runtime="engine")
    with pytest.raises(FolderError, match="or a folder that unetmm firmware wrote"):
        tflite.run(tmp_path, x, runtime="engine")


def test_a_folder_that_was_changed_is_refused(tmp_path):
    tflite.firmware(small(), tmp_path / "net", "net")
    with open(tmp_path / "net" / "net.c", "a") as file:
        file.write("int changed;\n")
    with pytest.raises(FolderError, match="not as it was written"):
        tflite.run(tmp_path / "net", np.zeros((9, 7, 4), "int8"), runtime="engine")
