from dataclasses import asdict, fields

import pytest

from keras_unetmm.lowering.forms import CHOICES, FORMS, Forms, forms_of
from keras_unetmm.targets.targets import TARGETS


def test_every_target_has_forms_and_every_form_is_a_choice():
    assert set(FORMS) == set(TARGETS)
    assert {field.name for field in fields(Forms)} == set(CHOICES)
    for forms in FORMS.values():
        for name, form in asdict(forms).items():
            assert form in CHOICES[name]


def test_a_choice_replaces_the_targets_own():
    assert forms_of("tflm", {}) is not forms_of("tflm", {"gelu": "operator"})
    assert forms_of("tflm", {"gelu": "operator"}).gelu == "operator" != forms_of("tflm", {}).gelu
    with pytest.raises(ValueError, match=r"gelu must be one of 'operator', 'sigmoid'\. Received: 'tanh'"):
        forms_of("tflm", {"gelu": "tanh"})
