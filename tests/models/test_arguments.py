import pytest

from keras_unetmm.models import KBNet, NAFNet, SUNet, SUNetSegmentation, VNet
from keras_unetmm.models.arguments import checked_image_shape, is_count


@pytest.mark.parametrize(
    ("value", "counts"), [(1, True), (0, False), (-1, False), (1.0, False), (True, False), ("1", False), (None, False)]
)
def test_counts(value, counts):
    assert is_count(value) is counts


def test_counts_from_zero():
    assert is_count(0, least=0)
    assert not is_count(False, least=0)


def test_image_shapes():
    assert checked_image_shape([8, None, 3]) == (8, None, 3)
    for shape in ((8, 8), (8, 8, None), (0, 8, 3), (8, 8, 8, 3), "abc", 3):
        with pytest.raises(ValueError, match=r"input_shape must be \(height, width, channels\).*\(None, None, 3\)"):
            checked_image_shape(shape)


@pytest.mark.parametrize(
    ("network", "flag"),
    [
        (NAFNet, "input_skip"),
        (KBNet, "lightweight"),
        (VNet, "norm"),
        (SUNet, "include_top"),
        (SUNetSegmentation, "degridding"),
        (SUNetSegmentation, "multigrid"),
    ],
)
def test_words_are_no_flags(network, flag):
    with pytest.raises(ValueError, match=f"{flag} must be True or False. Received: 'no'"):
        network(**{flag: "no"})
