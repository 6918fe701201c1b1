import keras
import pytest

from keras_unetmm.layers.rank import layer


@pytest.mark.parametrize(
    ("kind", "two", "three"),
    [
        ("convolution", keras.layers.Conv2D, keras.layers.Conv3D),
        ("transposed_convolution", keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose),
    ],
)
def test_the_rank_chooses_the_layer(kind, two, three):
    assert type(layer(kind, 2, 4, 3, name="a")) is two
    assert type(layer(kind, 3, 4, kernel_size=3)) is three
    assert layer(kind, 2, 4, 3, name="a").name == "a"


@pytest.mark.parametrize("kind", ["max_pooling", "upsampling"])
@pytest.mark.parametrize("rank", [2, 3])
def test_resampling_by_two(kind, rank):
    sizes = (4, 6, 8)[:rank]
    factor = 2 if kind == "upsampling" else 0.5
    assert layer(kind, rank, 2).compute_output_shape((1, *sizes, 5)) == (1, *(n * factor for n in sizes), 5)


@pytest.mark.parametrize("rank", [1, 4, True, None, "2"])
def test_another_rank_is_refused(rank):
    with pytest.raises(ValueError, match=r"rank must be 2 \(images.*or 3 \(volumes.*Received: "):
        layer("convolution", rank, 4, 3)
