# SPDX-License-Identifier: Apache-2.0
"""The .tflite file of a network at any widths, out of a few conversions: for what depends on sizes alone."""

from collections import Counter

import numpy as np

from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.sizes import reshaped

_INT32 = 2  # of constants, by the schema's number


def kinds(units):
    """Returns the numbers of the channels of each kind, `{kind: list}`: those of one kind are made by the same layers.

    Args:
        units: dict by layer of the numbers of its channels, see `keras_unetmm.graph.channels`.
    """
    layers = {}
    for name, numbers in units.items():
        for number in numbers.tolist():
            layers.setdefault(number, Counter())[name] += 1
    found = {}
    for number, names in layers.items():
        found.setdefault(tuple(sorted(names.items())), []).append(number)
    return found


class SizedFiles:
    """Files of a network without some of its channels. Their weights say nothing.

    The sizes in a file are sums of the widths of layers. The first file that lacks channels of a kind is converted, and
    tells which sizes that kind counts in; from then on such files are edited, not converted. A network whose conversion
    takes other operators at other widths is converted each time.

    Attributes:
        content: bytes, the file of the whole network; None before `begin`.
        converted: int, how many files were.
    """

    def __init__(self):
        self.content, self.converted, self.slopes = None, 0, {}

    def begin(self, units, content):
        """Takes the file of the whole network, that others are measured against.

        Args:
            units: see `kinds`.
            content: bytes.
        """
        self.content, self.converted = content, 1
        self.first = {kind: len(numbers) for kind, numbers in kinds(units).items()}
        self.operators, self.whole = _read(content)

    def file(self, units, off, convert):
        """Returns the bytes of a file.

        Args:
            units: see `kinds`, of the network as it is: the whole one, or built again without channels.
            off: set of the numbers of its channels that are off.
            convert: function that returns the bytes of the network's file without these.
        """
        left = Counter({kind: len(set(numbers) - off) for kind, numbers in kinds(units).items()})
        gone = {kind: count - left[kind] for kind, count in self.first.items() if count != left[kind]}
        unknown = [kind for kind in gone if self.slopes.get(kind) is None]
        if not unknown:
            return self._edited(gone)
        content = convert()
        self.converted += 1
        if len(unknown) == 1 and unknown[0] not in self.slopes:
            self.slopes[unknown[0]] = self._slope(unknown[0], gone, content)
        return content

    def _slope(self, kind, gone, content):
        """How much one channel of a kind adds to each size, by a file without some; None where no whole number does."""
        operators, sizes = _read(content)
        if operators != self.operators or sizes.keys() != self.whole.keys():
            return None
        expected, found = self._sizes({other: count for other, count in gone.items() if other != kind}), {}
        for key, size in sizes.items():
            slope, rest = np.divmod(expected[key] - size, gone[kind])
            if rest.any():
                return None
            if slope.any():
                found[key] = slope
        return found

    def _sizes(self, gone):
        sizes = {key: size.copy() for key, size in self.whole.items()}
        for kind, count in gone.items():
            for key, slope in self.slopes[kind].items():
                sizes[key] -= count * slope
        return sizes

    def _edited(self, gone):
        file = File(self.content)
        for (graph, index, what), size in self._sizes(gone).items():
            if (size == self.whole[graph, index, what]).all():
                continue
            tensor = file.model.subgraphs[graph].tensors[index]
            if what == "shape":
                reshaped(file, tensor, size)
            else:
                tensor.buffer = file.add_buffer(size.astype("<i4"))
        return file.packed()


def _read(content):
    """A file's operators and what they read, and its sizes: shapes of tensors, and constants that are sizes themselves."""
    file, operators, sizes = File(content), [], {}
    for g, graph in enumerate(file.model.subgraphs):
        codes = file.model.operatorCodes
        operators += [(int(codes[op.opcodeIndex].builtinCode), *map(int, op.inputs)) for op in graph.operators]
        for i, tensor in enumerate(graph.tensors):
            if tensor.shape is None or not len(tensor.shape):
                continue
            sizes[g, i, "shape"] = np.array(tensor.shape, "int64")
            data = file.model.buffers[tensor.buffer].data
            scaled = tensor.quantization is not None and tensor.quantization.scale is not None
            if tensor.type == _INT32 and not scaled and data is not None and len(data):
                sizes[g, i, "values"] = np.frombuffer(np.asarray(data, "uint8").tobytes(), "<i4").astype("int64")
    ranks = [(key, len(size)) for key, size in sizes.items()]
    return (operators, ranks), sizes
