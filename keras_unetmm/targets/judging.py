# SPDX-License-Identifier: Apache-2.0
"""What every target needs to judge a file: its operators in order, and a verdict on each."""

from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.targets.asked import confirmed
from keras_unetmm.targets.interpreter_kernels import COMPILERS
from keras_unetmm.targets.substitutes import instead_of
from keras_unetmm.targets.verdict import CPU, SUPPORTED, UNSUPPORTED, OperatorVerdict, Verdict

RULES = "By static rules, not compiled"


def numbered(model):
    """Returns index, graph and operator for every operator of all graphs of a `keras_unetmm.tflite_file.graph.Model`."""
    pairs = [(graph, operator) for graph in model.graphs for operator in graph.operators]
    return [(index, graph, operator) for index, (graph, operator) in enumerate(pairs)]


def verdict_on(index, operator, found):
    """Returns the `OperatorVerdict` of an operator; `found` is verdict, why and instead, or None if it runs."""
    if found is None:
        return OperatorVerdict(index, operator.name, SUPPORTED)
    verdict, why, instead = found
    return OperatorVerdict(index, operator.name, verdict, why, instead or instead_of("", operator.name))


def codes(content):
    """Returns code and version of every operator of all graphs of a file."""
    model = schema.Model.GetRootAs(content)
    entries = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    known = [(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), code.Version()) for code in entries]
    graphs = [model.Subgraphs(i) for i in range(model.SubgraphsLength())]
    return [known[graph.Operators(i).OpcodeIndex()] for graph in graphs for i in range(graph.OperatorsLength())]


def compiled_before(target, model, own, why_not):
    """Returns the `Verdict` on a file that a target's compiler wrote, or None: it runs on its target, and nowhere else.

    Args:
        target: str, the name of an accelerator.
        model: `keras_unetmm.tflite_file.graph.Model`.
        own: str, the custom operator that the accelerator's compiler writes.
        why_not: as for `on_interpreter`, of the processor beside the accelerator.
    """
    if not any(operator.custom and operator.name in COMPILERS for _, _, operator in numbered(model)):
        return None
    verdicts = []
    for index, graph, operator in numbered(model):
        if operator.custom and operator.name == own:
            found = None
        else:
            missing = why_not(graph, operator, target)
            found = (UNSUPPORTED, *missing) if missing else (CPU, "its compiler left it to the processor", "")
        verdicts.append(verdict_on(index, operator, found))
    return Verdict(target, False, tuple(verdicts), note=f"{RULES}: a compiler wrote the file.")


def on_interpreter(target, model, content, why_not, ask):
    """Returns the `Verdict` of an interpreter.

    Args:
        target: str, its name.
        model: `keras_unetmm.tflite_file.graph.Model`.
        content: bytes of the file.
        why_not: function of a graph and an operator that returns why it does not run and what to use instead, or None.
        ask: bool, whether the interpreter itself is asked, where it is installed.
    """
    verdicts = []
    for index, graph, operator in numbered(model):
        found = why_not(graph, operator)
        verdicts.append(verdict_on(index, operator, None if found is None else (UNSUPPORTED, *found)))
    found, note = tuple(verdicts), f"{RULES}: the interpreter's table of kernels."
    if ask:
        found, said = confirmed(content, model, target, found)
        note = f"{note} {said}"
    return Verdict(target, False, found, note=note)
