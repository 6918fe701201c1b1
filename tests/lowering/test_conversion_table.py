"""That the page of what converts is what the code gives, and that the operators it names are those of converted files."""

import keras
import numpy as np
import pytest
from checks import ONE_BACKEND

from benchmarks import conversion_table
from keras_unetmm.conversion.conversion import Request
from keras_unetmm.conversion.convert import conversion_of
from keras_unetmm.lowering.lowering import lower
from keras_unetmm.lowering.written import _IN_FLOATS, ACTIVATIONS
from keras_unetmm.targets.targets import check

L = keras.layers


def test_the_page_is_what_the_code_gives():
    keras.backend.clear_session()
    assert conversion_table.PAGE.read_text() == conversion_table.page()


def before(graph, number):
    """The names of the operators that make a tensor."""
    names, wanted = set(), {number}
    for operator in reversed(graph.operators):
        if wanted & set(operator.outputs):
            names.add(operator.name)
            wanted |= set(operator.inputs)
    return names


@ONE_BACKEND
def test_every_activation_becomes_the_operators_of_the_table():
    """On a target that runs them all; and another target runs what the table says of their names."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 3))
    model = keras.Model(inputs, [L.Conv2D(4, 3, activation=name)(inputs) for name in ACTIVATIONS])
    images = [np.random.default_rng(i).random((6, 6, 3)).astype("float32") for i in range(3)]
    made = conversion_of(model, Request(images, "litert", output_kind="values"))
    found = {name: before(made.graph, number) for name, number in zip(ACTIVATIONS, made.graph.outputs, strict=True)}
    assert found == {name: {"CONV_2D", *text.split()} for name, text in ACTIVATIONS.items()}
    assert dict(zip(ACTIVATIONS, made.signal_to_noise, strict=True))["elu"] > 30
    lacking = {operator.name for operator in check(made.content, "tflm", compile=False).operators if operator.why}
    assert lacking == {"EXP", "LOG", "SELECT", "GELU"}


@pytest.mark.parametrize("name", [*_IN_FLOATS[:-1], "mish"])
def test_an_activation_that_does_not_convert_is_refused_with_those_that_do(name):
    inputs = keras.Input((6, 6, 3))
    why = "becomes CONV_2D, EXP, ADD, LOG, TANH, MUL, and tflm has no EXP and no LOG" if name == "mish" else "in floats"
    said = rf"mine, a Conv2D with the activation '{name}', which .*{why}\. For tflm use one of elu, gelu"
    with pytest.raises(ValueError, match=said):
        lower(keras.Model(inputs, L.Conv2D(4, 3, activation=name, name="mine")(inputs)))
    assert name in ("mish", *_IN_FLOATS)
