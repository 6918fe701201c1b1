# SPDX-License-Identifier: Apache-2.0
"""From a .tflite file's graph to the engine's network: a kernel for every operator, views where nothing is computed."""

import math

import numpy as np

from keras_unetmm.engine.chains import chains
from keras_unetmm.engine.kernels import KERNELS, pointwise, table
from keras_unetmm.engine.kernels.kernel import All, NoKernelError, Window, raster
from keras_unetmm.engine.limits import excess
from keras_unetmm.engine.network import COMPUTES, EngineNetwork, Operator, reader, writer

_ALIASES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
_LARGEST_BLOCK = 255  # of a depth-to-space that is a view
_INTEGERS = {"INT8", "INT16", "INT32", "INT64", "UINT8", "BOOL"}


class EngineError(ValueError):
    """The engine cannot run this network; the message says which operator is in the way, and what to do."""


def lower(graph, tables=None):
    """Returns the `EngineNetwork` of a graph.

    Args:
        graph: `Graph` of a .tflite file whose shapes are fixed.
        tables: function from the bytes of a small .tflite file with one int8 input of 256 values to its 256 output bytes,
            as an interpreter computes them; None where no operator needs it.

    Raises:
        EngineError: if an operator has no kernel, a map is not of integers, or the engine's tables cannot hold a number.
    """
    lowered = _Lowering(graph, tables, frozenset())
    while copied := lowered.unseen():
        lowered = _Lowering(graph, tables, lowered.copied | copied)
    if (said := excess(lowered.network)) is not None:
        raise EngineError(said)
    return lowered.network


