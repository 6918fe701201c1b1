# SPDX-License-Identifier: Apache-2.0
"""A part of a network as a .tflite file of its own, with the whole network's weights and scales."""

from collections.abc import Collection, Iterable

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.operators.registry import rules_of
from keras_unetmm.program.region import Region
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tiling.analyse import TilingError, TilingNetwork
from keras_unetmm.tiling.part import Key, Mask, Masked, Part, TileOperator


def tile_file(network: TilingNetwork, part: Part) -> bytes:
    """Returns the bytes of a file that computes a `Part` of a `TilingNetwork`.

    Its convolutions have no padding. Maps are cut where they are larger than what is read of them.
    """
    file = File(network.content)
    return _Writer(file, network, part).written()


def whole_file(
    network: TilingNetwork, positions: Collection[int], inputs: Iterable[int], outputs: Iterable[int], size: tuple[int, int]
) -> bytes:
    """Returns the bytes of a file that computes some operators on whole maps, padded as in the network.

    Args:
        network: `TilingNetwork`.
        positions, inputs, outputs: of operators; tensors.
        size: `(height, width)` of the image, which may be another one than the network was converted for.

    Raises:
        TilingError: if an operator there is bound to the size for which the network was converted.
    """
    file = File(network.content)
    originals = file.main.operators
    if size != tuple(network.graph.tensors[network.image].shape[1:3]):
        for position in positions:
            _resize(file, network, position, size)
        for tensor in inputs:
            _set_shape(file, network, tensor, size)
    return _packed(file, [originals[position] for position in sorted(positions)], inputs, outputs)


class _Writer:
    """Goes through a part's steps and remembers which tensor of the file holds which region of a map."""

    def __init__(self, file: File, network: TilingNetwork, part: Part) -> None:
        self.file, self.network, self.part = file, network, part
        self.originals = file.main.operators
        self.operators: list[schema.OperatorT] = []
        self.held: dict[Key, int] = {}  # the tensor that holds a map, by its key
        self.cuts: dict[tuple[Key, Region], int] = {}  # the tensor that holds a region of it, by key and region

    def written(self) -> bytes:
        inputs = [self._input(key, region) for key, region in self.part.inputs.items()]
        for step in self.part.operators:
            self._step(step)
        outputs = [self._region(key, region) for key, region in self.part.outputs.items()]
        return _packed(self.file, self.operators, inputs, outputs)

    def _input(self, key: int | Mask, region: Region) -> int:
        if isinstance(key, Mask):
            quantization = schema.QuantizationParametersT()
            quantization.scale, quantization.zeroPoint = np.array([1], "float32"), np.array([0], "int64")
            image, shape = self.network.image, (1, *region.shape, 1)
            self.held[key] = self.file.add_tensor(image, shape, f"/inside{key.scale}", quantization=quantization)
            self.file.main.tensors[self.held[key]].type = schema.TensorType.INT8
        else:
            self._shape(key, region)
            self.held[key] = key
        return self.held[key]

    def _step(self, step: TileOperator) -> None:
        region = self.part.made[step.outputs[0]]
        if step.position is None:
            (source,) = step.inputs
            inputs = [self._region(key, region) for key in (source, Mask(self.network.scales[source]))]
            shape = (1, *region.shape, self._channels(source))
            output = self.file.add_tensor(source, shape, "/masked")
            self.held[step.outputs[0]] = output
            options = schema.MulOptionsT()
            self.operators.append(self.file.operator(schema.BuiltinOperator.MUL, 2, inputs, output, options))
            return
        source = self.network.graph.operators[step.position]
        if source.name == "PAD":  # the halo is there already
            self.held[source.outputs[0]] = self._region(step.inputs[0], step.needed)
            return
        operator, read = self.originals[step.position], {_tensor(key): key for key in step.inputs}
        operator.inputs = np.array(
            [self._region(read[i], step.needed) if i in read else i for i in map(int, operator.inputs)], "int32"
        )
        if rules_of(source).padding:
            operator.builtinOptions.padding = schema.Padding.VALID
        _set_sizes(self.file, operator, source, region.shape)
        for index in source.outputs:
            self._shape(index, region)
            self.held[index] = index
        self.operators.append(operator)

    def _region(self, key: Key, region: Region) -> int:
        """The tensor that holds a region of a map, cut out if the map is larger."""
        whole = self.part.made[key]
        if region == whole:
            return self.held[key]
        if (key, region) not in self.cuts:
            source = self.held[key]
            shape = list(self.file.main.tensors[source].shape)
            begin, size = [0] * len(shape), list(shape)
            for axis, (outer, inner) in enumerate(zip(whole, region, strict=True), 1):
                begin[axis], size[axis] = inner[0] - outer[0], inner[1] - inner[0]
            output = self.file.add_tensor(source, size, "/cut")
            places = [_integers(self.file, source, values) for values in (begin, size)]
            self.operators.append(
                self.file.operator(schema.BuiltinOperator.SLICE, 2, [source, *places], output, schema.SliceOptionsT())
            )
            self.cuts[key, region] = output
        return self.cuts[key, region]

    def _shape(self, tensor: int, region: Region) -> None:
        kept = self.file.main.tensors[tensor]
        kept.shape = np.array([1, *region.shape, *list(kept.shape)[3:]], "int32")
        kept.shapeSignature = None

    def _channels(self, tensor: int) -> int:
        return self.network.graph.tensors[tensor].shape[-1]


