"""That the page of what converts has a row for every layer and function that the code knows."""

from benchmarks import conversion_table
from keras_unetmm.lowering.legalize import DROPPED
from keras_unetmm.lowering.refusals import known_functions, known_layers

ROWS = conversion_table.rows()
ABOUT = {name.partition("(")[0].partition(" ")[0] for name in ROWS}


def test_every_layer_and_function_has_a_row():
    public = [kind for kind in known_layers() if not kind.__module__.startswith("keras_unetmm.lowering")]
    assert not {kind.__name__ for kind in public if kind not in DROPPED} - ABOUT - {"Activation"}
    assert not {f"ops.{name}" for name in known_functions()} - ABOUT
