"""Random operators without weights that compute: elementwise, reductions, activations, comparisons."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from engine.kernels.random_files import Drawn

_EXTREMES = ("MAXIMUM", "MINIMUM")
_COMPARISONS = ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")


class Computing(Drawn):
    """Draws operators of one or two maps."""

    def values(self, extreme=False):
        """Returns a random array for every input, in its own type."""
        return [self._values(self.shape(x), self.type(x), extreme) for x in self.graph.inputs]

    def _values(self, shape, kind, extreme):
        if kind == "bool":
            return self.rng.integers(0, 2, shape).astype(bool)
        limits = np.iinfo(kind)
        if extreme:
            return self.rng.choice([limits.min, limits.max], shape).astype(kind)
        return self.rng.integers(limits.min, limits.max, shape, kind, True)

    def drawn(self, kind=None, low=-9, high=-3):
        """Scale and zero point of a map."""
        return {
            "scale": float(2 ** self.rng.uniform(low, high)),
            "zero_point": self.point() if kind in (None, "int8") else 0,
        }

    def sizes(self, most=17, rank=4):
        """A shape of a small map."""
        return (*(self.size(n) for n in (3, 6, 9)[-(rank - 1) :] if rank > 1), self.size(most))

    def two(self, kind=None):
        """The shapes of two maps that may be broadcast, and that of the result."""
        full = self.sizes()
        forms = [full, full, (*full[:3], 1), (1, 1, 1, full[3]), (full[3],), (full[0], 1, 1, full[3]), (1, full[1], 1, 1)]
        forms += [(full[0], 1, full[2], 1), (1,), full[1:]]
        first, second = full, self.pick(*forms)
        if self.rng.random() < 0.1:
            first, second = (full[0], 1, full[2], full[3]), (1, full[1], 1, full[3])
        return (first, second) if self.rng.random() < 0.7 else (second, first)

    def elementwise(self):
        """ADD, SUB, MUL, SQUARED_DIFFERENCE, MAXIMUM or MINIMUM of two maps, or of a map and a constant."""
        name = self.pick("ADD", "SUB", "MUL", "SQUARED_DIFFERENCE", *_EXTREMES)
        (a, b), first, second, output = self.two(), self.drawn(), self.drawn(), self.drawn()
        if name in _EXTREMES:
            second = output = first
        if name == "MUL" and self.rng.random() < 0.5:
            output["scale"] = first["scale"] * second["scale"] * float(2 ** self.rng.uniform(-8, 33))
        x = self.input(*a, **first)
        y = self.constant(*b, **second) if self.rng.random() < 0.4 else self.input(*b, **second)
        made = self.binary(name, *((x, y) if self.rng.random() < 0.5 else (y, x)), **output)
        if name in ("ADD", "SUB", "MUL"):
            self.graph.operators[-1].builtinOptions.fusedActivationFunction = self.size(4) - 1
        return made

    def table(self):
        """An activation of int8."""
        name = self.pick("ABS", "ELU", "HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "QUANTIZE", "RELU", "RELU6", "RSQRT", "TANH")
        x = self.input(*self.sizes(), scale=0.03, zero_point=-128 if name == "RSQRT" else self.point())
        fixed = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}.get(name, (0.02, self.point()))
        return self.unary(name, x, scale=fixed[0], zero_point=fixed[1])

    def wide_activation(self):
        """An activation of int16."""
        name = self.pick("RELU", "RELU6", "LEAKY_RELU", "LOGISTIC", "TANH")
        scale = self.pick(2.0 ** -self.rng.integers(8, 15), 2 ** self.rng.uniform(-14, -9))
        x = self.input(*self.sizes(), scale=float(scale))
        if name == "RELU6":
            return self.unary(name, x)
        return self.unary(name, x, scale=2**-15 if name in ("LOGISTIC", "TANH") else float(scale * self.rng.uniform(0.1, 3)))

    def prelu(self):
        """PRELU with slopes of its own for each channel, for each place, or one for all."""
        shape = self.sizes()
        slopes = self.pick((1, 1, shape[3]), (1, 1, 1), shape[1:], (1, shape[2], 1))
        data = self.rng.integers(-128, 128, slopes).astype("int8")
        x = self.input(*shape, **self.drawn())
        alpha = self.tensor(slopes, 0.01, self.pick(-128, 0, 5), dtype="int8", data=data)
        return self.operator("PRELU", [x, alpha], [self.tensor(shape, **self.drawn())])

    def reduced(self):
        """MEAN, SUM, REDUCE_MAX or REDUCE_MIN over any axes."""
        name = self.pick(*("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")[: 4 if self.dtype == "int8" else 2])
        shape = self.sizes(rank=self.pick(4, 4, 4, 3, 2))
        rank = len(shape)
        drawn = tuple(int(a) for a in self.rng.choice(rank, self.size(rank), replace=False))
        axes = self.pick((1, 2), (-1,), drawn) if rank == 4 else drawn
        keep, x = self.rng.random() < 0.6, self.input(*shape, **self.drawn())
        named = [axis % rank for axis in axes]
        made = [1 if i in named else n for i, n in enumerate(shape) if keep or i not in named]
        quantized = dict(zip(("scale", "zero_point"), self.scale(x), strict=True)) if "REDUCE" in name else self.drawn()
        output = self.tensor(made, **quantized)
        return self.operator(name, [x, self.numbers(*axes)], [output], "Reducer", keepDims=bool(keep))

    def softmax(self):
        """SOFTMAX of int8 to int8 or int16, or of int16."""
        shape, beta = self.sizes(self.pick(17, 40, 300)), self.pick(1.0, 0.3, 3.0)
        if self.dtype == "int16" and self.rng.random() < 0.5:
            x = self.input(*shape, scale=float(2 ** self.rng.uniform(-15, -8)))
            return self.operator("SOFTMAX", [x], [self.tensor(shape, 1 / 32768)], "Softmax", beta=beta)
        x = self.input(*shape, dtype="int8", **self.drawn("int8"))
        output = self.tensor(shape, 1 / 256, -128, "int8")
        if self.dtype == "int16":
            output = self.tensor(shape, 1 / 65536, dtype="int16")
            self.graph.tensors[output].quantization.zeroPoint = np.array([-32768], "int64")
        return self.operator("SOFTMAX", [x], [output], "Softmax", beta=beta)

    def best(self):
        """ARG_MAX or ARG_MIN along any axis."""
        shape, name = self.sizes(rank=self.pick(4, 4, 3, 2)), self.pick("ARG_MAX", "ARG_MIN")
        axis = self.pick(-1, self.size(len(shape)) - 1)
        left = [n for i, n in enumerate(shape) if i != axis % len(shape)]
        options = "ArgMax" if name == "ARG_MAX" else "ArgMin"
        inputs = [self.input(*shape, dtype="int8"), self.numbers(axis)]
        output = self.tensor(left, None, dtype="int32")
        return self.operator(name, inputs, [output], options, outputType=schema.TensorType.INT32)

    def quantized(self):
        """QUANTIZE between any two types but int32 and int32."""
        shape, source, target = self.sizes(), self.pick("int8", "int16", "int32"), self.pick("int8", "int16", "int32")
        target = "int8" if source == "int32" == target else target
        x = self.input(*shape, dtype=source, **self._wide(source))
        return self.operator("QUANTIZE", [x], [self.tensor(shape, dtype=target, **self._wide(target))])

    def _wide(self, kind):
        drawn = self.drawn(kind, -12, -1)
        return {**drawn, "zero_point": drawn["zero_point"] if kind == "int8" else 0}

    def cast(self):
        """CAST between integers."""
        shape = self.sizes(rank=self.size(4))
        x = self.input(*shape, scale=None, dtype=self.pick("int8", "int16", "int32", "bool"))
        return self.operator("CAST", [x], [self.tensor(shape, None, dtype=self.pick("int8", "int16", "int32"))], "Cast")

    def compared(self):
        """A comparison of int8 with scales, of int32 or of bool."""
        name, (a, b) = self.pick(*_COMPARISONS), self.two()
        kind = self.pick("int8", "int8", "int32", *(["bool"] if name.endswith("EQUAL") and len(name) < 10 else []))
        if kind == "bool" and name not in ("EQUAL", "NOT_EQUAL"):
            kind = "int32"
        first, second = self.drawn(), self.drawn()
        second = self.pick(first, second)
        quantized = [q if kind == "int8" else {"scale": None} for q in (first, second)]
        x, y = (self.input(*shape, dtype=kind, **q) for shape, q in zip((a, b), quantized, strict=True))
        output = self.tensor(np.broadcast_shapes(a, b), None, dtype="bool")
        return self.operator(name, [x, y], [output], "".join(part.capitalize() for part in name.split("_")))

    def logical(self):
        """LOGICAL_AND or LOGICAL_OR."""
        a, b = self.two()
        x, y = (self.input(*shape, scale=None, dtype="bool") for shape in (a, b))
        output = self.tensor(np.broadcast_shapes(a, b), None, dtype="bool")
        return self.operator(self.pick("LOGICAL_AND", "LOGICAL_OR"), [x, y], [output])

    def selected(self):
        """SELECT_V2 of maps and constants."""
        shape = self.sizes()
        forms = [shape, shape, (1, 1, 1, shape[3]), (*shape[:3], 1), (1, 1, 1, 1)]
        a, b = self.pick(*forms), self.pick(*forms)
        condition = self.pick(*forms) if shape in (a, b) else shape
        first = self.input(*a)
        second = self.input(*b) if self.rng.random() < 0.6 else self.constant(*b)
        inputs = [self.input(*condition, scale=None, dtype="bool"), first, second]
        return self.operator("SELECT_V2", inputs, [self.like(first, *shape)], "SelectV2")

    def normalized(self):
        """L2_NORMALIZATION."""
        shape = self.sizes(40)
        x = self.input(*shape, **self.drawn())
        return self.operator("L2_NORMALIZATION", [x], [self.tensor(shape, 1 / 128, 0)], "L2Norm")


BOTH = ("elementwise", "prelu", "reduced", "softmax", "quantized", "selected")
NARROW = ("table", "best", "cast", "compared", "logical", "normalized")
WIDE = ("wide_activation",)
