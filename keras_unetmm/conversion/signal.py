# SPDX-License-Identifier: Apache-2.0
"""How much of what the model gives is left in the file: signal to noise, and where it is lost."""

import numpy as np

from keras_unetmm.interpreters.runtime import run
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read
from keras_unetmm.tflite_file.names import layer_of

TRIED = 4  # calibration images on which file and model are compared
LEAST = 20.0  # dB, below which a file is warned of
BETTER = 1.0  # dB by which other options are better, from where on they are named
ENOUGH = 45.0  # dB, from where on nobody asks for other options


def decibels(expected, got):
    """Returns the signal to noise of values in dB: variance over mean squared error; None where there is no variance.

    Args:
        expected, got: float arrays of one shape.
    """
    expected = np.asarray(expected, "float64")
    variance, noise = expected.var(), np.mean((np.asarray(got, "float64") - expected) ** 2)
    if variance <= 1e-30:
        return None
    return float(min(10 * np.log10(variance / max(noise, 1e-30)), 120.0))


def signal_to_noise(content, tried, expected, kinds):
    """Returns the signal to noise of each output of a file, in dB; None for numbers of classes.

    Args:
        content: bytes of the file.
        tried: list of float arrays `(n, ...)`, one for each input.
        expected: list of arrays `(n, ...)`, what the model gives.
        kinds: list of str, what the outputs are.
    """
    gathered = [_run(content, tried, i) for i in range(len(tried[0]))]
    found = [np.concatenate([values.reshape(1, -1) for values in of_one]) for of_one in zip(*gathered, strict=True)]
    return [
        None if kind == "indices" else decibels(want.reshape(len(want), -1), got)
        for kind, want, got in zip(kinds, expected, found, strict=True)
    ]


def advice(now, rivals, weakest):
    """Returns what to say of a signal to noise, or an empty str where nothing is to be said.

    Args:
        now: float in dB, the least of the file's outputs.
        rivals: dict of lists of the same with other options, by what those are.
        weakest: str, the layer that loses most.
    """
    least = {said: min(known) for said, signals in rivals.items() if (known := [x for x in signals if x is not None])}
    said, best = max(least.items(), key=lambda item: item[1], default=("", now))
    better = best >= now + BETTER
    if now >= LEAST and not better:
        return ""
    text = f"The file's output has a signal to noise of {now:.1f} dB beside the model's, on calibration images"
    text += f"; most is lost at {weakest}." if weakest else "."
    if better:
        return f"{text} Pass {said}, with which it has {best:.1f} dB."
    return f"{text} Train it with keras_unetmm.quantize.quantize_aware, or use other layers there."


def _run(content, tried, i):
    graph = read(content).main
    shapes = [graph.tensors[number].shape for number in graph.inputs]
    given = [images[i].reshape(shape) for images, shape in zip(tried, shapes, strict=True)]
    return run(content, given if len(given) > 1 else given[0], "litert").values


def weakest_layer(floats, content, tried, names, last=()):
    """Returns the name of the layer that adds most noise to its own output, or an empty str if no layer is known.

    Args:
        floats: bytes of the file of floats.
        content: bytes of the file of integers that was made of it.
        tried: list of float arrays `(n, ...)`, one for each input, of which the first is taken.
        names: sequence of str, the layers of the model that was converted.
        last: sequence of str, those that make the outputs, whose tensors have no layer's name.
    """
    want, got = (_by_tensor(file, tried) for file in (floats, content))
    graph, noise, worst = read(content).main, {}, (0.0, "")
    ends = dict(zip(graph.outputs, last, strict=False))
    for operator in graph.operators:
        tensor = graph.tensors[operator.outputs[0]]
        if tensor.name not in want or tensor.name not in got or want[tensor.name].var() < 1e-30:
            continue
        made = np.mean((want[tensor.name] - got[tensor.name]) ** 2) / want[tensor.name].var()
        before = max((noise.get(number, 0.0) for number in operator.inputs), default=0.0)
        noise[operator.outputs[0]] = made
        layer = ends.get(operator.outputs[0]) or layer_of(tensor.name, names) or operator.name
        worst = max(worst, (float(made - before), layer))
    return worst[1]


def _by_tensor(content, tried):
    """What every operator of a file gives for the first image, float64, by the tensor's name."""
    graph, file = read(content).main, File(content)
    numbers = [number for operator in graph.operators for number in operator.outputs]
    numbers = [number for number in dict.fromkeys(numbers) if graph.tensors[number].type in ("INT8", "UINT8", "FLOAT32")]
    file.main.outputs, file.model.signatureDefs = np.array(numbers, "int32"), None
    values = _run(file.packed(), tried, 0)
    return {
        graph.tensors[number].name: array.astype("float64").ravel() for number, array in zip(numbers, values, strict=True)
    }
