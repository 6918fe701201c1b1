"""Running files through the engine in tests: tables of bytes from TFLM, and comparisons with it."""

import numpy as np

from keras_unetmm.engine import process
from keras_unetmm.engine.lower import lower
from keras_unetmm.engine.sources import hosted_sources
from keras_unetmm.interpreters.runtime import run
from keras_unetmm.tflite_file.graph import read

BYTES = np.arange(-128, 128, dtype="int8").reshape(1, 16, 16, 1)


def tables(content):
    """Returns the 256 output bytes of a small file, as TFLM computes them."""
    return run(content, BYTES, runtime="tflm").outputs[0].view("uint8").reshape(-1)


def network_of(content):
    """Returns the engine's network of a file."""
    return lower(read(content).main, tables)


def some_inputs(network, seed=0):
    """Returns lists of inputs: random ones, the least and the largest, and a ramp."""
    rng, runs = np.random.default_rng(seed), []
    for kind in ("random", "least", "largest", "ramp"):
        inputs = []
        for number in network.inputs:
            m = network.maps[number]
            dtype = np.dtype({"INT8": "int8", "INT16": "int16", "INT32": "int32"}[m.type])
            limits = np.iinfo(dtype)
            count = int(np.prod(m.shape))
            values = {
                "random": lambda limits=limits, count=count: rng.integers(limits.min, limits.max, count, endpoint=True),
                "least": lambda limits=limits, count=count: np.full(count, limits.min),
                "largest": lambda limits=limits, count=count: np.full(count, limits.max),
                "ramp": lambda limits=limits, count=count: np.arange(count) % 256 - 128,
            }[kind]()
            inputs.append(values.astype(dtype).reshape(m.shape))
        runs.append(inputs)
    return runs


def expected(content, runs):
    """Returns TFLM's outputs of each run."""
    return [run(content, inputs, runtime="tflm").outputs for inputs in runs]


def ran(schedule, runs, flags=process.FLAGS, step=1_000_000):
    """Returns the engine's `Ran` of a schedule, in steps of so many multiply-accumulates."""
    return process.run(process.built(hosted_sources(schedule), flags), schedule.network, runs, step=step)


def check_equal(schedule, runs, wanted, flags=process.FLAGS, step=1_000_000):
    """Asserts that a schedule gives the wanted bytes and stays within its memory."""
    found = ran(schedule, runs, flags, step)
    assert found.high_water <= schedule.layout.bytes[0]
    for r, (outputs, right) in enumerate(zip(found.outputs, wanted, strict=True)):
        for o, (a, b) in enumerate(zip(outputs, right, strict=True)):
            assert np.array_equal(a, np.asarray(b)), f"{schedule.name}: output {o} of run {r} differs"
