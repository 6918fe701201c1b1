"""Graphs that are no U-Nets: pruned to what the masked one computes, or refused with a reason."""

import keras
import numpy as np
import pytest
from checks import ON_TORCH
from keras import layers

from keras_unetmm.pruning import cleaned, masked, prune, with_dropout
from keras_unetmm.pruning.dropping import dropouts, rates_suffice

SHAPE = (6, 8, 3)


def conv(name, filters=4, **kwargs):
    return layers.Conv2D(filters, 3, padding="same", name=name, **kwargs)


def shared_pool(x):
    pool, relu = layers.MaxPooling2D(), layers.ReLU()
    return conv("b")(pool(relu(conv("a", 6)(relu(pool(x))))))


def shared_conv(x):
    twice = conv("a")
    return layers.Add()([twice(x), twice(layers.AveragePooling2D(1)(x))])


def one_map_for_many(x):
    return layers.Multiply()([conv("a")(x), conv("gate", 1, activation="sigmoid")(x)])


def constant(x):
    return conv("a")(x - np.array([0.1, 0.2, 0.3], "float32"))


def depthwise(x):
    return layers.DepthwiseConv2D(3, activation="relu")(conv("a")(x))


def one_slope(x):
    return layers.PReLU(shared_axes=[1, 2, 3])(conv("a")(x))


def grouped(x):
    return layers.Conv2D(4, 3, groups=2, name="grouped")(conv("b", 4)(conv("a")(x)))


BUILDS = (shared_pool, shared_conv, one_map_for_many, constant, depthwise, one_slope, grouped)


def model_of(build, name=None):
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, conv("last", 2)(build(inputs)), name=name)
    random = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(random.normal(0.1, 0.4, weight.shape))
    return model


def values(model):
    images = np.random.default_rng(1).normal(size=(2, *SHAPE)).astype("float32")
    return keras.ops.convert_to_numpy(model(images, training=False))


@ON_TORCH
@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.__name__)
def test_pruned_as_masked(build):
    model = model_of(build)
    dropped = {"a": [1, 3]}
    np.testing.assert_allclose(values(prune(model, dropped)), values(masked(model, dropped)), atol=1e-5)
    assert np.abs(values(prune(model, dropped)) - values(model)).max() > 1e-3


@keras.saving.register_keras_serializable("tests")
def normalized(x):
    return x / (1 + keras.ops.sum(keras.ops.abs(x), axis=-1, keepdims=True))


MIXED = {
    "softmax": lambda x: conv("a", activation="softmax")(x),  # noqa: PLW0108 - a layer each time
    "own function": lambda x: layers.Activation(normalized)(conv("a")(x)),
    "depthwise softmax": lambda x: layers.DepthwiseConv2D(3, activation="softmax")(conv("a")(x)),
    "group norm": lambda x: layers.GroupNormalization(2)(conv("a")(x)),
    "reshape": lambda x: layers.Reshape((8, 6, 4))(conv("a")(x)),
    "grouped": lambda x: layers.Conv2D(4, 3, groups=2)(conv("a")(x)),
}


@ON_TORCH
@pytest.mark.parametrize("name", MIXED)
def test_what_mixes_channels_holds_them(name):
    with pytest.raises(ValueError, match=r"channel 1 of a cannot be pruned: its values are mixed by"):
        prune(model_of(MIXED[name]), {"a": [1]})


def test_refuses_channels_first():
    inputs = keras.Input((3, 8, 8))
    model = keras.Model(inputs, layers.ZeroPadding2D(1, data_format="channels_first", name="first")(inputs))
    with pytest.raises(ValueError, match=r"model must have its channels last. Received: first"):
        prune(model, {})


@pytest.mark.parametrize("channels", [["a"], {"a": 1}, {"a": "1"}, None])
def test_refuses_what_is_no_dict_of_lists(channels):
    with pytest.raises(ValueError, match="channels must be a dict of lists of indices, such as"):
        prune(model_of(depthwise), channels)


