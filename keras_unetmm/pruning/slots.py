# SPDX-License-Identifier: Apache-2.0
"""An optimizer's slots, such as Adam's two moments, carried over to a network with fewer weights."""

import keras
import numpy as np

from keras_unetmm.graph.expand import expand

APART = "Prune keras.Model(model.inputs, model.outputs), which is not compiled, and compile the result."


def compile_alike(model, pruned):
    """Compiles the pruned network as the model is.

    Raises:
        ValueError: if that cannot be known: several outputs, a `train_step` of its own, or losses that are not registered.
    """
    if len(model.outputs) > 1 or type(model).train_step is not keras.Model.train_step:
        raise ValueError(f"A compiled model must have one output and the train_step of keras.Model. {APART}")
    try:
        pruned.compile_from_config(model.get_compile_config())
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ValueError(f"model was compiled with what Keras cannot write down: {error} {APART}") from error


def carry_slots(model, pruned, graph, cuts):
    """Gives the built optimizer of a pruned network the state that the model's has.

    Args:
        model: compiled `keras.Model`.
        pruned: compiled smaller one, its optimizer of the same kind and built.
        graph, cuts: see `keras_unetmm.pruning.prune.cut_out`.

    Raises:
        ValueError: for an optimizer whose slots have not the shapes of the weights, such as Adafactor.
    """
    if not model.optimizer.built:
        return
    if isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer):
        raise ValueError(f"The optimizer must scale no loss: compile in mixed_bfloat16 or float32. {APART}")
    origins = _origins(model, graph)
    before = _by_owner(model.optimizer, model.weights)
    after = _by_owner(pruned.optimizer, pruned.weights)
    for (owner, kind), slot in after.items():
        old = before[owner if owner is None else origins[owner], kind]
        value = keras.ops.convert_to_numpy(old)
        if owner is not None and value.shape == tuple(graph.weights[owner].shape):
            value = cuts[owner](value)
        if value.shape != tuple(slot.shape):
            raise ValueError(_other_slots(model.optimizer))
        slot.assign(value)


def _by_owner(optimizer, weights):
    """An optimizer's variables by the index of the weight that they are named after, or None, and the rest of the name."""
    paths, found = {weight.path.replace("/", "_"): i for i, weight in enumerate(weights)}, {}
    for slot in optimizer.variables:
        path = max((path for path in paths if slot.name.startswith(f"{path}_")), key=len, default="")
        found[paths.get(path), slot.name[len(path) :]] = slot
    if len(found) != len(optimizer.variables):  # some are named after no weight
        raise ValueError(_other_slots(optimizer))
    return found


def _other_slots(optimizer):
    kind = type(optimizer).__name__
    return f"The optimizer must have slots of the shapes of the weights, as Adam, RMSprop and SGD have. Received: {kind}."


def _origins(model, graph):
    """For each weight of the laid-out graph the index of the model's own: found by laying out a copy full of indices."""
    copy = keras.models.clone_model(model)
    for i, weight in enumerate(copy.weights):
        weight.assign(np.full(weight.shape, i))
    indices = [int(np.ravel(keras.ops.convert_to_numpy(weight))[0]) for weight in expand(copy).weights]
    if len(indices) != len(graph.weights):
        raise ValueError(f"model must not share layers with another. {APART}")
    return indices
