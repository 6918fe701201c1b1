import pytest
from tflite import files

from keras_unetmm.planner.planner import plan
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import TFLiteFileError, read
from keras_unetmm.tflite_file.metadata import NAME, metadata, with_metadata


def test_a_description_is_read_as_it_was_written(tmp_path):
    content = with_metadata(files.unet(), {"target": "tflm", "mean": [0.5]})
    (tmp_path / "a.tflite").write_bytes(content)
    assert metadata(content) == metadata(tmp_path / "a.tflite") == {"target": "tflm", "mean": [0.5]}
    assert metadata(with_metadata(content, {"target": "coral"})) == {"target": "coral"}
    assert len(File(with_metadata(content, {})).model.metadata) == 1
    assert read(content).main.operators[0].name == read(files.unet()).main.operators[0].name


def test_a_plan_keeps_it_and_it_keeps_a_plan():
    content = with_metadata(files.unet(), {"target": "tflm"})
    planned = plan(content).planned.content
    assert metadata(planned) == {"target": "tflm"}
    offsets = read(planned).offsets
    assert offsets is not None
    assert read(with_metadata(planned, {"target": "litert"})).offsets == offsets


def test_a_strangers_file_has_none():
    assert metadata(files.unet()) is None


def test_a_damaged_description_is_refused():
    file = File(files.unet())
    file.set_metadata(NAME, [1, 2, 3])
    with pytest.raises(TFLiteFileError, match="damaged"):
        metadata(file.packed())
    with pytest.raises(TFLiteFileError):
        metadata(b"nothing of the kind")
