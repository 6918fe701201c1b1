# SPDX-License-Identifier: Apache-2.0
"""The dense block of the One Hundred Layers Tiramisu (arXiv 1611.09326), and its form with Select-Attend-Transfer gates.

Written from the papers, section 3 and table 1, and section 2 and figure 4 of SAT (arXiv 1804.05181).
"""

from typing import Any

import keras

from keras_unetmm.keras_types import Config, Initializer
from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.normalization import normalization
from keras_unetmm.layers.rank import layer
from keras_unetmm.layers.select import select_activation, select_initializer, select_sparsity
from keras_unetmm.layers.select_attend_transfer import gate
from keras_unetmm.types import Shape, Tensor

GATES = ("full", "sat", "at", "st")


@keras.saving.register_keras_serializable("keras_unetmm")
class DenseLayer(Composite):
    """Batch norm, ReLU, a 3x3 (3x3x3) convolution with bias, dropout: `growth` new channels.

    Args:
        growth: int, the paper's k.
        dropout: float, rate.
        kernel_size: int; 1 in the transitions down.

    Shape: `(N, *spatial, C) -> (N, *spatial, growth)`, two or three spatial axes.

    Examples:
        >>> layers.DenseLayer(growth=4)(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 4)
    """

    def __init__(self, growth: int, dropout: float = 0.2, kernel_size: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.growth = growth
        self.dropout = dropout
        self.kernel_size = kernel_size
        self.input_spec = keras.layers.InputSpec(min_ndim=4, max_ndim=5)

    def build(self, input_shape: Shape) -> None:
        dtype = {"dtype": self.dtype_policy.name}
        start = {"padding": "same", "kernel_initializer": "he_uniform", **dtype}
        self.norm = normalization("batch", name="norm", **dtype)
        self.relu = keras.layers.ReLU(name="relu", **dtype)
        self.conv = layer("convolution", len(input_shape) - 2, self.growth, self.kernel_size, name="conv", **start)
        self.drop = keras.layers.Dropout(self.dropout, name="drop", **dtype)
        self.norm.build(input_shape)
        self.conv.build(input_shape)

    def call(self, x: Tensor) -> Tensor:
        return self.drop(self.conv(self.relu(self.norm(x))))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.growth)


@keras.saving.register_keras_serializable("keras_unetmm")
class DenseBlock(Composite):
    """Dense layers, each of which reads the block's input and the outputs of all layers before it.

    With gates, a layer reads whole what comes right before it; every connection that jumps over a layer carries what
    a gate makes of the map instead, for `"sat"` one attention map. A map has one gate, whose output all later
    layers read. The block's output is made of whole maps all the same. Figure 4 of the paper does not settle the
    last two, and its published counts could not be reached by any reading.

    Args:
        depth: int, how many layers.
        growth: int, new channels of each layer.
        dropout: float, rate.
        include_input: bool, whether the output begins with the block's input, as before a transition down; after
            which, on the way up, only the new channels go on.
        gates: `"full"` (none), `"sat"`, `"at"` or `"st"`.
        gate_initializer, gate_activation, gate_sparsity: of the weights that select channels, see `Select`.

    Shape: `(N, *spatial, C) -> (N, *spatial, depth * growth)`, plus C with `include_input`.

    Raises:
        ValueError: for an unknown gate, initializer or activation, or a sparsity below 0.

    Examples:
        >>> layers.DenseBlock(depth=3, growth=4)(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 20)
    """

    def __init__(
        self,
        depth: int,
        growth: int,
        dropout: float = 0.2,
        include_input: bool = True,
        gates: str = "full",
        gate_initializer: float | Initializer = "glorot_uniform",
        gate_activation: str = "truncated_relu",
        gate_sparsity: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if gates not in GATES:
            raise ValueError(f"gates must be one of {', '.join(map(repr, GATES))}. Received: {gates!r}.")
        self.depth = depth
        self.growth = growth
        self.dropout = dropout
        self.include_input = include_input
        self.gates = gates
        self.gate_initializer = select_initializer(gate_initializer)
        self.gate_activation = select_activation(gate_activation)
        self.gate_sparsity = select_sparsity(gate_sparsity)
        self.input_spec = keras.layers.InputSpec(min_ndim=4, max_ndim=5)

    def get_config(self) -> Config:
        names = ("depth", "growth", "dropout", "include_input", "gates", "gate_activation", "gate_sparsity")
        own = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **own, "gate_initializer": keras.initializers.serialize(self.gate_initializer)}

    def build(self, input_shape: Shape) -> None:
        *outer, given = input_shape
        dtype = {"dtype": self.dtype_policy.name}
        new = (*outer, self.growth)
        self.dense, self.carry, self.join = [], [], []
        jumped = 0  # channels that arrive over connections that jump over a layer
        for i in range(self.depth):
            before = given if i == 0 else self.growth
            self.dense.append(DenseLayer(self.growth, self.dropout, name=f"layer{i}", **dtype))
            self.dense[i].build((*outer, jumped + before))
            if i > 0:
                self.join.append(keras.layers.Concatenate(name=f"join{i}", **dtype))
            if self.gates != "full" and i < self.depth - 1:
                selecting = (self.gate_initializer, self.gate_activation, self.gate_sparsity)
                self.carry.append(gate(self.gates, *selecting, name=f"gate{i}", **dtype))
                self.carry[i].build((*outer, before))
            jumped += 1 if self.gates in ("sat", "at") else before
        self.output_join = keras.layers.Concatenate(name="join", **dtype)
        self.output_join.build([input_shape] * self.include_input + [new] * self.depth)

    def call(self, x: Tensor) -> Tensor:
        maps, carried = [x], []
        for i, dense in enumerate(self.dense):
            maps.append(dense(self.join[i - 1]([*carried, maps[-1]]) if i > 0 else x))
            if i < len(self.dense) - 1:
                carried.append(self.carry[i](maps[-2]) if self.carry else maps[-2])
        outputs = maps if self.include_input else maps[1:]
        return self.output_join(outputs) if len(outputs) > 1 else outputs[0]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], input_shape[-1] * self.include_input + self.depth * self.growth)
