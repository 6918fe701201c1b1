"""ConvNeXt V2 block, MSIAM and IEM."""

import keras
import numpy as np
import pytest
import reference
from checks import check_layer, randomize

from keras_unetmm.layers import IEM, MSIAM, ConvNeXtV2Block, StageReduction

MAPS = [(2, 16, 24, 4), (2, 8, 12, 8), (2, 4, 6, 16)]
REDUCTIONS = (2, 2, 1)


def arrays(shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_convnext_block(norm, tmp_path):
    shape = (2, 6, 10, 4)
    weights = {"layer": 10, "batch": 12}[norm]
    check_layer(ConvNeXtV2Block, {"norm": norm}, shape, output_shape=shape, weights=weights, folder=tmp_path)


def test_convnext_block_equals_the_equations_in_float64():
    (x,) = arrays([(2, 6, 10, 4)])
    block = ConvNeXtV2Block()
    block.build(x.shape)
    weights = reference.Weights(randomize(block))
    want = reference.convnext_v2_block(weights, x)
    assert weights.used == set(weights.values)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(block(x.astype("float32"))), want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("layer", "arguments", "weights"), [(ConvNeXtV2Block, {}, 8), (IEM, {"channels": 4}, 12)])
def test_without_response_normalization_nothing_sees_the_whole_map(layer, arguments, weights, tmp_path):
    shape, arguments = (2, 16, 12, 4), {**arguments, "response_normalization": False}
    check_layer(layer, arguments, shape, output_shape=shape, weights=weights, folder=tmp_path)

    built = layer(**arguments)
    built.build(shape)
    randomize(built)
    (x,) = arrays([shape])
    changed = x.copy()
    changed[:, 0, 0] += 1
    before, after = (keras.ops.convert_to_numpy(built(a.astype("float32"))) for a in (x, changed))
    same = (before == after).all(axis=(0, 3))
    assert not same[0, 0]
    assert same[5:].all()  # 7x7, and 3x3 behind it: no more than 4 rows
    assert same[:, 5:].all()


@pytest.mark.parametrize(
    ("level", "output"), [(None, (2, 4, 6, 64)), (1, (2, 8, 12, 16)), (0, (2, 16, 24, 4))], ids=["3a", "3b", "3c"]
)
def test_msiam(level, output, tmp_path):
    arguments = {"reductions": REDUCTIONS, "level": level}
    check_layer(MSIAM, arguments, MAPS, output_shape=output, weights=8, folder=tmp_path)

    layer = MSIAM(**arguments)
    layer.build(MAPS)
    weights = reference.Weights(randomize(layer))
    maps = arrays(MAPS)
    want = reference.msiam(weights, maps, level=level)
    assert weights.used == set(weights.values)
    got = keras.ops.convert_to_numpy(layer([x.astype("float32") for x in maps]))
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("levels_up", "output"), [(2, (2, 16, 24, 5)), (0, (2, 4, 6, 5)), (-1, (2, 2, 3, 5))])
def test_iem(levels_up, output, tmp_path):
    shape = (2, 4, 6, 16)
    arguments = {"channels": 5, "levels_up": levels_up}
    check_layer(IEM, arguments, shape, output_shape=output, weights=14, folder=tmp_path)

    layer = IEM(**arguments)
    layer.build(shape)
    weights = reference.Weights(randomize(layer))
    (x,) = arrays([shape])
    want = reference.iem(weights, x, levels_up)
    assert weights.used == set(weights.values)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(x.astype("float32"))), want, rtol=1e-4, atol=1e-4)


def test_the_pointwise_header_adds_one_convolution():
    counts = {}
    for header in ("plain", "pointwise"):
        layer = IEM(6, header=header)
        layer.build((None, 4, 4, 8))
        counts[header] = layer.count_params()
    assert counts["pointwise"] - counts["plain"] == 6 * 6 + 6
    with pytest.raises(ValueError, match=r"header must be one of 'plain', 'pointwise'\. Received: 'big'"):
        IEM(6, header="big")


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"multiple of 16\. Received: 24 channels\. Use 16 or 32 channels"):
        StageReduction(16)(np.zeros((1, 4, 4, 24), "float32"))
    with pytest.raises(ValueError, match=r"multiple of 64\. Received: 32 channels\. Use 64 channels"):
        StageReduction(16, levels_up=1)(np.zeros((1, 4, 4, 32), "float32"))
    with pytest.raises(ValueError, match="expects 3 input"):
        MSIAM(REDUCTIONS)([np.zeros((1, 4, 4, 4), "float32")] * 2)
    with pytest.raises(ValueError, match=r"level must lie between 0 \(full resolution\) and 2\. Received: 3"):
        MSIAM(REDUCTIONS, level=3)([np.zeros(shape, "float32") for shape in MAPS])
