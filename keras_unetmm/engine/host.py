# SPDX-License-Identifier: Apache-2.0
"""Runs a .tflite file on this computer through the engine's C."""

from keras_unetmm.engine import process
from keras_unetmm.engine.lower import lower
from keras_unetmm.engine.schedule import whole
from keras_unetmm.engine.sources import hosted_sources
from keras_unetmm.tflite_file import graph as tflite_graph


def run(content, inputs, tables=None, schedule=whole, flags=process.FLAGS):
    """Returns the outputs of a file for one list of inputs.

    Args:
        content: path or bytes of a .tflite file.
        inputs: list of numpy arrays of integers, one an input.
        tables: as `keras_unetmm.engine.lower.lower` takes it.
        schedule: function from an `EngineNetwork` to a `Schedule`.
        flags: sequence of str, for the compiler.

    Raises:
        EngineError: if the engine has no kernel for one of its operators.
        HostError: if there is no C compiler, or the program fails.
    """
    network = lower(tflite_graph.read(content).main, tables)
    program = process.built(hosted_sources(schedule(network)), flags)
    return process.run(program, network, [inputs]).outputs[0]
