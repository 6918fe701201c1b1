"""Random operators with a window or weights: odd shapes, strides, dilations and paddings, extreme numbers."""

import numpy as np
from engine.kernels.extremes import ACTIVATIONS, Extremes


class Drawn(Extremes):
    """Draws the sizes of an operator as well."""

    def pick(self, *choices):
        """Returns one of the choices."""
        return choices[int(self.rng.integers(len(choices)))]

    def size(self, most):
        """Returns an int from 1 to `most`."""
        return int(self.rng.integers(1, most, endpoint=True))

    def map(self, channels=17, places=13):
        """Adds the input."""
        shape = self.pick(1, 1, 2), self.size(places), self.size(places), self.size(channels)
        return self.input(*shape, scale=1 / 64, zero_point=self.point())

    def values(self, extreme=False):
        """Returns a random array for every input; only the smallest and largest value where `extreme`."""
        limits = np.iinfo(self.dtype)
        shapes = [self.shape(x) for x in self.graph.inputs]
        if extreme:
            return [self.rng.choice([limits.min, limits.max], shape).astype(self.dtype) for shape in shapes]
        return [self.rng.integers(limits.min, limits.max, shape, self.dtype, True) for shape in shapes]

    def window(self, x, most=5, dilated=True):
        """Returns a kernel and the other arguments of a window that fits the map."""
        height, width = self.shape(x)[1:3]
        values = {"stride": (self.size(3), self.size(3)), "padding": self.pick("SAME", "VALID")}
        kernel = [self.size(most), self.size(most)]
        dilation = [self.size(3), self.size(3)] if dilated and self.rng.random() < 0.5 else [1, 1]
        for axis, places in enumerate((height, width)):
            while values["padding"] == "VALID" and (kernel[axis] - 1) * dilation[axis] + 1 > places:
                kernel[axis], dilation[axis] = max(kernel[axis] - 1, 1), max(dilation[axis] - 1, 1)
        if dilated:
            values["dilation"] = tuple(dilation)
        return tuple(kernel), {**values, "activation": self.pick(*ACTIVATIONS)}

    def convolution(self):
        """One CONV_2D, often grouped."""
        x = self.map()
        kernel, values = self.window(x, self.pick(1, 3, 5))
        channels = self.shape(x)[3]
        groups = self.pick(1, 1, *(g for g in (2, 3, 5) if channels % g == 0))
        filters = groups * self.size(9)
        values |= {"inner": channels // groups, **self.like_output()}
        return self.conv(x, filters, kernel, self.pick(True, True, False), **values)

    def pointwise(self):
        """One CONV_2D of 1x1."""
        x = self.map(40)
        values = {"activation": self.pick(*ACTIVATIONS), **self.like_output()}
        return self.conv(x, self.size(20), (1, 1), self.pick(True, False), **values)

    def depthwise_convolution(self):
        """One DEPTHWISE_CONV_2D."""
        x = self.map(self.pick(3, 20))
        self.bias_types = self.bias_types[:1]
        kernel, values = self.window(x)
        multiplier = self.pick(1, 1, 2, 9)
        return self.depthwise(x, kernel, multiplier, self.pick(True, False), **values, **self.like_output())

    def transposed_convolution(self):
        """One TRANSPOSE_CONV."""
        x = self.map(17, 7)
        self.bias_types = self.bias_types[:1] if self.dtype == "int8" else ("int64", "int16")
        kernel, stride = (self.size(5), self.size(5)), (self.size(4), self.size(4))
        values = {"padding": self.pick("SAME", "VALID"), "bias": self.pick(True, False)}
        return self.transposed(x, self.size(9), kernel, stride, **values, **self.like_output())

    def fully_connected(self):
        """One FULLY_CONNECTED over rows, pixels, or a whole map."""
        shape = self.pick((1, self.size(70)), (self.size(5), self.size(33)), (2, 3, self.size(4), self.size(9)))
        x = self.input(*shape, scale=1 / 64, zero_point=self.point())
        if self.rng.random() < 0.4:
            whole = 1
            for places in shape[1:]:
                whole *= places
            return self.dense_over(x, shape[0], whole, self.size(9))
        return self.dense(x, self.size(9), **self.like_output())

    def dense_over(self, x, rows, inner, units):
        """FULLY_CONNECTED that flattens the map itself."""
        weights = self._weights((units, inner), 0, inner)
        output = self.tensor((rows, units), **self.like_output())
        inputs = [x, weights, self._bias(x, weights, units)] if self.rng.random() < 0.7 else [x, weights]
        return self.operator("FULLY_CONNECTED", inputs, [output], "FullyConnected", keepNumDims=False)

    def matrix_product(self):
        """One BATCH_MATMUL, with matrices of one factor for several of the other, transposed, or constant."""
        rows, depth, columns = self.size(9), self.size(30), self.size(9)
        outer, flips = self.pick((), (3,), (2, 3), (1, 2, 2)), (self.pick(True, False), self.pick(True, False))
        shapes = [(depth, rows) if flips[0] else (rows, depth), (columns, depth) if flips[1] else (depth, columns)]
        outers = [[1 if places > 1 and self.rng.random() < 0.3 else places for places in outer] for _ in shapes]
        constant = self.pick(None, None, 0, 1)
        scales = self._multipliers(1)[0], 1 / 64
        factors = [
            self.constant(*o, *s, scale=scale, zero_point=self.point())
            if i == constant
            else self.input(*o, *s, scale=scale, zero_point=self.point())
            for i, (o, s, scale) in enumerate(zip(outers, shapes, scales, strict=True))
        ]
        made = self.tensor((*np.broadcast_shapes(*outers), rows, columns), **self.like_output())
        return self.operator("BATCH_MATMUL", factors, [made], "BatchMatMul", adjX=flips[0], adjY=flips[1])

    def pooled(self):
        """One MAX_POOL_2D or AVERAGE_POOL_2D, often over the whole map."""
        x = self.map(self.pick(4, 40))
        kernel, values = self.window(x, dilated=False)
        if self.rng.random() < 0.3:
            kernel, values["stride"], values["padding"] = self.shape(x)[1:3], (1, 1), "VALID"
        return self.pool(self.pick("MAX_POOL_2D", "AVERAGE_POOL_2D"), x, kernel, **values)


KINDS = (
    "matrix_product",
    "convolution",
    "pointwise",
    "depthwise_convolution",
    "transposed_convolution",
    "fully_connected",
    "pooled",
)
