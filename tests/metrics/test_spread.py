import math

import pytest

from keras_unetmm.metrics import spread


def test_mean_median_and_how_far_values_lie_apart():
    found = spread([1, 2, 4, 9])
    assert found == pytest.approx({"mean": 4, "median": 3, "std": math.sqrt(9.5), "mad": 1.5, "count": 4})
    assert spread([0.5]) == {"mean": 0.5, "median": 0.5, "std": 0, "mad": 0, "count": 1}
    assert math.isnan(spread([1, math.nan])["median"])
    with pytest.raises(ValueError, match="at least one number"):
        spread([])
