# SPDX-License-Identifier: Apache-2.0
"""Who reads and who made a symbolic tensor: what Keras keeps to itself, asked here and nowhere else."""

import keras


def calls(operation):
    """Returns the nodes of an operation, one for each call; a node has `input_tensors`, `output_tensors` and `outputs`."""
    return operation._inbound_nodes


def call_of(tensor):
    """Returns the node of the call that made a symbolic tensor."""
    made = tensor._keras_history
    return made.operation._inbound_nodes[made.node_index]


def maker(tensor):
    """Returns the operation that made a symbolic tensor, or None for what is none."""
    return tensor._keras_history.operation if hasattr(tensor, "_keras_history") else None


def tensors_read(operation):
    """Returns the symbolic tensors that an operation reads, call after call."""
    return [tensor for node in operation._inbound_nodes for tensor in node.input_tensors]


def operations_read(operation):
    """Returns the operations that made what an operation reads, call after call."""
    return [maker(tensor) for tensor in tensors_read(operation)]


def followers(operation):
    """Returns the operations that read what an operation makes, one for each call of theirs."""
    return [node.operation for node in operation._outbound_nodes]


def nodes_around(operation):
    """Returns the lists that Keras appends to when an operation is called, or its output read."""
    return operation._inbound_nodes, operation._outbound_nodes


def parts(layer, recursive=True):
    """Returns the layers within a layer, itself apart: those of all depths, or its own only. An operation has none."""
    if not hasattr(layer, "_flatten_layers"):
        return []
    return layer._flatten_layers(include_self=False, recursive=recursive)


def outputs_for(model, arrays):
    """Returns a list of a model's outputs.

    Args:
        model: `keras.Model`, functional or sequential, whose inputs may be a tensor, a list or a dict.
        arrays: list, one for each of `model.inputs`.
    """
    one = isinstance(model, keras.Sequential)  # which has no `input` until it was called
    given = arrays[0] if one else keras.tree.pack_sequence_as(model.input, list(arrays))
    return keras.tree.flatten(model(given, training=False))


def run_through(function, tensors, call):
    """Returns what a `keras.Function` gives for tensors, with `call(operation, *args, **kwargs)` for each operation.

    Args:
        function: `keras.Function`.
        tensors: list, of whatever `call` can do with.
        call: function that returns what stands for an operation's outputs.
    """
    return function._run_through_graph(tensors, call_fn=call)
