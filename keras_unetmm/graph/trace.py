# SPDX-License-Identifier: Apache-2.0
"""Every operator of a model with the shapes that it meets, found without giving a weight a value."""

import functools
import weakref
from dataclasses import dataclass

import keras
from keras import tree

from keras_unetmm.graph.expand import static_shape
from keras_unetmm.graph.nodes import nodes_around, run_through
from keras_unetmm.graph.nodes import parts as parts_of
from keras_unetmm.layers import Composite

# by model, then by shape: several questions are asked of the same model
_TRACES: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Call:
    """One operator at one place of the graph; composite layers and nested models are laid out into theirs.

    Its name is the path, `enc0_block0_conv1`, as in `keras_unetmm.graph.expand`; `within` are the composites and models
    around it, outermost first. Inputs and outputs are symbolic tensors: who made a tensor is told by its identity.
    """

    name: str
    operation: keras.Operation
    inputs: tuple
    outputs: tuple
    within: tuple


def trace(model, size=None):
    """Returns the `Call`s of one image or volume, in an order in which they can run.

    No weight is read, copied or made: a model that was built by `keras_unetmm.graph.abstract_build` will do.

    Args:
        model: a functional or sequential `keras.Model` on images or volumes.
        size: `(height, width)` or `(depth, height, width)`; by default the model's own, which then must be static.

    Raises:
        ValueError: if no size is known, or the model does not take it.
    """
    shape = static_shape(model, size, ranks=(2, 3))
    known = _TRACES.setdefault(model, {})
    if shape not in known:
        known[shape] = _traced(model, shape)
    return known[shape]


def _traced(model, shape):
    calls, image = [], keras.KerasTensor(shape, dtype=model.inputs[0].dtype)
    nodes = [(nodes, len(nodes)) for part in parts_of(model) for nodes in nodes_around(part)]
    with keras.StatelessScope(initialize_variables=False):  # Keras's own scopes, inside, leave variables alone then
        try:
            _run(keras.Function(model.inputs, model.outputs), [image], (), calls, {})
        except (ValueError, TypeError, RuntimeError) as error:
            raise ValueError(_misfit(model, shape[1:-1], error)) from error
        finally:
            for made, count in nodes:
                del made[count:]  # the layers forget that they were called
    return tuple(calls)


def _run(graph, tensors, within, calls, specs):
    """Runs symbolic tensors through a `keras.Function`, adds its calls, and returns its outputs."""

    def call(operation, *args, training=None, **kwargs):  # whether it is training changes no shape
        if isinstance(operation, (Composite, keras.Model)):
            inputs = _tensors(args, kwargs)
            outputs = _run(_inside(operation, args, kwargs, specs), inputs, (*within, operation), calls, specs)
            return outputs[0] if len(outputs) == 1 else outputs
        name = "_".join(part.name for part in (*within, operation))
        inputs = _tensors(args, kwargs)
        if isinstance(operation, keras.layers.Concatenate):
            _validate_sizes(name, [x.shape for x in inputs])
        outputs = _output(operation, specs, *args, **kwargs)
        calls.append(Call(name, operation, inputs, tuple(tree.flatten(outputs)), within))
        return outputs

    return tree.flatten(run_through(graph, tensors, call))


def _inside(operation, args, kwargs, specs):
    """What a composite or a nested model does, as a `keras.Function` of its parts."""
    if getattr(operation, "inputs", None):
        return keras.Function(operation.inputs, operation.outputs)
    args, kwargs = tree.map_structure(
        lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype) if isinstance(x, keras.KerasTensor) else x, (args, kwargs)
    )
    parts = parts_of(operation)
    for part in parts:
        part.compute_output_spec = functools.partial(_output, part, specs)
    try:
        return keras.Function(list(_tensors(args, kwargs)), operation.call(*args, **kwargs))
    finally:
        for part in parts:
            del part.compute_output_spec


def _output(operation, specs, *args, **kwargs):
    """What an operation returns, asked once: a backend may have to run it symbolically, which takes long."""
    args, kwargs = tree.map_structure(_anew, (args, kwargs))
    key = (id(operation), *((x.shape, x.dtype) for x in _tensors(args, kwargs)))
    if key not in specs:
        compute = operation.call if isinstance(operation, Composite) else functools.partial(_spec, operation)
        specs[key] = compute(*args, **kwargs)
    return tree.map_structure(_anew, specs[key])


def _spec(operation, *args, **kwargs):
    return type(operation).compute_output_spec(operation, *args, **kwargs)  # not the one that `_inside` put there


def _tensors(args, kwargs):
    return tuple(x for x in tree.flatten((args, kwargs)) if isinstance(x, keras.KerasTensor))


def _anew(x):
    return keras.KerasTensor(x.shape, x.dtype) if isinstance(x, keras.KerasTensor) else x


def _validate_sizes(name, shapes):
    """What Keras checks when it builds a model, but not for another size later."""
    if len({shape[:-1] for shape in shapes}) > 1:
        raise ValueError(f"{name} would concatenate maps of shapes {', '.join(map(str, shapes))}.")


def _misfit(model, size, error):
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return f"size must be one that the model takes. Received: size={size}, at which {model.name} fails: {reason}"
