# SPDX-License-Identifier: Apache-2.0
"""Scales at which every interpreter multiplies alike.

MUL multiplies its integers by `scale1 * scale2 / scale`. LiteRT finds that number in float32, TFLM in float64; where their
last bits differ, so do results that lie half-way between two integers, a few in a million, and the layers behind
amplify them. Other scales, apart by less than two parts in 10,000, give both the same number.
"""

import numpy as np

from keras_unetmm.conversion.ranges import alike
from keras_unetmm.tflite_file.edit import File

_STEPS = 1600  # of float32, which are 6e-8 to 1.2e-7 of the scale each
_ROUNDS = 8
_FIXED = ("LOGISTIC", "SOFTMAX", "TANH", "L2_NORMALIZATION")  # whose kernels know one scale only


def with_equal_multipliers(content, graph):
    """Returns a .tflite file whose products are the same, bit by bit, on LiteRT's reference kernels and on TFLM.

    A product stays as it is where no scale of it may change: those of the file's input and output, and the fixed ones of
    some kernels.

    Args:
        content: bytes of a quantised file.
        graph: the same file as `keras_unetmm.tflite_file.graph.Graph`.
    """
    scales = _Scales(graph)
    for _ in range(_ROUNDS):
        unequal = [product for product in scales.products if not scales.equal(product)]
        for product in unequal:
            scales.mend(product)
        if not unequal:
            break
    file = File(content)
    for number, scale in scales.of.items():
        quantization = file.main.tensors[number].quantization
        if np.float32(quantization.scale[0]) != scale:
            quantization.scale = np.array([scale], "float32")
    return file.packed()


class _Scales:
    """The scales of all tensors that have one, by number; those between which bytes are only moved change together."""

    def __init__(self, graph):
        self.of = {i: np.float32(tensor.scales[0]) for i, tensor in enumerate(graph.tensors) if len(tensor.scales) == 1}
        self.groups = {i: group for group in alike(graph, ("INT8", "UINT8", "INT16")) for i in group}
        self.fixed = {*graph.inputs, *graph.outputs, *(o for op in graph.operators if op.name in _FIXED for o in op.outputs)}
        products = [(*op.inputs, *op.outputs) for op in graph.operators if op.name == "MUL"]
        self.products = [product for product in products if self.of.keys() >= set(product)]

    def equal(self, product):
        """Whether both interpreters find the same multiplier."""
        first, second, output = (self.of[number] for number in product)
        narrow, wide = np.float64(first * second / output), np.float64(first) * np.float64(second) / np.float64(output)
        return _fixed_point(narrow) == _fixed_point(wide)

    def mend(self, product):
        """Changes one scale of a product, if it can be without harm to others; else one that others can do without."""
        for careful in (True, False):
            for number in reversed(product):
                group = self.groups.get(number, [number])
                if not self.fixed & set(group) and self._move(product, group, careful):
                    return

    def _move(self, product, group, careful):
        others = [p for p in self.products if p != product and set(p) & set(group) and self.equal(p)] if careful else []
        start = self.of[group[0]]
        for scale in _near(start):
            self.of.update(dict.fromkeys(group, scale))
            if self.equal(product) and all(map(self.equal, others)):
                return True
        self.of.update(dict.fromkeys(group, start))
        return False


def _near(scale):
    """The numbers of float32 around one, the nearest first."""
    up = down = scale
    for _ in range(_STEPS):
        up, down = np.nextafter(up, np.float32(np.inf)), np.nextafter(down, np.float32(0))
        yield up
        yield down


def _fixed_point(real):
    """A multiplier of 31 bits and its exponent, as the kernels round it."""
    fraction, exponent = np.frexp(real)
    return int(np.round(fraction * 2**31)), int(exponent)
