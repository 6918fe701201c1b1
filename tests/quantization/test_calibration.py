"""Calibration images that are legal, and hardly right."""

import warnings

import numpy as np
import pytest
from PIL import Image

from keras_unetmm.quantization.calibration import calibration_images

SHAPE = (1, 8, 12, 3)


def images(count=3):
    return np.random.default_rng(0).random((count, *SHAPE[1:])).astype("float32")


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_images_of_one_value_are_refused(value):
    with pytest.raises(ValueError, match=rf"must hold pictures.*Received: 3 whose values are all {value:.3g}\."):
        calibration_images(np.full_like(images(), value), SHAPE)


def test_a_folder_of_one_value_is_refused(tmp_path):
    Image.fromarray(np.full((8, 12, 3), 51, "uint8")).save(tmp_path / "gray.png")
    with pytest.raises(ValueError, match=r"Received: 1 whose values are all 0\.2\."):
        calibration_images(tmp_path, SHAPE)


@pytest.mark.parametrize(
    ("scale", "shift", "said"),
    [(1 / 255, 0, r"from .* to 0\.00392 only"), (0.1, 0, r"to 0\.1 only"), (0.1, 0.9, "to 1 only")],
)
def test_values_in_a_small_part_of_the_range_are_warned_of(scale, shift, said):
    with pytest.warns(UserWarning, match=said) as told:
        calibration_images(images() * np.float32(scale) + np.float32(shift), SHAPE)
    assert [warning.filename for warning in told] == [__file__]


def test_ordinary_images_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        calibration_images(images(), SHAPE)
        calibration_images(images() * np.float32(0.5) + np.float32(0.2), SHAPE)
        calibration_images([np.zeros(SHAPE[1:], "float32"), *images(1)], SHAPE)
