"""Files of one operator with weights, whose numbers go as far as the format lets them."""

from tflite.network import Network

ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")


class Extremes(Network):
    """A network whose scales, zero points and biases are drawn over their whole range.

    Args:
        seed: int.
        dtype: str, of the maps.
        usual: bool, whether multipliers are below 1/2, as in trained networks; else they go from 2^-33 to 2^8.
    """

    most = 8  # the largest multiplier is 2 to the power of it

    def __init__(self, seed, dtype="int8", usual=False):
        super().__init__(seed, dtype)
        self.usual, self.bias_types = usual, ("int32",) if dtype == "int8" else ("int64", "int32")

    def point(self):
        """A zero point: often an extreme one."""
        return int(self.rng.choice([-128, 127, 0, self.rng.integers(-128, 128)])) if self.dtype == "int8" else 0

    def like_output(self):
        """Scale and zero point of an output."""
        return {"scale": float(self.rng.uniform(0.01, 0.1)), "zero_point": self.point()}

    def _multipliers(self, count):
        low, high = (-12, -1.1) if self.usual else (-33, self.most)
        return 2 ** self.rng.uniform(low, high, count)

    def _weights(self, shape, axis, terms, per_channel=True):
        values = self.rng.integers(-128, 127, shape, endpoint=True)
        if self.rng.random() < 0.3:
            values[:] = self.rng.choice([-128, 127], shape)
        per_channel = per_channel and self.rng.random() < 0.7
        scales = self._multipliers(shape[axis] if per_channel else 1)
        return self.tensor(shape, scales, data=values.astype("int8"), dtype="int8", axis=axis)

    def _bias(self, x, weights, count):
        kind = str(self.rng.choice(self.bias_types))
        limit = {"int16": 2**15, "int32": 2**31, "int64": 2**40}[kind] - 1
        values = self.rng.integers(-limit - 1, limit, count, endpoint=True)
        if self.rng.random() < 0.5:
            values = self.rng.integers(-(2**15), 2**15, count)
        values[: count // 4] = self.rng.choice([-limit - 1, limit])
        scales = self.graph.tensors[weights].quantization.scale.astype("float64") * self.scale(x)[0]
        return self.tensor((count,), scales, dtype=kind, data=values.astype(kind))
