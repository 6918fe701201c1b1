import keras
import numpy as np
import pytest
import reference
import segmenters
from checks import check_layer, randomize

from keras_unetmm.layers import ResidualStage, StridedConvolution

SHAPES = {2: (2, 6, 8, 3), 3: (2, 4, 6, 2, 3)}
RANKS = pytest.mark.parametrize("rank", [2, 3])


@RANKS
@pytest.mark.parametrize(("norm", "weights"), [(False, 6), (True, 14)])
def test_stage(rank, norm, weights, tmp_path):
    shape = SHAPES[rank]
    arguments = {"channels": 4, "convolutions": 2, "kernel_size": 3, "norm": norm}
    check_layer(ResidualStage, arguments, shape, output_shape=(*shape[:-1], 4), weights=weights, folder=tmp_path)


@RANKS
@pytest.mark.parametrize(("up", "norm", "weights"), [(False, False, 3), (True, True, 7)])
def test_between_stages(rank, up, norm, weights, tmp_path):
    shape = SHAPES[rank]
    output = (2, *(n * 2 if up else n // 2 for n in shape[1:-1]), 5)
    arguments = {"channels": 5, "up": up, "norm": norm}
    check_layer(StridedConvolution, arguments, shape, output_shape=output, weights=weights, folder=tmp_path)


@RANKS
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("convolutions", [1, 3])
def test_stage_equals_the_equations_in_float64(rank, norm, convolutions):
    x = np.random.default_rng(0).normal(size=SHAPES[rank])
    stage = ResidualStage(8, convolutions, norm=norm)
    stage.build(x.shape)
    weights = reference.Weights(randomize(stage))
    want = segmenters.residual_stage(weights, x, convolutions, norm)
    assert weights.used == set(weights.values)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(stage(x.astype("float32"))), want, rtol=1e-4, atol=1e-5)


@RANKS
@pytest.mark.parametrize("up", [False, True])
def test_between_stages_equals_the_equations_in_float64(rank, up):
    x = np.random.default_rng(0).normal(size=SHAPES[rank])
    layer = StridedConvolution(5, up=up, norm=True)
    layer.build(x.shape)
    weights = reference.Weights(randomize(layer))
    want = segmenters.between_stages(weights, x, True, up)
    assert weights.used == set(weights.values)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(x.astype("float32"))), want, rtol=1e-4, atol=1e-5)


def test_slopes_are_shared_over_space_and_start_at_a_quarter():
    stage = ResidualStage(8)
    stage.build((1, 4, 6, 8))
    slope = next(w for w in stage.weights if w.path.endswith("alpha"))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(slope), np.full((1, 1, 8), 0.25))
