"""A preset's own file for another target: the same bytes without shuffles, or a refusal that says what to do."""

import pytest
from tflite.network import Network
from typer.testing import CliRunner

from keras_unetmm.cli import app
from keras_unetmm.interpreters.runtime import run
from keras_unetmm.presets import retarget
from keras_unetmm.presets.store import PresetError
from keras_unetmm.tflite_file.graph import read
from keras_unetmm.tflite_file.metadata import metadata, with_metadata


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A small network with a pixel shuffle in the place of a preset's file."""
    net = Network(3)
    x = net.shuffled("DEPTH_TO_SPACE", net.conv(net.input(1, 8, 8, 3), 12, (3, 3)))
    path = tmp_path / "model.tflite"
    path.write_bytes(with_metadata(net.file(net.conv(x, 3)), {"target": "tflm", "version": "1"}))
    monkeypatch.setattr(retarget, "file_of", lambda name: path)
    return path


def test_a_preset_s_file_is_made_for_coral_without_calibration(file, tmp_path):
    out = tmp_path / "coral.tflite"
    done = CliRunner().invoke(app, ["convert", "lesions-sat", "--target", "coral", "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert "convolutions in place of 1 pixel shuffles" in done.stdout
    assert [operator.name for operator in read(out).main.operators] == ["CONV_2D", "TRANSPOSE_CONV", "CONV_2D"]
    assert metadata(out) == {"target": "coral", "version": "1"}
    image = retarget.array_of("random again", read(file).main.tensors[read(file).main.inputs[0]])
    assert (run(out, image).outputs[0] == run(file, image).outputs[0]).all()
    done = CliRunner().invoke(app, ["convert", "lesions-sat", "--target", "coral", "--io", "uint8", "-o", str(out)])
    assert done.exit_code == 2
    assert "--calibration must be given with --io" in " ".join(done.stderr.split())


def test_tflm_gets_the_file_as_it_is_and_what_cannot_run_is_refused(file, monkeypatch):
    content, verdict, shuffles = retarget.retargeted("lesions-sat", "tflm")
    assert shuffles == 0
    assert verdict.runs
    assert "DEPTH_TO_SPACE" in [operator.name for operator in read(content).main.operators]
    monkeypatch.setattr(retarget, "without_shuffles", lambda content: (content, 0))
    net = Network(0)
    file.write_bytes(net.file(net.unary("GELU", net.input(1, 4, 4, 3))))
    with pytest.raises(PresetError, match=r"Received: operator 0, GELU: .* Give --calibration"):
        retarget.retargeted("lesions-sat", "coral")


def test_other_bytes_are_refused(file, monkeypatch):
    wrong = Network(4)
    x = wrong.shuffled("DEPTH_TO_SPACE", wrong.conv(wrong.input(1, 8, 8, 3), 12, (3, 3)))
    monkeypatch.setattr(retarget, "without_shuffles", lambda content: (wrong.file(wrong.conv(x, 3)), 1))
    with pytest.raises(ValueError, match="must give the same bytes"):
        retarget.retargeted("lesions-sat", "coral")
