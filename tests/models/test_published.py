"""Published checkpoints: read without PyTorch, and told apart by names and shapes."""

import io
import pickle
import zipfile

import keras
import numpy as np
import pytest
import torch
from checks import ON_TORCH
from typer.testing import CliRunner

from benchmarks import pytorch_kbnet, pytorch_nafnet
from keras_unetmm import models
from keras_unetmm.cli.commands import app

pytestmark = ON_TORCH
DEPTHS = {"encoder": (1, 2), "middle": 1, "decoder": (2, 1)}
NETWORKS = {
    "nafnet": lambda: pytorch_nafnet.NAFNet(16, **DEPTHS),
    "kbnet": lambda: pytorch_kbnet.KBNet(16, **DEPTHS, lightweight=True, ffn_scale=1.5),
    "kbnet, heavy": lambda: pytorch_kbnet.KBNet(16, **DEPTHS, lightweight=False, ffn_scale=2),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_becomes_the_network_and_gives_the_same_images(name, tmp_path):
    torch.manual_seed(0)
    network = NETWORKS[name]().eval()
    torch.save({"params": network.state_dict(), "epoch": 3}, tmp_path / "authors.pth")
    result = CliRunner().invoke(app, ["import", str(tmp_path / "authors.pth"), "-o", str(tmp_path / "model.keras")])
    assert result.exit_code == 0, result.output
    model = keras.models.load_model(tmp_path / "model.keras", compile=False)
    x = np.random.default_rng(0).random((1, 14, 19, 3)).astype("float32")
    with torch.no_grad():
        want = network(torch.from_numpy(x.transpose(0, 3, 1, 2))).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(x)), want, atol=1e-4)
    assert f"{model.count_params():,} parameters" in result.output


def test_into_a_network_with_other_skips_go_encoder_decoder_and_head(tmp_path):
    state = NETWORKS["nafnet"]().state_dict()
    torch.save(state, tmp_path / "authors.pth")
    path = tmp_path / "start.keras"
    command = ["import", str(tmp_path / "authors.pth"), "-o", str(path), "--skips", "unet--"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "of them the skips', which are new" in result.output
    start, whole = keras.models.load_model(path, compile=False), models.from_pytorch(models.read_pytorch(command[1]))
    assert {layer.name for layer in start.layers} >= {"skip0_keep", "skips_share", "skip1_restore"}
    for layer in whole.layers:
        for given, taken in zip(layer.get_weights(), start.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(given, taken)


def test_tensors_that_are_views_and_of_other_types_are_read(tmp_path):
    base = torch.arange(12.0).reshape(3, 4)
    state = {"a": base.T, "b": base[1:, 2], "half": base.half(), "long": base.long(), "none": torch.zeros(0, 3)}
    torch.save(state, tmp_path / "views.pth")
    found = models.read_pytorch(tmp_path / "views.pth")
    assert found.keys() == state.keys()
    for name, array in found.items():
        np.testing.assert_array_equal(array, state[name].numpy())


class Hostile:
    def __reduce__(self):
        return exec, ("raise SystemExit('it ran')",)


def archive(path, content):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", content)


def test_nothing_of_a_file_is_run_and_what_is_none_is_refused(tmp_path):
    path = tmp_path / "hostile.pth"
    for content, message in (
        (pickle.dumps({"a": Hostile()}), r"it names (builtins|__builtin__)\.exec, which is no tensor"),
        (pickle.dumps({"a": 3}), "one with 0 dicts of tensors"),
        (b"\x80\x02garbage", "one that cannot be read"),
        (b"", "one that cannot be read"),
    ):
        archive(path, content)
        with pytest.raises(ValueError, match=rf"must be a checkpoint as torch\.save writes it.*Received: .*{message}"):
            models.read_pytorch(path)
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="another kind of file"):
        models.read_pytorch(path)


def test_a_tensor_beyond_its_storage_is_refused(tmp_path):
    buffer = io.BytesIO()
    torch.save({"a": torch.arange(6.0)}, buffer)
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(tmp_path / "cut.pth", "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name)[:8] if "/data/" in name else source.read(name))
    with pytest.raises(ValueError, match="Received: one that cannot be read"):
        models.read_pytorch(tmp_path / "cut.pth")


def test_another_network_is_refused():
    with pytest.raises(ValueError, match=r"must be of NAFNet or KBNet_s.*Received: 1 weights, the first of them \['conv'\]"):
        models.from_pytorch({"conv": np.zeros((3, 3))})
    state = {name: tensor.numpy() for name, tensor in NETWORKS["nafnet"]().state_dict().items()}
    del state["encoders.1.1.conv1.weight"]
    with pytest.raises(ValueError, match=r"Missing: \['encoders.1.1.conv1.weight'\]"):
        models.from_pytorch(state)
