import numpy as np
import pytest
from tflite import files

from keras_unetmm.tflite.graph import TFLiteFileError, read


def test_reads_tensors_and_operators():
    model = read(files.unet())
    graph = model.main
    assert [operator.name for operator in graph.operators][:3] == ["RELU", "MAX_POOL_2D", "RELU"]
    assert graph.operators[1].options.FilterHeight() == 2
    assert (graph.inputs, graph.outputs) == ((0,), (6,))
    assert graph.tensors[1].shape == (1, 8, 8, 4)
    assert (graph.tensors[1].type, graph.tensors[1].bytes, graph.tensors[1].data) == ("INT8", 256, None)
    assert graph.tensors[1].scales == (1 / 64,)
    np.testing.assert_array_equal(graph.tensors[7].data.view("int32"), [8, 8])
    assert graph.producer(2) is graph.operators[1]
    assert graph.producer(0) is None
    assert model.file_bytes == len(files.unet())


def test_reads_from_a_path(tmp_path):
    (tmp_path / "a.tflite").write_bytes(files.chain(3))
    assert read(tmp_path / "a.tflite") == read(files.chain(3))


def test_a_file_cut_anywhere_is_refused():
    content = files.convolutions()
    for length in range(0, len(content), 7):
        with pytest.raises(TFLiteFileError, match=r"cut short or damaged|must be a \.tflite file"):
            read(content[:length])


def test_a_damaged_file_is_refused_or_read_but_never_crashes():
    content = files.convolutions()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for position in rng.integers(8, len(content), 4):
            damaged[position] = rng.integers(256)
        try:
            read(bytes(damaged))
        except TFLiteFileError:
            refused += 1
    assert refused > 50


def test_another_kind_of_file_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("hello world")
    with pytest.raises(TFLiteFileError, match=r"must be a .tflite file.*a\.txt, 11 bytes"):
        read(tmp_path / "a.txt")
    with pytest.raises(OSError, match="No such file"):
        read(tmp_path / "missing.tflite")
