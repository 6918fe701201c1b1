from dataclasses import asdict, fields

import pytest

from keras_unetmm.lowering.options import CHOICES, options_of
from keras_unetmm.targets.options import LoweringOptions
from keras_unetmm.targets.targets import TABLE


def test_every_form_that_a_target_takes_is_a_choice():
    assert {field.name for field in fields(LoweringOptions)} == set(CHOICES)
    for target in TABLE.values():
        for name, form in asdict(target.options).items():
            assert form in CHOICES[name]


def test_a_choice_replaces_the_targets_own():
    assert options_of("tflm", {}) is not options_of("tflm", {"gelu": "operator"})
    assert options_of("tflm", {"gelu": "operator"}).gelu == "operator" != options_of("tflm", {}).gelu
    with pytest.raises(ValueError, match=r"gelu must be one of 'operator', 'sigmoid'\. Received: 'tanh'"):
        options_of("tflm", {"gelu": "tanh"})
