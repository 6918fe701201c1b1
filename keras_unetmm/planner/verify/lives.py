# SPDX-License-Identifier: Apache-2.0
"""When each tensor lives, counted as TFLM's MarkAllocationLifetimes does."""

from keras_unetmm.planner.verify.graphs import PlanRefused

_BEFORE = -1  # the scope before the first one: TFLM keeps a tensor that nothing computes from then on
_MOST_SCOPES = 20_000  # of subgraphs that run each other; TFLM itself would not come back from 2**40


def mark(graphs):
    """Marks the first and last scope of each tensor; returns a list of what runs in each scope, for messages.

    Scope 0 is the main graph's inputs. Every operator opens a scope, and so does every subgraph that it runs, before
    the scopes of that subgraph's operators; the operator's tensors live on until those have passed. Outputs of a
    graph live to its end.
    """
    scopes = []

    def begin(tensors):
        for tensor in tensors:
            tensor.first = len(scopes) - 1 if tensor.first is None else tensor.first

    def use(tensors, reader, computed):
        for tensor in tensors:
            if tensor.first is None and not tensor.apart:
                if tensor in computed:
                    raise PlanRefused(f"{tensor.label} is read by {reader}, but nothing has computed it by then.")
                tensor.first = _BEFORE
            tensor.last = len(scopes) - 1

    def run(number, callers):
        if number in callers or not 0 <= number < len(graphs):
            raise PlanRefused(f"an operator runs subgraph {number}: there are {len(graphs)}, and none may run itself.")
        if len(scopes) > _MOST_SCOPES:
            raise PlanRefused(f"subgraphs run each other too often: over {_MOST_SCOPES:,} operators in all.")
        graph, name = graphs[number], f"subgraph {number}" if number else "the graph"
        computed = {tensor for operator in graph.operators for tensor in operator.outputs}
        scopes.append(f"the inputs of {name}")
        begin(graph.inputs)
        use(graph.inputs, name, computed)
        for operator in graph.operators:
            _check_memory(operator)
            scopes.append(operator.label)
            operator.scope = len(scopes) - 1
            inputs = [tensor for tensor in operator.inputs if tensor is not None]
            use(inputs, operator.label, computed)
            begin(operator.outputs)
            for called in _calls(operator):
                run(called, {*callers, number})
            use((*inputs, *operator.outputs), operator.label, computed)
        use(graph.outputs, f"the outputs of {name}", graph.outputs)

    run(0, set())
    return scopes


def _check_memory(operator):
    """Refuses operators that touch memory beyond their inputs while they run, or their outputs afterwards."""
    if operator.name == "CUSTOM ethos-u":
        raise PlanRefused(
            f"{operator.label} finds its inputs and outputs at addresses that Vela compiled into its commands: no plan "
            "but Vela's own fits. Leave the file as Vela wrote it."
        )
    if operator.name == "CUSTOM CIRCULAR_BUFFER" and not all(tensor.apart for tensor in operator.outputs):
        raise PlanRefused(f"{operator.label} keeps its output from one run to the next: it must be a variable.")


def _calls(operator):
    """The subgraphs that an operator runs, in that order."""
    if operator.name == "IF":
        return operator.options.ThenSubgraphIndex(), operator.options.ElseSubgraphIndex()
    if operator.name == "WHILE":
        return operator.options.CondSubgraphIndex(), operator.options.BodySubgraphIndex()
    return (operator.options.InitSubgraphIndex(),) if operator.name == "CALL_ONCE" else ()