class _Lowering:
    """One try; `copied` are tensors that a depth-to-space or a split makes and that are no views."""

    def __init__(self, graph, tables, copied):
        self.graph, self.tables, self.copied, self.network = graph, tables, copied, EngineNetwork()
        self.maps = {}  # tensor -> map
        self.reshaped = set()  # maps that were given another shape
        self.chains = {} if tables is None else chains(graph)
        inner = {p for last, chain in self.chains.items() for p in chain if p != last}
        for port, tensor in enumerate(graph.inputs):
            self._read(tensor, port)
        for position in self._needed():
            if position not in inner:
                self._add(position, graph.operators[position])
        for port, tensor in enumerate(graph.outputs):
            self._write(tensor, port)
        self._drop_unread()

    def unseen(self):
        """Returns the tensors that cannot be views, for somebody reads them as a whole or under another shape."""
        read = {m for op in self.network.operators for m, access in op.inputs if isinstance(access, All)}
        read |= self.reshaped
        return frozenset(t for t, m in self.maps.items() if m in read and self._is_part(self.network.maps[m]))

    def _is_part(self, m):
        return m.shuffled or (m.pitch if m.flat else self.network.maps[m.root].bytes) != m.bytes

    def _needed(self):
        """Positions of the operators from which an output follows."""
        wanted, kept = set(self.graph.outputs), []
        for position in reversed(range(len(self.graph.operators))):
            operator = self.graph.operators[position]
            if wanted & set(operator.outputs):
                wanted |= set(operator.inputs[:1] if operator.name in _ALIASES else operator.inputs)  # shapes are the file's
                kept.append(position)
        return kept[::-1]

    def _map(self, tensor):
        """Adds the map of a tensor."""
        entry = self.graph.tensors[tensor]
        if entry.type not in _INTEGERS:
            raise EngineError(
                f"the engine computes with integers. Received: the map {entry.name!r} of {entry.type.lower()}. Convert the "
                "model with integer inputs and outputs, as unetmm convert does."
            )
        self.maps[tensor] = self.network.add_map(entry.name, entry.shape, entry.type, entry.element_bytes)
        return self.maps[tensor]

    def _read(self, tensor, port):
        entry = self.graph.tensors[tensor]
        made = any(tensor in operator.outputs for operator in self.graph.operators)
        if entry.data is not None or made or tensor in self.maps:
            what = (
                "a constant" if entry.data is not None else "which an operator computes" if made else "which is one already"
            )
            raise EngineError(
                f"every input must be given from outside, once. Received: input {port}, {entry.name!r}, {what}. Take it "
                "off the file's inputs."
            )
        read = any(tensor in operator.inputs for operator in self.graph.operators)
        if entry.type not in _INTEGERS and not read:
            raise EngineError(
                f"every input must be of integers. Received: input {port}, {entry.name!r}, of {entry.type.lower()}, which "
                "no operator reads. Take it off the file's inputs."
            )
        number = self._map(tensor)
        self.network.inputs.append(number)
        self.network.operators.append(reader(self.network, number, port))

    def _write(self, tensor, port):
        if tensor not in self.maps:
            raise EngineError(
                f"every output must be computed. Received: output {port}, {self.graph.tensors[tensor].name!r}, a constant."
            )
        number = self.maps[tensor]
        self.network.outputs.append(number)
        self.network.operators.append(writer(self.network, number, port))

    def _add(self, position, operator):
        label = f"operator {position}, {operator.name}"
        if operator.custom or (operator.name not in KERNELS and operator.name not in (*_ALIASES, "SPLIT", "SPLIT_V")):
            raise EngineError(
                f"the engine has no kernel for {label}. Use layers that convert to other operators; "
                "the documentation lists those that the engine runs."
            )
        self._check_scales(label, operator)
        if position in self.chains:
            operators = [self.graph.operators[p] for p in self.chains[position]]
            self._kernel("-".join(op.name for op in operators), table.chain_kernel(self.graph, operators, self.tables))
        elif operator.name in _ALIASES:
            self._check_order(label, operator.inputs[0])
            self._alias(operator.inputs[0], operator.outputs[0])
        elif not self._views(operator):
            kernels = self._kernels(label, operator)
            for kernel in kernels if isinstance(kernels, list) else [kernels]:
                self._kernel(operator.name, kernel)

    def _kernels(self, label, operator):
        try:
            return KERNELS[operator.name](self.graph, operator, self.tables)
        except NoKernelError as error:
            raise EngineError(f"the engine has no kernel for {label}: {error}") from error
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            if isinstance(error, ValueError) and type(error) is not ValueError:
                raise  # an interpreter's, which has words of its own
            raise EngineError(
                f"the engine has no kernel for {label} as the file has it: its tensors and options do not fit each other "
                f"({type(error).__name__}: {error}). Convert the model again."
            ) from error

    def _check_order(self, label, *tensors):
        for tensor in tensors:
            if tensor not in self.maps:
                if self.graph.tensors[tensor].data is not None:
                    raise EngineError(
                        f"every map must follow from an input. Received: {self.graph.tensors[tensor].name!r}, a constant, "
                        f"of which {label} computes. Put what it makes into the file in its place."
                    )
                entry = self.graph.tensors[tensor]
                if entry.variable:
                    raise EngineError(
                        f"the engine keeps nothing from one image to the next. Received: {entry.name!r}, a variable, which "
                        f"{label} reads. Give it as an input, and take it as an output."
                    )
                raise EngineError(
                    f"every map must be made before it is read. Received: {self.graph.tensors[tensor].name!r}, which "
                    f"nothing makes before {label}. Convert the model again."
                )

    def _check_scales(self, label, operator):
        for tensor in (self.graph.tensors[t] for t in (*operator.inputs, *operator.outputs) if t >= 0):
            if not all(map(math.isfinite, tensor.scales)):
                wrong = next(scale for scale in tensor.scales if not math.isfinite(scale))
                raise EngineError(
                    f"every scale must be a finite number. Received: {wrong} for {tensor.name!r} of {label}. Convert the "
                    "model again."
                )

    def _alias(self, source, target):
        """The same bytes under another shape."""
        parent = self.network.maps[self.maps[source]]
        shape = self.graph.tensors[target].shape
        number = self._map(target)
        made = self.network.maps[number]
        channels = parent.bytes // self.graph.tensors[source].element_bytes
        same = raster(shape) == (parent.rows, parent.width, parent.image_rows, channels)
        made.root, made.offset, made.flat = parent.root, parent.offset, parent.flat or not same
        made.down, made.across, made.step, made.pitch = parent.down, parent.across, parent.step, parent.pitch
        if not same:
            self.reshaped.add(self.maps[source])
            made.down = made.across = 1
            made.step = made.pitch = made.bytes

    def _views(self, operator):
        """Makes what an operator only rearranges views of its input; returns whether that was possible."""
        if operator.name in ("SPLIT", "SPLIT_V"):
            return self._split(operator)
        return operator.name == "DEPTH_TO_SPACE" and self._shuffle(operator)

    def _split(self, operator):
        """The parts of a split along the channels."""
        axis_place, source = (0, operator.inputs[1]) if operator.name == "SPLIT" else (2, operator.inputs[0])
        axis = self.graph.tensors[operator.inputs[axis_place]].data
        if axis is None or source not in self.maps or set(operator.outputs) & self.copied:
            return False
        rank = len(self.graph.tensors[source].shape)
        if int(np.frombuffer(axis.tobytes(), "<i4")[0]) % rank != rank - 1:
            return False
        whole, offset = self.network.maps[self.maps[source]], 0
        for tensor in operator.outputs:
            part = self.network.maps[self._map(tensor)]
            part.root, part.offset, part.flat = whole.root, whole.offset + offset, whole.flat
            part.down, part.across, part.step, part.pitch = whole.down, whole.across, whole.step, whole.pitch
            offset += part.bytes
        return True

    def _shuffle(self, operator):
        """Pixels that lie one behind the other in a pixel of the input."""
        source, target, block = operator.inputs[0], operator.outputs[0], operator.options.BlockSize()
        if source not in self.maps or target in self.copied or not 1 < block <= _LARGEST_BLOCK:
            return False
        whole = self.network.maps[self.maps[source]]
        if whole.shuffled:
            return False
        by_rows = whole.root == self.maps[source] and self._by_rows(source, block)
        part = self.network.maps[self._map(target)]
        part.root, part.offset, part.flat = whole.root, whole.offset, whole.flat
        part.down, part.across, part.step, part.pitch = 1 if by_rows else block, block, part.bytes, whole.pitch
        return True

    def _by_rows(self, source, block):
        """Lets a 1x1 convolution that only a shuffle reads make the shuffled rows one by one; returns whether it can.

        Its map then has `block` rows for one, each with a part of the channels, and holds one row less.
        """
        readers = sum(source in operator.inputs for operator in self.graph.operators) + (source in self.graph.outputs)
        op = next((op for op in self.network.operators if op.output == self.maps[source]), None)
        if readers != 1 or op is None or op.kernel is None or not pointwise.fits(op.kernel, block):
            return False
        op.kernel = pointwise.by_rows(op.kernel, block)
        op.inputs = tuple((m, access) for (m, _), (_, access) in zip(op.inputs, op.kernel.inputs, strict=True))
        op.rows, op.image_rows = op.rows * block, op.image_rows * block
        made = self.network.maps[op.output]
        made.rows, made.image_rows, made.bytes, made.step = op.rows, op.image_rows, made.bytes // block, made.bytes // block
        return True

    def _kernel(self, name, kernel):
        self._check_order(name, *(tensor for tensor, _ in kernel.inputs))
        output = self._map(kernel.output)
        made = self.network.maps[output]
        walk = kernel.walk or (made.rows, made.width, made.image_rows)
        if not kernel.accumulates and walk != (made.rows, made.width, made.image_rows):
            output = self._walked(made, walk)
        for place, (_, access) in enumerate(kernel.inputs):
            if isinstance(access, Window) and place:
                raise EngineError(f"{name}: only the first input of a kernel may be read by a window.")
        inputs = tuple((self.maps[tensor], access) for tensor, access in kernel.inputs)
        self.network.operators.append(Operator(name, COMPUTES, inputs, output, *walk, kernel))

    def _walked(self, seen, walk):
        """Adds the map that a kernel makes where its walk is not the output's, as over channels that the output lacks."""
        rows, width, image_rows = walk
        element = seen.bytes // raster(seen.shape)[3]
        shape = (rows // image_rows, image_rows, width, seen.bytes * seen.pixels // (rows * width * element))
        seen.root, seen.flat, seen.pitch = self.network.add_map(seen.name, shape, seen.type, element), True, seen.bytes
        return seen.root

    def _drop_unread(self):
        """Drops operators whose map nobody reads."""
        while True:
            read = {self.network.root(m) for op in self.network.operators for m, _ in op.inputs}
            kept = [op for op in self.network.operators if op.output is None or op.output in read]
            if len(kept) == len(self.network.operators):
                return
            self.network.operators = kept
