"""Ranges measured on calibration images, and what they are worth."""

import keras
import numpy as np
import pytest
from checks import ONE_BACKEND, randomize
from tflite.network import Network

from keras_unetmm import layers, tflite
from keras_unetmm.conversion import post_training
from keras_unetmm.conversion.post_training import chosen_ranges, histograms, with_tensor_ranges
from keras_unetmm.conversion.ranges import RangeError
from keras_unetmm.conversion.unshare_multiplies import unshare_multiplies
from keras_unetmm.interpreters.runtime import run, trace
from keras_unetmm.quantization.histograms import Histogram
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read


def images(count=4, shape=(8, 12, 3)):
    return np.random.default_rng(0).random((count, *shape)).astype("float32")


def residual(branch):
    """A float file: x, RELU6 of it times `branch`, and their sum, which may overwrite the product; and the product."""
    net = Network(dtype="float32")
    x = net.input(1, 16, 16, 8)
    factor = net.tensor((1, 1, 1, 8), data=np.full((1, 1, 1, 8), branch, "float32"))
    product = net.binary("MUL", net.unary("RELU6", x), factor)
    return net.file(net.unary("RELU", net.binary("ADD", product, x))), product


def test_a_tensor_is_measured_before_a_sum_overwrites_it():
    content, product = residual(0.001)
    graph, x = read(content).main, images(3, (1, 16, 16, 8))
    found = histograms(content, graph, x)
    assert found.keys() == {n for operator in graph.operators for n in operator.outputs}
    assert found[product].high == pytest.approx(0.001 * x.max(), rel=1e-5)
    for number, values in found.items():
        arrays = [arrays[number] for arrays in trace(content, x)]
        assert (values.low, values.high) == pytest.approx((np.min(arrays), np.max(arrays)), rel=1e-5)


def test_tensors_are_measured_in_groups_that_fit_into_memory(monkeypatch):
    content, _ = residual(0.5)
    graph, x = read(content).main, images(2, (1, 16, 16, 8))
    whole = histograms(content, graph, x)
    asked = []
    monkeypatch.setattr(post_training, "_AT_ONCE", 2 * 16 * 16 * 8 * 4)
    monkeypatch.setattr(post_training, "run", lambda *a: asked.append(read(a[0]).main.outputs) or run(*a))
    parts = histograms(content, graph, x)
    assert [len(group) for group in asked] == [2, 2, 2, 2], "two tensors at once, for each image"
    for number, values in whole.items():
        assert (parts[number].low, parts[number].high) == (values.low, values.high)
        np.testing.assert_array_equal(parts[number].counts, values.counts)


def test_values_that_overflow_are_refused():
    net = Network(dtype="float32")
    x = net.input(1, 4, 4, 2)
    large = net.tensor((1, 1, 1, 2), data=np.full((1, 1, 1, 2), 3e38, "float32"))
    content = net.file(net.binary("MUL", x, large))
    with pytest.raises(RangeError, match="finite values"):
        histograms(content, read(content).main, [np.full((1, 4, 4, 2), 2, "float32")])


def test_a_histogram_counts_and_widens():
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(1, 16, 16, 4)) * scale for scale in (0.0, 0.01, 1, 30)]
    values = Histogram()
    for array in arrays:
        values.add(array.astype("float32"))
    everything = np.ravel(arrays)
    assert values.counts.sum() == 3 * 1024, "all but those of the first, which is zero and has no scale yet"
    assert (values.low, values.high) == pytest.approx((everything.min(), everything.max()))
    want = np.quantile(np.ravel(arrays[1:]), [0.05, 0.95])
    np.testing.assert_allclose(values.without(0.05), want, atol=3 * 2 * values.reach / len(values.counts))
    assert values.without(1e-9) == (values.low, values.high)


def test_the_energy_beyond_a_range_is_what_cutting_loses():
    x = np.random.default_rng(0).normal(size=(1, 64, 64, 4)).astype("float32")
    values = Histogram()
    values.add(x)
    assert values.energy_beyond(values.low, values.high) == 0
    for low, high in ((-2.0, 2.5), (-1.0, 1.0), (-4.0, 1.0)):
        lost = ((x - np.clip(x, low, high)) ** 2).sum() / (x**2).sum()
        assert values.energy_beyond(low, high) == pytest.approx(lost, rel=0.05)


