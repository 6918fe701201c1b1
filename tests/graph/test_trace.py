import keras
import numpy as np
import pytest

from keras_unetmm import layers, models
from keras_unetmm.graph.abstract_build import abstract_build
from keras_unetmm.graph.expand import expand
from keras_unetmm.graph.trace import trace


def around(layer):
    inputs = keras.Input((None, None, 3))
    return keras.Model(inputs, layer(inputs))


def weights(model):
    return [keras.ops.convert_to_numpy(weight) for weight in model.weights]


@pytest.mark.parametrize(
    ("build", "size"),
    [
        (lambda: models.NAFNetUNetMinus("mcu_width16", reductions=(4,), encoder_depths=(1,), decoder_depths=(1,)), (19, 32)),
        (lambda: around(layers.UNetModule(2, 4, skip="sat", name="module")), (15, 12)),
        (lambda: models.Tiramisu(rank=3, growth=2, depths=(2, 2), channels=4, dense_skips="sat"), (4, 6, 8)),
    ],
    ids=["nafnet", "unet_module", "tiramisu"],
)
def test_it_says_what_laying_out_with_weights_says(build, size):
    model = build()
    names, before, nodes = [x.name for x in model._flatten_layers()], weights(model), _nodes(model)
    found = {call.name: [tuple(x.shape) for x in call.outputs] for call in trace(model, size)}
    laid_out = expand(model, (1, *size, model.inputs[0].shape[-1])).layers[1:]
    assert found == {layer.name: [tuple(layer.output.shape)] for layer in laid_out}
    assert [x.name for x in model._flatten_layers()] == names
    assert _nodes(model) == nodes, "the trace left calls behind"
    assert all("compute_output_spec" not in vars(layer) for layer in model._flatten_layers())
    for a, b in zip(weights(model), before, strict=True):
        np.testing.assert_array_equal(a, b)


def _nodes(model):
    return [(len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in model._flatten_layers()]


def test_nested_models_shared_layers_and_mixed_precision():
    block = layers.NAFBlock(name="block", dtype="mixed_bfloat16")
    inner = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 1, name="first")], name="inner")
    inputs = keras.Input((None, None, 3))
    x = inner(inputs)
    model = keras.Model(inputs, keras.ops.concatenate([block(block(x), training=False), x * 2.0]))
    calls = trace(model, (8, 12))
    names = [call.name for call in calls]
    assert "inner_first" in names
    assert names.count("block_conv1") == 2
    made, first = {id(x) for call in calls for x in call.outputs}, calls[0]
    assert all(id(x) in made for call in calls if call is not first for x in call.inputs), "a tensor came from nowhere"
    assert first.within[0] is inner


def test_sizes_that_a_network_does_not_take():
    with pytest.raises(
        ValueError, match=r"size must be.*Received: size=\(100, 90\).*divide by 16.*nearest that fits is \(96, 96, 1\)"
    ):
        trace(abstract_build(models.UNet, channels=4), (100, 90))
    with pytest.raises(
        ValueError, match=r"size=\(8, 8\), at which mcu_filters16 fails:.*at least 29.*nearest that fits is \(29, 29, 3\)"
    ):
        trace(abstract_build(models.SUNet, "mcu_filters16"), (8, 8))
    with pytest.raises(ValueError, match=r"size must be \(depth, height, width\) for a model that takes volumes"):
        trace(abstract_build(models.LUnet), (16, 16))
    with pytest.raises(ValueError, match=r"size must be \(height, width\).*Received: size=\(64\.0, 64\)"):
        trace(abstract_build(models.UNet, channels=4), (64.0, 64))
    vector = keras.Input((7,))
    with pytest.raises(ValueError, match=r"image model takes inputs.*, or \(N, depth"):
        trace(keras.Model(vector, keras.layers.Dense(1)(vector)))
