import pytest

from keras_unetmm.tflite_file.names import layer_of

LAYERS = ["image", "intro", "conv1", "conv2", "gate1", "grn", "dense", "relu", "head"]


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("net_1/intro_1/BiasAdd;net_1/intro_1/convolution;net_1/intro_1/Squeeze1", "intro"),
        ("net/intro/BiasAdd;net/intro/convolution", "intro"),
        ("net_1_1/intro_12/BiasAdd", "intro"),
        ("outer_1/net_1/intro_1/BiasAdd", "intro"),
        ("net_1/gate1_1/clip;;net_1/gate1_1/clip/Minimum;net_1/conv2_1/BiasAdd;net_1/conv2_1/convolution", "gate1"),
        ("net_1/dense_1/MatMul;net_1/relu_1/Relu;net_1/dense_1/BiasAdd", "relu"),
        ("net_1/grn_1/energy_1/Mean", "grn"),
        ("net_1/gate1_1/split;net_1/gate1_1/split11", "gate1"),
        ("StatefulPartitionedCall_1:0", None),
        ("StatefulPartitionedCall_1:01", None),
        ("tfl.quantize", None),
        ("net_1/Sigmoid", None),
        ("net_1/other_1/Relu", None),
        ("net_1/dense", None),
        ("", None),
    ],
)
def test_the_layer_that_a_tensor_comes_from(name, layer):
    assert layer_of(name, LAYERS) == layer


def test_names_that_end_in_numbers():
    """What Keras calls layers by itself, and what TensorFlow made of them: the name of the second is taken already."""
    layers = ["conv2d", "conv2d_1", "conv2d_2", "conv2d_10"]
    names = ["m_1/conv2d_1/Relu", "m_1/conv2d_1_2/Relu", "m_1/conv2d_2_1/Relu", "m_1/conv2d_10_1/Relu"]
    assert [layer_of(name, layers) for name in names] == layers


def test_the_last_of_fused_layers_is_the_one_whose_output_it_is():
    name = "m_1/relu_1/Relu;m_1/conv_1/BiasAdd"
    assert layer_of(name, ["conv", "relu"]) == "relu"
    assert layer_of(name, ["relu", "conv"]) == "conv"
