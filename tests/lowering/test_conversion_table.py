"""That the page of what converts has a row for every layer and function that the code knows."""

import pytest
from checks import ONE_BACKEND

from benchmarks import conversion_table
from keras_unetmm.lowering.legalize import DROPPED
from keras_unetmm.lowering.lowering import UnknownLayerError, lower
from keras_unetmm.lowering.refusals import known_functions, known_layers

ROWS = conversion_table.rows()
ABOUT = {name.partition("(")[0].partition(" ")[0] for name in ROWS}


def test_every_layer_and_function_has_a_row():
    public = [kind for kind in known_layers() if not kind.__module__.startswith("keras_unetmm.lowering")]
    assert not {kind.__name__ for kind in public if kind not in DROPPED} - ABOUT - {"Activation"}
    assert not {f"ops.{name}" for name in known_functions()} - ABOUT


def test_the_page_has_the_rows():
    lines = conversion_table.PAGE.read_text().splitlines()
    listed = [line.split("|")[1].strip().strip("`") for line in lines if line.startswith("| `")]
    assert listed == list(ROWS)


@ONE_BACKEND
@pytest.mark.parametrize("name", ["Conv2D", "Conv1DTranspose", "GroupNormalization", "ops.Square", "Conv3D"])
def test_a_row_that_says_yes_lowers(name):
    assert f"| `{name}` | yes |" in conversion_table.PAGE.read_text()
    lower(conversion_table.network(ROWS[name]), "tflm")


def test_a_row_that_says_no_is_refused():
    assert "| `UnitNormalization` | no" in conversion_table.PAGE.read_text()
    with pytest.raises(UnknownLayerError):
        lower(conversion_table.network(ROWS["UnitNormalization"]), "tflm")
