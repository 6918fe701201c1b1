import keras
import numpy as np
import pytest
import torch
from checks import ON_TORCH

from benchmarks import pytorch_kbnet, pytorch_nafnet
from keras_unetmm import models

pytestmark = ON_TORCH  # weights go where they belong, whatever the backend
DEPTHS = {"encoder": (1, 2), "middle": 1, "decoder": (2, 1)}


@pytest.fixture
def peer():
    torch.manual_seed(0)
    network = pytorch_nafnet.NAFNet(8, **DEPTHS)
    for name, parameter in network.named_parameters():
        if name.endswith(("beta", "gamma")):
            torch.nn.init.normal_(parameter)
    return network.eval()


def ours(width=8):
    return models.NAFNet(width=width, encoder_depths=(1, 2), middle_depth=1, decoder_depths=(2, 1))


@pytest.mark.parametrize("size", [(16, 24), (15, 22)])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_checkpoint_gives_the_same_images(peer, size, wrapped):
    model, state = ours(), peer.state_dict()
    models.load_pytorch(model, {"params": state} if wrapped else state)
    x = np.random.default_rng(0).random((2, *size, 3)).astype("float32")
    with torch.no_grad():
        want = peer(torch.from_numpy(x.transpose(0, 3, 1, 2))).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(x)), want, atol=1e-4)


@pytest.mark.parametrize(
    ("wrapper", "lightweight", "ffn_scale"), [(None, True, 1.5), ("model", True, 1.5), ("net", False, 2)]
)
def test_a_checkpoint_of_kbnet_gives_the_same_images(wrapper, lightweight, ffn_scale):
    torch.manual_seed(0)
    network = pytorch_kbnet.KBNet(16, **DEPTHS, lightweight=lightweight, ffn_scale=ffn_scale).eval()
    for name, parameter in network.named_parameters():
        if name.endswith(("beta", "gamma", "ga1")):
            torch.nn.init.normal_(parameter)
    model = models.KBNet(
        width=16, encoder_depths=(1, 2), middle_depth=1, decoder_depths=(2, 1), lightweight=lightweight, ffn_scale=ffn_scale
    )
    state = network.state_dict()
    models.load_pytorch(model, {wrapper: state} if wrapper else state)
    x = np.random.default_rng(0).random((1, 14, 19, 3)).astype("float32")
    with torch.no_grad():
        want = network(torch.from_numpy(x.transpose(0, 3, 1, 2))).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(x)), want, atol=1e-4)


def test_a_checkpoint_of_kbnet_of_another_width_is_refused():
    arguments = {"encoder_depths": (1,), "middle_depth": 0, "decoder_depths": (0,)}
    network = pytorch_kbnet.KBNet(16, (1,), 0, (0,))
    with pytest.raises(ValueError, match=r"must have the shapes .* Check the width"):
        models.load_pytorch(models.KBNet(width=8, **arguments), network.state_dict())


def test_what_does_not_fit_is_refused(peer):
    state = dict(peer.state_dict())
    with pytest.raises(ValueError, match=r"must have the shapes .* Check the width"):
        models.load_pytorch(ours(width=16), state)
    del state["intro.weight"]
    state["other"] = state["intro.bias"]
    with pytest.raises(ValueError, match=r"Missing: \['intro.weight'\] \(1 in all\)\. Left over: \['other'\]"):
        models.load_pytorch(ours(), state)
