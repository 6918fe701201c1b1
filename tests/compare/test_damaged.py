"""`unetmm compare` on damaged files: an answer, or an error of ours that names what does not fit."""

import keras
import numpy as np
import pytest
from checks import ONE_BACKEND
from fuzzing.test_fuzz import validate_some
from tflite.network import Network

from keras_unetmm.compare.quality import Example, compare

pytestmark = ONE_BACKEND


def test_mutants_are_compared_or_refused(tmp_path):
    validate_some("compare", 40, tmp_path)


def test_a_file_that_computes_another_shape_than_it_says_is_refused():
    net = Network(dtype="float32")
    made = net.pool("MAX_POOL_2D", net.input(1, 8, 12, 3), (2, 2), stride=(2, 2))
    net.graph.tensors[made].shape = [1, 8, 12, 3]
    inputs = keras.Input((8, 12, 3))
    model = keras.Model(inputs, keras.layers.MaxPooling2D(1)(inputs))
    example = Example("a", np.zeros((8, 12, 3), "float32"))
    with pytest.raises(ValueError, match=r"compute what its shapes say, \(1, 8, 12, 3\).*Received: \(1, 4, 6, 3\)"):
        compare(model, net.file(made), [example], runtime="litert")