def _tensor(key: Key) -> Key:
    return key.tensor if isinstance(key, Masked) else key


def _resize(file, network, position, size):
    """Gives the outputs of an operator that is done whole the shapes for another size."""
    operator = network.graph.operators[position]
    if position in network.reasons and not rules_of(operator).over_axes and network.scales_of(position):
        _raise_size(network, position, size)
    for tensor in operator.outputs:
        _set_shape(file, network, tensor, size)
        places = network.graph.tensors[tensor].shape[1:-1]
        if network.scales[tensor] is None and any(length > 1 for length in places):
            _raise_size(network, position, size)
    _set_sizes(file, file.main.operators[position], operator, file.main.tensors[operator.outputs[0]].shape[1:3])


def _raise_size(network, position, size):
    tensor = network.graph.tensors[network.image]
    raise TilingError(
        f"size must be that for which the network was converted, {tensor.shape[1]}x{tensor.shape[2]}, for "
        f"{network.label(position)}, is bound to it. Received: {size[0]}x{size[1]}. Convert for that size."
    )


def _set_shape(file, network, tensor, size):
    scale, kept = network.scales[tensor], file.main.tensors[tensor]
    if scale is None:
        return
    converted = network.graph.tensors[network.image].shape[1:3]
    shape = list(kept.shape)
    for axis, (new, old) in enumerate(zip(size, converted, strict=True), 1):
        shape[axis] += int((new - old) / scale)
    kept.shape, kept.shapeSignature = np.array(shape, "int32"), None


def _set_sizes(file, operator, source, places):
    """Gives an operator that is told how large its output is another constant for that."""
    operator.inputs = np.array(operator.inputs)  # as read it cannot be written to
    if source.name.startswith("RESIZE_"):
        operator.inputs[1] = file.add_tensor(source.inputs[1], [2], "/size", np.array(places, "<i4"))
    if source.name == "TRANSPOSE_CONV":
        shape = np.array(file.constant(source.inputs[0])).view("<i4").copy()
        shape[1:3] = places
        operator.inputs[0] = file.add_tensor(source.inputs[0], [4], "/size", shape)


def _integers(file, like, values):
    index = file.add_tensor(like, [len(values)], "/places", np.array(values, "<i4"))
    file.main.tensors[index].type, file.main.tensors[index].quantization = schema.TensorType.INT32, None
    return index


def _packed(file, operators, inputs, outputs):
    graph = file.main
    graph.operators = operators
    graph.inputs, graph.outputs = np.array(inputs, "int32"), np.array(outputs, "int32")
    file.model.signatureDefs, file.model.metadata, file.model.metadataBuffer = None, None, None
    file.prune()
    return file.packed()