def test_large_tensors_are_counted_in_part_and_every_channel_is():
    x = np.zeros((1, 256, 256, 6), "float32")
    x[..., 5] = np.random.default_rng(0).random((256, 256))
    values = Histogram()
    values.add(x)
    counted = values.counts.sum()
    assert 2**15 < counted <= 2**16
    assert values.counts[len(values.counts) // 2 + 1 :].sum() == pytest.approx(counted / 6, rel=0.02)


def with_outliers(far):
    x = np.random.default_rng(0).normal(size=(1, 128, 128, 4)).astype("float32")
    x[0, 0, 0, 0] = far
    return x


def chained(x):
    """ABS and then RELU: only the first may be cut, for the second is what the file gives."""
    net = Network(dtype="float32")
    made = net.unary("ABS", net.input(*x.shape))
    content = net.file(net.unary("RELU", made))
    graph = read(content).main
    return graph, made, histograms(content, graph, x[:, None])


def test_few_far_values_are_cut_inside_the_network_and_nowhere_else():
    graph, made, found = chained(with_outliers(20))
    cut, kept = (chosen_ranges(graph, found, outliers) for outliers in ("cut", "keep"))
    assert kept[made] == (found[made].low, 20)
    assert 3 < cut[made][1] < 5, "all but 1 value in 10,000 at this end"
    (output,) = graph.outputs
    assert cut[output] == kept[output] == (found[output].low, 20)


def test_far_values_that_are_all_that_there_is_stay():
    """Nearly all is zero, and the few values that are not are all that there is."""
    x = np.zeros((1, 256, 256, 1), "float32")
    x[0, 7, :2, 0] = 1.0, 0.5
    graph, made, found = chained(x)
    assert chosen_ranges(graph, found, "cut")[made] == (0, 1)


def test_what_is_only_moved_keeps_the_range():
    net = Network(dtype="float32")
    made = net.unary("ABS", net.input(1, 16, 16, 4))
    low, high = net.split(made)
    content = net.file(net.unary("ABS", net.binary("ADD", low, high)))
    graph = read(content).main
    x = images(1, (1, 16, 16, 4))
    x[..., 2:] *= 9
    ranges = chosen_ranges(graph, histograms(content, graph, x), "keep")
    assert ranges[low] == ranges[high] == ranges[made]
    assert ranges[made][1] > 8


def test_a_square_is_no_larger_than_what_is_left_of_its_factor():
    net = Network(dtype="float32")
    x = net.input(1, 128, 128, 4)
    made = net.unary("ABS", x)
    square = net.binary("MUL", made, made)
    content = net.file(net.unary("RELU", square))
    graph = read(content).main
    found = histograms(content, graph, with_outliers(20)[:, None])
    cut, kept = (chosen_ranges(graph, found, outliers) for outliers in ("cut", "keep"))
    assert kept[square] == pytest.approx((found[square].low, 400))
    assert cut[square] == (0, pytest.approx(cut[made][1] ** 2))
    assert cut[square][1] < 25


def test_squares_that_end_have_a_sixteenth_of_the_others_range():
    net = Network(dtype="float32")
    made = net.unary("ABS", net.input(1, 16, 16, 4))
    square = net.binary("MUL", made, made)
    ends = net.unary("RELU6", square)
    content = net.file(*(net.unary("RELU", mean) for mean in (net.mean(square, (1, 2)), net.mean(ends, (1, 2)))))
    content = unshare_multiplies(content, read(content).main)
    graph = read(content).main
    found = histograms(content, graph, images(1, (1, 16, 16, 4)) * 8)
    cut, kept = (chosen_ranges(graph, found, outliers) for outliers in ("cut", "keep"))
    assert kept[ends] == (found[ends].low, 6)
    assert cut[ends] == (0, pytest.approx(cut[square][1] / 16))


def test_ranges_are_written():
    content, product = residual(0.5)
    changed = with_tensor_ranges(content, {product: (-1.5, 2.5)})
    found = File(changed).main.tensors[product].quantization
    assert (found.min.tolist(), found.max.tolist()) == ([-1.5], [2.5])


def net_with_branch(scale):
    inputs = keras.Input((16, 16, 4))
    trunk = keras.layers.Conv2D(4, 1, name="trunk")(inputs)
    branch = keras.layers.Conv2D(4, 1, name="branch")(keras.layers.ReLU()(trunk))
    model = randomize(keras.Model(inputs, keras.layers.Conv2D(4, 1)(keras.layers.Add()([trunk, branch]))))
    layer = model.get_layer("branch")
    layer.set_weights([weight * scale for weight in layer.get_weights()])
    return model


@ONE_BACKEND
def test_a_branch_1000_times_smaller_than_the_trunk_keeps_its_signal():
    model, x = net_with_branch(0.001), images(4, (16, 16, 4))
    content = tflite.convert(model, x, output_kind="values", outliers="keep")
    graph = read(content).main
    (tensor,) = [t for t in graph.tensors if "branch" in t.name and t.type == "INT8" and t.data is None]
    made = keras.ops.convert_to_numpy(keras.Model(model.inputs[0], model.get_layer("branch").output)(x))
    want = (max(made.max(), 0) - min(made.min(), 0)) / 255
    assert tensor.scales[0] == pytest.approx(want, rel=0.02)


@ONE_BACKEND
def test_every_channel_of_a_weight_has_its_scale():
    layers = [keras.layers.Conv2D(6, 3), keras.layers.DepthwiseConv2D(3), keras.layers.Conv2D(3, 1)]
    model = randomize(keras.Sequential([keras.Input((8, 12, 3)), *layers]))
    graph = read(tflite.convert(model, images(), output_kind="values")).main
    weights = [graph.tensors[operator.inputs[1]] for operator in graph.operators]
    assert [len(set(weight.scales)) for weight in weights] == [6, 6, 3]


@ONE_BACKEND
def test_cutting_outliers_helps_where_there_are_some():
    """One pixel in 32,768 is six times as bright inside the network."""
    inputs = keras.Input((64, 64, 3))
    bright = keras.layers.ReLU()(keras.layers.Conv2D(3, 1, name="bright")(inputs))
    y = keras.layers.Concatenate()([inputs, bright])
    y = keras.layers.Conv2D(6, 1, name="mixed")(y)
    model = randomize(keras.Model(inputs, keras.layers.Conv2D(3, 1, name="last")(y)))
    model.get_layer("bright").set_weights([np.eye(3, dtype="float32")[None, None] * 600, np.full(3, -594, "float32")])
    last = model.get_layer("last")
    last.set_weights([0.2 * last.get_weights()[0], np.full(3, 0.5, "float32")])
    x = np.random.default_rng(0).random((8, 64, 64, 3)).astype("float32") * 0.9
    x[0, 0, 0] = 1
    want = keras.ops.convert_to_numpy(model(x[1:], training=False))
    assert 0 < want.min() < want.max() < 1
    errors = []
    for outliers in ("cut", "keep"):
        content = tflite.convert(model, x, output_kind="image", outliers=outliers)
        got = tflite.run(content, x[1:], "litert").values[0]
        errors.append(((got - want) ** 2).mean())
    rounding = 1 / 255**2 / 12  # of the output alone
    assert errors[0] < 1.1 * rounding
    assert errors[1] > 2 * rounding


def test_an_unknown_choice_is_refused():
    with pytest.raises(ValueError, match=r"outliers must be one of 'cut', 'keep'\. Received: 'drop'"):
        tflite.convert(net_with_branch(1.0), images(4, (16, 16, 4)), outliers="drop")


def test_weights_that_are_not_numbers_are_refused_by_name():
    model = net_with_branch(1.0)
    layer = model.get_layer("branch")
    kernel, bias = layer.get_weights()
    kernel[0, 0, 1, 2] = np.nan
    layer.set_weights([kernel, bias])
    with pytest.raises(ValueError, match=r"finite weights\. Received: 1 of 16 values of branch/kernel"):
        tflite.convert(model, images(4, (16, 16, 4)))


@ONE_BACKEND
def test_response_normalization_keeps_channels_that_are_small_beside_others():
    """One channel has 150 to 10,000 times the energy of the others, whose norms decide what the outputs are."""
    inputs = keras.Input((32, 32, 16))
    y = layers.GlobalResponseNormalization(name="grn")(keras.layers.Conv2D(16, 1, name="expand")(inputs))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 1, use_bias=False, name="project")(y))
    sizes = np.array([5.0, *np.linspace(0.05, 0.4, 15)], "float32")
    gamma = np.where(sizes > 1, 0, 20)
    project = np.random.default_rng(1).normal(size=(1, 1, 16, 4)) * (sizes < 1)[:, None]
    model.get_layer("expand").set_weights([np.diag(sizes)[None, None], np.zeros(16)])
    model.get_layer("grn").set_weights([gamma, np.zeros(16)])
    model.get_layer("project").set_weights([project])
    images = np.random.default_rng(0).uniform(size=(8, 32, 32, 16)).astype("float32")
    content = tflite.convert(model, images, output_kind="values")
    want = keras.ops.convert_to_numpy(model(images[:1], training=False))[0]
    noise = tflite.run(content, images[0], "litert").values[0][0] - want
    assert 10 * np.log10((want**2).mean() / (noise**2).mean()) > 15
