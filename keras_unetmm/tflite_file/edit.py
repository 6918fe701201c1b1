# SPDX-License-Identifier: Apache-2.0
"""Changing a .tflite file without losing anything in it: unpacked, edited in place, packed again."""

import copy

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.tflite_file.graph import DAMAGE, PLAN, TFLiteFileError

_ALIGNMENT = 16  # bytes, of constants in the file: kernels read them where they lie


class _AlignedBuffer(schema.BufferT):
    """A buffer whose bytes lie aligned in the file; the schema's own packing leaves them at multiples of four."""

    def Pack(self, builder):
        data = None
        if self.data is not None and len(self.data):
            content = np.ascontiguousarray(self.data, "uint8").tobytes()
            builder.StartVector(1, len(content), _ALIGNMENT)
            builder.head -= len(content)
            builder.Bytes[builder.head : builder.head + len(content)] = content
            data = builder.EndVector()
        schema.BufferStart(builder)
        if data is not None:
            schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


class File:
    """A .tflite file that can be edited: `model` is the schema's own object, every field of which is kept.

    Constants that lie behind the tables of very large files are taken in.

    Raises:
        TFLiteFileError: if the file is damaged.
    """

    def __init__(self, content):
        try:
            self._unpack(content)
        except DAMAGE as error:  # in what only an edited file is asked for, such as signatures
            raise TFLiteFileError(
                f"file is damaged: a table in it cannot be unpacked ({type(error).__name__}: {error}). Convert it again."
            ) from error

    def _unpack(self, content):
        self.model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
        for i, buffer in enumerate(self.model.buffers):
            data = buffer.data
            if buffer.offset > 1:
                data = np.frombuffer(content, "uint8")[buffer.offset : buffer.offset + buffer.size]
            self.model.buffers[i] = _AlignedBuffer()
            self.model.buffers[i].data = data
        self._inline_custom_options(content)

    @property
    def main(self):
        """The subgraph that runs, a schema `SubGraphT`."""
        return self.model.subgraphs[0]

    def packed(self):
        """Returns the bytes of the file."""
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def reorder(self, positions):
        """Puts the main graph's operators into that order."""
        self.main.operators = [self.main.operators[position] for position in positions]

    def set_plan(self, offsets):
        """Writes an offset for every tensor of all graphs, -1 for those the runtime places; replaces an existing plan."""
        count = sum(len(graph.tensors or ()) for graph in self.model.subgraphs)
        plan = np.full(3 + count, -1, "<i4")
        plan[:3] = 1, len(self.model.subgraphs), count
        for tensor, offset in offsets.items():
            plan[3 + tensor] = offset
        self.set_metadata(PLAN, plan)

    def remove_plan(self):
        """Drops the plan that the file holds, if any."""
        self._remove_metadata(PLAN)

    def set_metadata(self, name, array):
        """Writes an array under a name, in bytes, in place of what is there under it."""
        self._remove_metadata(name)
        entry = schema.MetadataT()
        entry.name, entry.buffer = name, self.add_buffer(array)
        self.model.metadata = [*(self.model.metadata or []), entry]

    def _remove_metadata(self, name):
        self.model.metadata = [entry for entry in self.model.metadata or [] if entry.name != name] or None

    def prune(self):
        """Drops tensors of the main graph and constants that nothing uses any more; TFLM gives arena to the former."""
        graph = self.main
        used = {
            int(i) for op in graph.operators for part in (op.inputs, op.outputs, op.intermediates) for i in _listed(part)
        }
        used |= {int(i) for i in (*_listed(graph.inputs), *_listed(graph.outputs))}
        signatures = [s for s in self.model.signatureDefs or [] if s.subgraphIndex == 0]
        entries = [e for s in signatures for e in (*(s.inputs or []), *(s.outputs or []))]
        used |= {entry.tensorIndex for entry in entries}
        used.discard(-1)
        new = {old: position for position, old in enumerate(sorted(used))}
        new[-1] = -1
        graph.tensors = [graph.tensors[old] for old in sorted(used)]
        for owner, names in [
            (graph, ("inputs", "outputs")),
            *((op, ("inputs", "outputs", "intermediates")) for op in graph.operators),
        ]:
            for name in names:
                if getattr(owner, name) is not None:
                    setattr(owner, name, np.array([new[int(i)] for i in getattr(owner, name)], "int32"))
        for entry in entries:
            entry.tensorIndex = new[entry.tensorIndex]
        self._prune_buffers()

    def prune_codes(self):
        """Drops codes of operators that no graph has any more."""
        used = sorted({operator.opcodeIndex for graph in self.model.subgraphs for operator in graph.operators})
        self.model.operatorCodes = [self.model.operatorCodes[index] for index in used]
        for graph in self.model.subgraphs:
            for operator in graph.operators:
                operator.opcodeIndex = used.index(operator.opcodeIndex)

    def _prune_buffers(self):
        holders = [tensor for graph in self.model.subgraphs for tensor in graph.tensors or []] + (self.model.metadata or [])
        kept = sorted({0, *(holder.buffer for holder in holders), *_listed(self.model.metadataBuffer)})
        new = {old: position for position, old in enumerate(kept)}
        self.model.buffers = [self.model.buffers[old] for old in kept]
        moved = set()
        for holder in holders:
            if id(holder) not in moved:
                moved.add(id(holder))
                holder.buffer = new[holder.buffer]
        if self.model.metadataBuffer is not None:
            self.model.metadataBuffer = [new[old] for old in self.model.metadataBuffer]

    def add_buffer(self, array):
        """Adds a constant and returns its index."""
        buffer = _AlignedBuffer()
        buffer.data = np.frombuffer(np.ascontiguousarray(array).tobytes(), "uint8")
        self.model.buffers.append(buffer)
        return len(self.model.buffers) - 1

    def constant(self, index):
        """Returns the bytes of a constant tensor of the main graph as uint8, or None if an operator computes it."""
        return self.model.buffers[self.main.tensors[index].buffer].data

    def add_tensor(self, like, shape, suffix, data=None, quantization=None):
        """Adds a tensor like another one of the main graph but for its shape, name and constant; returns its index."""
        tensor = copy.copy(self.main.tensors[like])
        tensor.name = (tensor.name or b"") + suffix.encode()
        tensor.shape, tensor.shapeSignature = np.asarray(shape, "int32"), None
        tensor.buffer = 0 if data is None else self.add_buffer(data)
        if quantization is not None:
            tensor.quantization = quantization
        self.main.tensors.append(tensor)
        return len(self.main.tensors) - 1

    def operator_code(self, builtin, version):
        """Returns the index of a built-in operator's code, adding it if the file lacks it."""
        for i, code in enumerate(self.model.operatorCodes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == builtin:
                code.version = max(code.version, version)
                return i
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = builtin, min(builtin, 127), version
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def operator(self, builtin, version, inputs, output, options):
        """Returns a built-in operator with one output; where it runs is up to the caller. `options` may be None."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self.operator_code(builtin, version)
        operator.inputs, operator.outputs = np.array(inputs, "int32"), np.array([output], "int32")
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
        return operator

    def _inline_custom_options(self, content):
        for graph in self.model.subgraphs:
            for operator in graph.operators or []:
                if operator.largeCustomOptionsOffset > 1:
                    end = operator.largeCustomOptionsOffset + operator.largeCustomOptionsSize
                    operator.customOptions = np.frombuffer(content, "uint8")[operator.largeCustomOptionsOffset : end]
                    operator.largeCustomOptionsOffset = operator.largeCustomOptionsSize = 0


def _listed(indices):
    return () if indices is None else indices
