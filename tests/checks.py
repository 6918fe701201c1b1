"""What every layer owes, checked by one call."""

import json
from functools import partial

import keras
import numpy as np
import pytest

# of `compile` for small networks: else JAX compiles every operator by itself, and TensorFlow takes long with XLA. The
# others train with `run_eagerly=not JIT`: TensorFlow takes longer to draw a graph than to train (test_several_sizes.py has
# every network train in one)
JIT = keras.backend.backend() == "jax"
# the converter runs under TensorFlow, whatever the backend: elsewhere in a second process, which takes as long again
FIRST = None if keras.backend.backend() == "tensorflow" else 1  # how many of several like cases run: elsewhere one
ONE_BACKEND = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the same process converts for the others")

# many small networks: torch compiles nothing, which takes the others most of the time
ON_TORCH = pytest.mark.skipif(keras.backend.backend() != "torch", reason="other cases of it run on every backend")


def check_layer(layer_class, arguments, input_shape, *, output_shape, weights, folder, seed=0):
    """Checks shapes, serialization, mixed precision and one training step of a layer.

    Args:
        layer_class: the class.
        arguments: dict, arguments of its constructor.
        input_shape: tuple with the batch size, or a list of them for a layer of several inputs; take sizes that are
            not square.
        output_shape: tuple, what the layer must return for it.
        weights: int, how many weights the layer must have.
        folder: path, where a model may be saved.
        seed: int, of the random input, of the layer's weights and of what it drops: where whole branches are left out, an
            unlucky draw leaves all of them out, and no weight moves.
    """
    keras.utils.set_random_seed(seed)
    several = isinstance(input_shape, list)
    shapes = input_shape if several else [input_shape]
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=shape).astype("float32") for shape in shapes]

    def given(values):
        return list(values) if several else values[0]

    layer = layer_class(**arguments)
    assert layer(given([keras.KerasTensor(shape) for shape in shapes])).shape == output_shape, "symbolic"
    assert tuple(layer(given(arrays)).shape) == output_shape, "eager"
    assert len(layer.weights) == weights
    assert len({weight.path for weight in layer.weights}) == weights, "two weights share a name"

    config = json.dumps(layer.get_config())
    assert json.dumps(layer_class.from_config(json.loads(config)).get_config()) == config

    inputs = [keras.Input(batch_shape=(None, *shape[1:])) for shape in shapes]
    model = keras.Model(given(inputs), layer(given(inputs)))
    path = folder / "model.keras"
    model.save(path)
    again = keras.models.load_model(path)
    before, after = (keras.ops.convert_to_numpy(m(given(arrays), training=False)) for m in (model, again))
    np.testing.assert_array_equal(before, after)
    np.testing.assert_allclose(again.predict(given(arrays), verbose=0), after, rtol=1e-4, atol=1e-5, err_msg="in a graph")

    half = layer_class(**arguments, dtype="mixed_bfloat16")
    assert keras.backend.standardize_dtype(half(given(arrays)).dtype) == "bfloat16"

    if not layer.weights:
        return
    model.compile("sgd", "mse")
    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    model.train_on_batch(given(arrays), np.ones(output_shape, "float32"))
    after = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    assert all(np.isfinite(a).all() for a in after)
    assert any((a != b).any() for a, b in zip(after, before, strict=True))


def computed(model, x):
    """What a network gives for a batch, without dropout; on JAX as one program, which compiles sooner than each part."""
    if not JIT:
        return model(x, training=False)
    import jax

    values = ([v.value for v in variables] for variables in (model.trainable_variables, model.non_trainable_variables))
    return jax.jit(partial(model.stateless_call, training=False))(*values, x)[0]


def called(model, x):
    """`computed` as an array, for an array of any type."""
    return keras.ops.convert_to_numpy(computed(model, x.astype("float32")))


def randomize(model, seed=0):
    """Gives every weight of a model or layer a random value that switches no branch off and lets nothing explode."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        name, shape = weight.path.split("/")[-1], weight.shape
        if name in ("gamma", "moving_variance"):
            weight.assign(rng.uniform(0.5, 1.5, shape))
        elif name == "kernel":
            depthwise = shape[-1] == 1 and len(shape) == 4
            fan_in = np.prod(shape[:2]) if depthwise else np.prod(shape[:-1])
            weight.assign(rng.normal(scale=0.7, size=shape) / np.sqrt(fan_in))
        else:
            weight.assign(rng.normal(scale=0.1, size=shape))
    return model