@ON_TORCH
def test_a_map_added_to_many_is_not_switched_off_by_a_rate():
    model = model_of(lambda x: layers.Add()([conv("a")(x), conv("one", 1)(x)]))
    assert not rates_suffice(with_dropout(model))
    assert rates_suffice(with_dropout(model_of(one_map_for_many)))
    late = model_of(lambda x: layers.ReLU(threshold=0.5, negative_slope=1.0)(layers.MaxPooling2D()(conv("a")(x))))
    assert not rates_suffice(with_dropout(late))


@ON_TORCH
def test_a_layer_called_twice_has_one_dropout():
    dropping = with_dropout(model_of(shared_conv))
    assert list(dropouts(dropping)) == ["a"]
    with pytest.raises(ValueError, match="model must have no TargetedDropout yet"):
        with_dropout(dropping)


@ON_TORCH
def test_operations_that_are_no_layers():
    model = model_of(constant)
    np.testing.assert_allclose(values(cleaned(with_dropout(model))), values(model), atol=1e-5)


@ON_TORCH
def test_several_outputs_stay():
    inputs = keras.Input(SHAPE)
    x = conv("a")(inputs)
    model = with_dropout(keras.Model(inputs, [conv("first", 2)(x), conv("second", 1)(x)]))
    assert len(cleaned(model).outputs) == 2


@ON_TORCH
def test_frozen_parts_stay_frozen():
    from keras_unetmm import models

    unet = models.UNet("mcu_width8", levels=2, input_shape=(8, 8, 3))
    unet.get_layer("enc0_block").trainable = False
    small = prune(unet, {"enc0_block_conv0": [0]})
    assert len(small.trainable_weights) == len(unet.trainable_weights)
    unet.compile("adam", "binary_crossentropy")
    unet.train_on_batch(np.zeros((1, 8, 8, 3), "float32"), np.zeros((1, 8, 8, 1), "float32"))
    assert int(prune(unet, {"mid_block_conv0": [0]}).optimizer.iterations) == 1


def nested():
    inner = keras.Input((None, None, 3))
    part = keras.Model(inner, layers.ReLU()(conv("a")(inner)), name="part")
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, conv("last", 2)(part(inputs)))


@ON_TORCH
@pytest.mark.parametrize(
    ("build", "layer"),
    [(lambda: keras.Sequential([keras.Input(SHAPE), conv("a"), conv("last", 2)]), "a"), (nested, "part_a")],
    ids=["sequential", "nested"],
)
def test_slots_of_other_graphs(build, layer):
    model = build()
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    random = np.random.default_rng(0)
    model.train_on_batch(random.normal(size=(2, *SHAPE)), random.normal(size=(2, *SHAPE[:2], 2)))
    small = prune(model, {layer: [2]})
    old = next(slot for slot in model.optimizer.variables if slot.name.endswith("last_kernel_momentum"))
    new = next(slot for slot in small.optimizer.variables if slot.name.endswith("last_kernel_momentum"))
    expected = np.delete(keras.ops.convert_to_numpy(old), 2, axis=2)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(new), expected)
    assert np.abs(expected).max() > 0


@ON_TORCH
def test_says_what_cannot_be_compiled_again():
    class Own(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return keras.ops.mean(y_pred, axis=-1)

    model = model_of(depthwise)
    model.compile("sgd", Own())
    with pytest.raises(ValueError, match=r"compiled with what Keras cannot write down: .*Prune keras.Model"):
        prune(model, {"a": [0]})


@ON_TORCH
def test_random_states_are_carried_over():
    model = model_of(lambda x: layers.Dropout(0.5, name="drop")(conv("a")(x)))
    model(np.zeros((1, *SHAPE), "float32"), training=True)
    states = [
        keras.ops.convert_to_numpy(m.get_layer("drop").seed_generator.state) for m in (model, prune(model, {"a": [0]}))
    ]
    np.testing.assert_array_equal(*states)
