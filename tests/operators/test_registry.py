"""That every operator has one file, named after it, and what the files say of how far operators see."""

from pathlib import Path

import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite.network import Network

from keras_unetmm import operators
from keras_unetmm.kernels.libraries import LIBRARIES
from keras_unetmm.operators.registry import all_rules, macs, receptive_fields, rules_of
from keras_unetmm.operators.shared.rules import GlobalOperatorError, ReceptiveField
from keras_unetmm.tflite_file.graph import read

ROOM = Path(operators.__file__).parent
MAP = (1, 6, 10, 4)


def test_each_file_is_one_operator_s_and_named_after_it():
    files = {path.stem for path in ROOM.glob("*.py")} - {"__init__", "registry"}
    names = {name if own else name.lower() for name, own in all_rules()} - {"SignalRfft"} | {"signal_rfft"}
    assert files == {name.lower() for name in names}
    assert len(files) == len(all_rules()) > 70


def test_their_names_are_the_schema_s():
    builtin = {name for name, own in all_rules() if not own}
    assert builtin <= set(vars(schema.BuiltinOperator))
    assert {name for name, own in all_rules() if own} == {"SignalRfft", "TFLite_Detection_PostProcess"}


def test_a_custom_operator_of_a_known_name_is_another_one():
    net = Network()
    x = net.input(*MAP)
    made = net.operator("ADD", [x, x], [net.like(x)])
    code = net.model.operatorCodes[-1]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = "ADD"
    graph = read(net.file(made)).main
    rules = rules_of(graph.operators[0])
    assert (rules.name, rules.custom, rules.macs, rules.overlaps, rules.scratch) == ("ADD", True, None, None, None)
    assert LIBRARIES["reference"].overlaps(graph, graph.operators[0]) == ()
    with pytest.raises(GlobalOperatorError, match="nobody knows"):
        receptive_fields(graph, graph.operators[0])


def summed(axis, made=MAP):
    net = Network()
    x = net.input(*MAP)
    values = {"exclusive": False, "reverse": False}
    graph = read(net.file(net.operator("CUMSUM", [x, net.numbers(axis)], [net.tensor(made)], "Cumsum", **values))).main
    return graph, graph.operators[0]


@pytest.mark.parametrize("axis", [3, -1])
def test_sums_along_the_channels_read_one_place(axis):
    assert receptive_fields(*summed(axis)) == (ReceptiveField(), ReceptiveField())
    assert macs(summed(axis)[0]) == 0


@pytest.mark.parametrize("axis", [0, 1, 2, -2])
def test_sums_along_another_axis_do_not_run_tile_by_tile(axis):
    with pytest.raises(GlobalOperatorError, match="another axis than that of the channels"):
        receptive_fields(*summed(axis))


def test_an_operator_without_a_file_runs_whole_and_overlaps_nothing():
    net = Network()
    x = net.input(*MAP)
    graph = read(net.file(net.operator("REVERSE_V2", [x, net.numbers(3)], [net.like(x)], "ReverseV2"))).main
    with pytest.raises(GlobalOperatorError, match="no rule says what REVERSE_V2 reads"):
        receptive_fields(graph, graph.operators[0])
    assert LIBRARIES["reference"].overlaps(graph, graph.operators[0]) == ()
    assert LIBRARIES["reference"].scratch(graph, graph.operators[0]) == ()
