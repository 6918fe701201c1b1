import keras
import numpy as np
import pytest
import torch
from checks import JIT, check_layer, randomize
from kb_reference import kernel_basis_attention

from benchmarks import pytorch_kbnet
from keras_unetmm.layers import KernelBasisAttention

FEATURES, ATTENTION = (2, 5, 7, 8), (2, 5, 7, 6)


def arrays(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def built(**arguments):
    layer = KernelBasisAttention(**arguments)
    layer.build([FEATURES, ATTENTION])
    return randomize(layer)


def test_layer(tmp_path):
    check_layer(KernelBasisAttention, {}, [FEATURES, ATTENTION], output_shape=FEATURES, weights=2, folder=tmp_path)


def test_equals_the_equation_in_float64():
    layer = built()
    u, a = arrays(FEATURES, ATTENTION)
    want = kernel_basis_attention(u, a, *(weight.astype("float64") for weight in layer.get_weights()))
    got = keras.ops.convert_to_numpy(layer([u.astype("float32"), a.astype("float32")]))
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_a_pixel_that_asks_for_one_basis_gets_its_convolution():
    layer = built()
    kernels, biases = layer.get_weights()
    u, _ = arrays((1, 5, 7, 8), ATTENTION)
    a = np.zeros((1, 5, 7, 6), "float32")
    a[..., 4] = 1
    y = keras.ops.convert_to_numpy(layer([u.astype("float32"), a]))
    group = torch.from_numpy(u.transpose(0, 3, 1, 2))
    kernel = torch.from_numpy(kernels[:, :, :, 4].transpose(3, 2, 0, 1).astype("float64"))
    want = torch.conv2d(group, kernel, torch.from_numpy(biases[4].astype("float64")), padding=1, groups=2)
    np.testing.assert_allclose(y, want.numpy().transpose(0, 2, 3, 1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("open_sizes", [False, True])
def test_gradients_are_those_of_the_plain_form(open_sizes):
    """A step of gradient descent with rate 1 changes every weight by its gradient, here through both inputs, too."""
    x, upstream = arrays((2, 5, 7, 3), FEATURES, seed=1)
    inputs = keras.Input((None, None, 3) if open_sizes else (5, 7, 3))
    features = keras.layers.Conv2D(8, 1, use_bias=False)(inputs)
    attention = keras.layers.Conv2D(6, 1, use_bias=False)(inputs)
    model = randomize(keras.Model(inputs, KernelBasisAttention()([features, attention])))
    before = [weight.astype("float64") for weight in model.get_weights()]
    model.compile(keras.optimizers.SGD(1.0), lambda wanted, y: keras.ops.sum(wanted * y) / 2, jit_compile=JIT)
    model.train_on_batch(x.astype("float32"), upstream.astype("float32"))
    got = [b - a for b, a in zip(before, model.get_weights(), strict=True)]

    weights = [torch.tensor(weight, requires_grad=True) for weight in before]
    to_features, to_attention, kernels, biases = weights
    image = torch.from_numpy(x)
    u, a = ((image @ kernel[0, 0]).permute(0, 3, 1, 2) for kernel in (to_features, to_attention))
    y = pytorch_kbnet.kernel_basis_attention(u, a, kernels.permute(3, 4, 2, 0, 1).reshape(6, -1), biases)
    want = torch.autograd.grad((y.permute(0, 2, 3, 1) * torch.from_numpy(upstream)).sum() / 2, weights)
    for ours, theirs in zip(got, want, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-3, atol=1e-4)


def test_half_precision_adds_up_in_full():
    u, a = (x.astype("float32") for x in arrays(FEATURES, ATTENTION))
    full, half = built(), built(dtype="mixed_bfloat16")
    exact, rounded = (keras.ops.convert_to_numpy(keras.ops.cast(layer([u, a]), "float32")) for layer in (full, half))
    assert np.abs(rounded - exact).max() < 0.02 * np.abs(exact).max()


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="counts what PyTorch keeps for the gradient")
def test_only_the_inputs_are_kept_for_the_gradient():
    layer = built()
    inputs = [torch.tensor(x, dtype=torch.float32, requires_grad=True) for x in arrays(FEATURES, ATTENTION)]
    kept = []

    def keep(tensor):
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        layer(inputs)
    assert sorted(kept) == sorted(np.prod(x.shape) for x in (*inputs, *layer.weights))


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="asks XLA how much memory it plans")
def test_the_kernels_of_all_pixels_are_never_held():
    import jax

    features, attention = (1, 64, 64, 16), (1, 64, 64, 32)
    layer = KernelBasisAttention()
    layer.build([features, attention])
    weights = [weight.value for weight in layer.weights]

    def gradients(inputs, weights, upstream):
        return jax.vjp(lambda x, w: layer.stateless_call(w, [], x)[0], inputs, weights)[1](upstream)

    u, a = (jax.ShapeDtypeStruct(shape, "float32") for shape in (features, attention))
    plan = jax.jit(gradients).lower([u, a], weights, u).compile().memory_analysis()
    assert plan.temp_size_in_bytes < 20 * 4 * np.prod(features)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(2, 5, 7, 6), (2, 5, 7, 32)], r"groups of 4 channels\. Received: 6 channels\. The nearest that fit: 4 or 8"),
        ((2, 5, 7, 8), r"takes two maps.*Received: input shape \(2, 5, 7, 8\)"),
        ([(2, 5, 7, 8), (2, 7, 32)], r"takes two maps"),
    ],
    ids=["channels", "one map", "rank"],
)
def test_what_does_not_fit_is_refused(shapes, message):
    with pytest.raises(ValueError, match=message):
        KernelBasisAttention().build(shapes)
