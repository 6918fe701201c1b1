# SPDX-License-Identifier: Apache-2.0
"""Analysis of a network's file: how much coarser than the image each map is, and what operators read of it."""

import math
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from functools import cached_property

from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.operators.registry import macs, operator_macs, receptive_fields, rules_of
from keras_unetmm.operators.shared.rules import Fields, GlobalOperatorError
from keras_unetmm.program.step import IMAGE, INSIDE, OUTPUT
from keras_unetmm.tflite_file import graph as tflite_graph
from keras_unetmm.tflite_file.names import short_name
from keras_unetmm.tflite_file.operands import Operands

RESERVED = (IMAGE, OUTPUT, INSIDE)  # what a program reads or makes that is no carried map


class TilingError(ValueError):
    """The network, the size or the tile does not fit; the message names what, and what fits."""


class TilingNetwork:
    """The main graph of a .tflite file that takes one image and gives one map.

    Attributes:
        content: bytes of the file.
        graph: `keras_unetmm.tflite_file.graph.Graph`.
        image, output: int, tensors.
        scales: list of `Fraction`, of each tensor: places of the image from one of its places to the next; None for
            constants and for what has no places, such as means over the map.
        receptive_fields: list of a pair of `ReceptiveField`s an operator; None where it cannot run tile by tile.
        reasons: dict from an operator's position to why it cannot.

    Raises:
        TilingError: if the file takes or gives something else than one map.
        TFLiteFileError: if it is damaged.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.graph = tflite_graph.read(content).main
        try:
            self._read()
        except (TilingError, tflite_graph.TFLiteFileError):
            raise
        except tflite_graph.DAMAGE as error:
            raise tflite_graph.TFLiteFileError(
                f"file is damaged: an operator in it lacks what is read of it ({type(error).__name__}: {error}). Convert it "
                "again."
            ) from error

    def _read(self) -> None:
        """Goes through the operators in their order."""
        tensors = self.graph.tensors
        if len(self.graph.inputs) != 1 or len(self.graph.outputs) != 1 or len(tensors[self.graph.inputs[0]].shape) != 4:
            raise TilingError(
                "model must take one image and give one map. Received: inputs of the shapes "
                f"{[tensors[i].shape for i in self.graph.inputs]}, outputs {[tensors[i].shape for i in self.graph.outputs]}."
            )
        self.image, self.output = self.graph.inputs[0], self.graph.outputs[0]
        image = tensors[self.image]
        if image.data is not None:
            raise TilingError(f"model must take its image from outside. Received: the constant {image.name!r} for one.")
        if 0 in image.shape:
            raise TilingError(f"model must take an image that is not empty. Received: one of the shape {image.shape}.")
        if image.shape[0] != 1:
            raise TilingError(f"model must take one image at a time. Received: {image.shape[0]}.")
        self.producers = {index: position for position, op in enumerate(self.graph.operators) for index in op.outputs}
        self.scales: list[Fraction | None] = [None] * len(tensors)
        self.scales[self.image] = Fraction(1)
        self.receptive_fields: list[Fields | None] = []
        self.reasons: dict[int, str] = {}
        made = {i for i, tensor in enumerate(tensors) if tensor.data is not None} | {-1, self.image}
        for position, operator in enumerate(self.graph.operators):
            if not made >= set(operator.inputs):
                raise tflite_graph.TFLiteFileError(
                    f"file is damaged: {self.label(position)}, reads what no operator before it makes. Convert it again."
                )
            made |= set(operator.outputs)
            if not self.maps(operator.inputs):
                raise TilingError(
                    f"model must compute with its image. Received: {self.label(position)}, which reads constants alone. Put "
                    "what it makes into the file in its place."
                )
            self._add(position, operator)
        if self.scales[self.output] is None:
            raise TilingError(f"model must give a map. Received: an output of the shape {tensors[self.output].shape}.")
        macs(self.graph)  # of an operator that lacks what is counted

    def maps(self, indices: Iterable[int]) -> list[int]:
        """Returns the indices of what is computed, without constants and absent tensors."""
        return [i for i in indices if i >= 0 and self.graph.tensors[i].data is None]

    @cached_property
    def names(self) -> list[str]:
        """A name for each tensor that a person can read; no two maps' are alike."""
        short = [short_name(tensor.name) for tensor in self.graph.tensors]
        often = Counter([*(short[i] for i in self.maps(range(len(short)))), *2 * RESERVED])
        return [name if often[name] < 2 else f"{name} ({i})" for i, name in enumerate(short)]

    def label(self, position: int) -> str:
        """Returns an operator's number, name and the layer that it comes from."""
        operator = self.graph.operators[position]
        name = self.graph.tensors[operator.outputs[0]].name.split(";")[-1]
        return f"operator {position}, {operator.name}, of {name}"

    def scales_of(self, position: int) -> list[Fraction]:
        """Returns the scales of an operator's maps."""
        operator = self.graph.operators[position]
        found = (self.scales[i] for i in self.maps((*operator.inputs, *operator.outputs)))
        return [scale for scale in found if scale is not None]

    def pads(self, position: int) -> bool:
        """Returns whether an operator reads zeros beyond the border of its input.

        Raises:
            TilingError: if it reads something else there.
        """
        operator, pair = self.graph.operators[position], self.fields(position)
        beyond = any(r.before > 0 or r.between or r.extent > r.stride for r in pair)
        if operator.name == "PAD":
            beyond = any(Operands(self.graph, operator).numbers(1))
        if not beyond or (rules_of(operator).padding and operator.options.Padding() == schema.Padding.VALID):
            return False
        kind = {self.graph.tensors[i].type for i in self.maps(operator.inputs)}
        if not rules_of(operator).zero_padding or kind != {"INT8"}:
            raise TilingError(
                f"border='same' needs operators that pad int8 with zeros. Received: {self.label(position)}, which does not. "
                "Use border='once', or a convolution, pooling by its stride, or resizing to the nearest pixel."
            )
        makers = {self.graph.operators[self.producers[i]].name for i in self.maps(operator.inputs) if i in self.producers}
        if "PAD" in makers:  # whose places are not those of a mask
            raise TilingError(
                f"border='same' needs maps that are padded once. Received: {self.label(position)}, which pads what a PAD "
                "made. Use one PAD in place of both."
            )
        return True

    def map_name(self, tensor: int) -> str:
        """Returns the name of a map that a person can read."""
        return IMAGE if tensor == self.image else self.names[tensor]

    def scale(self, tensor: int) -> Fraction:
        """Returns how many pixels of the image a place of a map stands for.

        Raises:
            TilingError: if the tensor is no map.
        """
        scale = self.scales[tensor]
        if scale is None:
            raise TilingError(f"{self.names[tensor]} must be a map, with rows and columns. Received: another tensor.")
        return scale

    def fields(self, position: int) -> Fields:
        """Returns the receptive fields of an operator along rows and columns.

        Raises:
            TilingError: if it cannot run tile by tile.
        """
        pair = self.receptive_fields[position]
        if pair is None:
            raise TilingError(
                f"{self.label(position)}, must run tile by tile. Received: one that cannot, since {self.reasons[position]}."
            )
        return pair

    def shape(self, tensor: int, size: Iterable[int]) -> tuple[int, ...]:
        """Returns the shape of a map for an image of `size`, without the axis of images."""
        places = (int(length / self.scale(tensor)) for length in size)
        return (*places, *self.graph.tensors[tensor].shape[3:])

    def bytes(self, tensor: int, size: Iterable[int]) -> int:
        """Returns the bytes of a map for an image of `size`."""
        found = self.graph.tensors[tensor]
        return math.prod((found.shape[0], *self.shape(tensor, size))) * found.element_bytes

    def place_bytes(self, tensor: int) -> int:
        """Returns the bytes of one place of a map, all its channels."""
        found = self.graph.tensors[tensor]
        return math.prod(found.shape[3:]) * found.element_bytes

    def macs(self, position: int, places: int) -> int:
        """Returns the multiply-accumulates of an operator that makes that many places."""
        operator = self.graph.operators[position]
        made = self.graph.tensors[operator.outputs[0]].shape
        return operator_macs(self.graph, operator) * places // math.prod(made[1:3])

    def _add(self, position: int, operator: tflite_graph.Operator) -> None:
        try:
            pair = receptive_fields(self.graph, operator)
            scale = self._scale_made(operator, pair)
        except GlobalOperatorError as error:
            self.reasons[position] = str(error)
            self.receptive_fields.append(None)
            self._find_scales(operator)
            return
        self.receptive_fields.append(pair)
        for index in operator.outputs:
            self.scales[index] = scale

    def _scale_made(self, operator: tflite_graph.Operator, pair: Fields) -> Fraction | None:
        """The scale of what an operator makes of maps, place by place; None if it reads no map."""
        scales = {self.scales[i] for i in self.maps(operator.inputs)} - {None}
        if len(scales) > 1:
            raise GlobalOperatorError("its inputs differ in resolution")
        read = next(iter(scales), None)
        if read is None:
            return None
        rows, columns = pair
        if rows.stride != columns.stride or rows.factor != columns.factor:
            raise GlobalOperatorError("its strides differ for rows and columns")
        made = read * rows.stride / rows.factor
        self._check_regular(operator, made)
        return made

    def _find_scales(self, operator: tflite_graph.Operator) -> None:
        """Tells by their shapes which outputs are maps: in the bottleneck any operator may run."""
        size = self.graph.tensors[self.image].shape[1:3]
        for index in operator.outputs:
            shape = self.graph.tensors[index].shape
            found = {Fraction(a, b) for a, b in zip(size, shape[1:3], strict=False)} if len(shape) == 4 else set()
            if len(found) == 1 and max(shape[1:3]) > 1:
                self.scales[index] = found.pop()

    def _check_regular(self, operator: tflite_graph.Operator, scale: Fraction) -> None:
        """Raises unless each output is as large as the image over the scale; what is padded is cut later."""
        if operator.name == "PAD":
            return
        size = [length / scale for length in self.graph.tensors[self.image].shape[1:3]]
        for index in operator.outputs:
            if list(self.graph.tensors[index].shape[1:3]) != size:
                raise GlobalOperatorError(
                    f"its output has {self.graph.tensors[index].shape[1:3]} places, where the image has "
                    f"{self.graph.tensors[self.image].shape[1:3]} and each stands for {scale}. Use padding='same', and "
                    "convert at a size that the network's levels divide"
                )
