import itertools
import math

import pytest

from keras_unetmm.models.reductions import usable_reductions


def fits(channels, reductions, target):
    """Whether MSIAM and IEM can be built, by the sizes themselves."""
    kept = 0
    for i, (count, reduction) in enumerate(zip(channels, reductions, strict=True)):
        if count % reduction or (count // reduction) % 4 ** max(i - target, 0):
            return False
        left = count // reduction
        kept += left * 4 ** (target - i) if i <= target else left // 4 ** (i - target)
    return kept % 4**target == 0


@pytest.mark.parametrize("level", [None, 0, 1])
@pytest.mark.parametrize("channels", [(8, 8, 16), (6, 10, 16), (5, 7, 9), (96, 144, 192), (48, 24, 20)])
def test_they_are_the_nearest_of_all_that_fit(channels, level):
    wanted, target = (4, 4, 2), 2 if level is None else level
    divisors = [[r for r in range(1, count + 1) if count % r == 0] for count in channels]
    all_that_fit = [rs for rs in itertools.product(*divisors) if fits(channels, rs, target)]

    def far(reductions):
        return sum(abs(math.log(r / w)) for r, w in zip(reductions, wanted, strict=True))

    found = usable_reductions(channels, wanted, level)
    if not all_that_fit:
        assert found is None
    else:
        assert found in all_that_fit
        assert far(found) == pytest.approx(min(map(far, all_that_fit)))


def test_what_fits_is_kept():
    assert usable_reductions((64, 256, 512, 1024), (16, 16, 16, 8)) == (16, 16, 16, 8)
    assert usable_reductions((96, 144, 192, 576), (16, 16, 16, 8)) == (16, 16, 16, 9)
    assert usable_reductions((8, 8, 3), (2, 2, 1)) is None
