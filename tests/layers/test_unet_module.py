"""The U-Net module of SUNets, strided and dilated, and its two halves."""

import keras
import numpy as np
import peers
import pytest
from checks import check_layer

from benchmarks import pytorch_sunet
from keras_unetmm.layers import UNetDecoder, UNetEncoder, UNetModule

SHAPE = (2, 6, 10, 4)
OUTPUT = (2, 6, 10, 7)


def built(shape=SHAPE, **arguments):
    module = UNetModule(**{"filters": 3, "channels": 7, **arguments})
    module.build(shape)
    return module


@pytest.mark.parametrize(
    ("arguments", "weights"),
    [({}, 62), ({"channels": 4}, 60), ({"depth": 1}, 38), ({"rate": 2}, 62), ({"skip": "none"}, 62), ({"skip": "sat"}, 65)],
    ids=str,
)
def test_layer(arguments, weights, tmp_path):
    arguments = {"filters": 3, "channels": 7, **arguments}
    shape = (*SHAPE[:-1], arguments["channels"])
    check_layer(UNetModule, arguments, SHAPE, output_shape=shape, weights=weights, folder=tmp_path)


@pytest.mark.parametrize(("rate", "size"), [(1, (4, 5)), (2, (7, 10))])
def test_encoder_and_decoder(rate, size, tmp_path):
    arguments, shape, small = {"filters": 5, "rate": rate}, (2, 7, 10, 3), (2, *size, 5)
    check_layer(UNetEncoder, arguments, shape, output_shape=small, weights=12, folder=tmp_path)
    check_layer(UNetDecoder, arguments, [small, shape], output_shape=(2, 7, 10, 5), weights=12, folder=tmp_path)


@pytest.mark.parametrize("rate", [1, 2, 4])
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("channels", [4, 7])
def test_equals_pytorch(channels, depth, rate):
    peer = peers.randomized(pytorch_sunet.UNetModule(4, 3, channels, depth, rate))
    module = built(channels=channels, depth=depth, rate=rate)
    module.set_weights(peers.weights(peer))
    for size in (8, 12), (7, 9), (6, 5), (1, 3):
        x = np.random.default_rng(0).normal(size=(2, *size, 4)).astype("float32")
        got = keras.ops.convert_to_numpy(module(x, training=False))
        np.testing.assert_allclose(got, peers.called(peer, x), atol=1e-5, err_msg=str(size))


@pytest.mark.parametrize(
    ("skip", "joined", "own"), [("full", 6, 0), ("none", 3, 0), ("sat", 4, 7), ("at", 4, 4), ("st", 6, 3)]
)
def test_what_a_skip_costs(skip, joined, own):
    module = built(skip=skip)
    assert module.decoder1.conv1.convolution.kernel.shape[-1] == joined
    assert (module.keep.count_params() if module.keep is not None else 0) == own
    assert module(np.zeros(SHAPE, "float32")).shape == OUTPUT


def test_select_at_one_is_the_full_skip():
    full, st = built(), built(skip="st")
    values = full.get_weights()
    st.set_weights([*values, np.ones(3)])
    x = np.random.default_rng(0).normal(size=SHAPE).astype("float32")
    got, want = (keras.ops.convert_to_numpy(module(x, training=False)) for module in (st, full))
    np.testing.assert_allclose(got, want, atol=1e-6)


def test_the_shallow_module_has_no_connection_to_gate():
    assert [w.shape for w in built(depth=1, skip="sat").weights] == [w.shape for w in built(depth=1).weights]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"skip": "unet--"}, r"skip must be one of 'full', 'none', 'sat', 'at', 'st'\. Received: 'unet--'"),
        ({"depth": 3}, r"depth must be 2, or 1 for a U-Net\+\. Received: 3"),
        ({"rate": 0}, r"rate must be an integer of at least 1\. Received: 0"),
        ({"rate": 2.5}, r"rate must be"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        UNetModule(4, 4, **arguments)
