"""Random operators that move elements: cut, pad, join, resize, shuffle, transpose."""

import numpy as np
from engine.kernels.drawn_arithmetic import Computing


class Moving(Computing):
    """Draws operators that copy."""

    def shuffle(self):
        """DEPTH_TO_SPACE or SPACE_TO_DEPTH."""
        block, (images, height, width, channels) = self.pick(2, 3), self.sizes(5)
        if self.rng.random() < 0.5:
            return self.shuffled("DEPTH_TO_SPACE", self.input(images, height, width, channels * block**2), block)
        return self.shuffled("SPACE_TO_DEPTH", self.input(images, height * block, width * block, channels), block)

    def joined(self):
        """CONCATENATION of up to ten maps and constants along any axis."""
        shape, axis, quantized, parts = list(self.sizes(6)), self.pick(-1, 3, 3, 0, 1, 2), self.drawn(), []
        for _ in range(self.size(10)):
            shape[axis] = self.size(4)
            constant = parts and self.rng.random() < 0.15
            parts.append(self.constant(*shape, **quantized) if constant else self.input(*shape, **quantized))
        return self.concatenate(parts, axis)

    def packed(self):
        """PACK."""
        shape = self.sizes(4, self.pick(1, 2, 3))
        axis, parts = self.size(len(shape) + 1) - 1, [self.input(*shape) for _ in range(self.size(3))]
        made = self.like(parts[0], *shape[:axis], len(parts), *shape[axis:])
        return self.operator("PACK", parts, [made], "Pack", axis=axis, valuesCount=len(parts))

    def padded(self):
        """PAD or PADV2 of any axes."""
        shape = self.sizes(5, self.pick(4, 4, 3, 2))
        x, amounts = self.input(*shape, **self.drawn()), [self._both(2) for _ in shape]
        amounts[0] = self.pick((0, 0), amounts[0])
        amounts[-1] = self.pick((0, 0), amounts[-1])
        if self.rng.random() < 0.6:
            return self.pad(x, *amounts)
        made = [n + sum(both) for n, both in zip(shape, amounts, strict=True)]
        scale, point = self.scale(x)
        inputs = [x, self._pairs(amounts), self.constant(1, scale=scale, zero_point=point)]
        return self.operator("PADV2", inputs, [self.like(x, *made)], "PadV2")

    def mirrored(self):
        """MIRROR_PAD with and without the border."""
        shape, mode = self.sizes(5, self.pick(4, 4, 3, 2)), self.pick(0, 1)
        amounts = [tuple(min(both, n - 1 + mode) for both in self._both(2)) for n in shape]
        made = [n + sum(both) for n, both in zip(shape, amounts, strict=True)]
        x = self.input(*shape)
        return self.operator("MIRROR_PAD", [x, self._pairs(amounts)], [self.like(x, *made)], "MirrorPad", mode=mode)

    def _both(self, most):
        return self.size(most + 1) - 1, self.size(most + 1) - 1

    def _pairs(self, amounts):
        return self.tensor((len(amounts), 2), None, dtype="int32", data=np.array(amounts, "int32"))

    def cut(self):
        """SLICE."""
        shape = self.sizes(7, self.pick(4, 4, 3, 2))
        x, begins = self.input(*shape), [self.size(n) - 1 for n in shape]
        begins[0] = self.pick(0, begins[0])
        counts = [self.size(n - begin) for n, begin in zip(shape, begins, strict=True)]
        counts[0] = self.pick(shape[0] - begins[0], counts[0])
        return self.operator("SLICE", [x, self.numbers(*begins), self.numbers(*counts)], [self.like(x, *counts)], "Slice")

    def strided(self):
        """STRIDED_SLICE with masks, negative places and negative steps."""
        shape = self.sizes(7, self.pick(4, 4, 3, 2))
        places, made = range(len(shape)), [0]
        while 0 in made:
            most = self.pick(3, 3, 5)
            steps = [(1, 2, 3, -1, -2)[self.size(most) - 1] for _ in places]
            begins, ends = ([int(self.rng.integers(-n, n + extra)) for n in shape] for extra in (0, 2))
            masks = [self.size(16) - 1, self.size(16) - 1, self.pick(0, 0, 0, self.size(16) - 1)]
            masks[0] &= ~masks[2]
            steps = [1 if masks[2] >> i & 1 else step for i, step in enumerate(steps)]
            limits = [[None if masks[m] >> i & 1 else v[i] for i in places] for m, v in ((0, begins), (1, ends))]
            runs = [range(n)[slice(*run)] for n, run in zip(shape, zip(*limits, steps, strict=True), strict=True)]
            made = [len(run) for i, run in enumerate(runs) if not masks[2] >> i & 1]
        x = self.input(*shape)
        inputs = [x, self.numbers(*begins), self.numbers(*ends), self.numbers(*steps)]
        output = self.tensor(made, *self.scale(x))
        values = dict(zip(("beginMask", "endMask", "shrinkAxisMask"), masks, strict=True))
        return self.operator("STRIDED_SLICE", inputs, [output], "StridedSlice", **values)

    def resized(self):
        """RESIZE_NEAREST_NEIGHBOR or RESIZE_BILINEAR by any factor."""
        name = self.pick(*("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR")[: 2 if self.dtype == "int8" else 1])
        x = self.input(*self.sizes(6))
        height, width = self.shape(x)[1:3]
        sizes = self.pick((self.size(20), self.size(20)), (height * self.size(3), width * self.size(3)))
        made = self.resize(name, x, *sizes)
        options = self.graph.operators[-1].builtinOptions
        options.alignCorners, options.halfPixelCenters = self.pick((False, False), (True, False), (False, True))
        return made

    def transposed_axes(self):
        """TRANSPOSE of any axes."""
        shape = (*(self.size(2) for _ in range(self.pick(0, 0, 1))), *self.sizes(6, self.size(4)))
        x, order = self.input(*shape), [int(axis) for axis in self.rng.permutation(len(shape))]
        made = self.like(x, *(shape[axis] for axis in order))
        return self.operator("TRANSPOSE", [x, self.numbers(*order)], [made], "Transpose")

    def repeated(self):
        """BROADCAST_TO or REVERSE_V2."""
        shape = self.sizes(6, self.size(4))
        if self.rng.random() < 0.5:
            x = self.input(*(self.pick(1, n) for n in shape))
            return self.operator("BROADCAST_TO", [x, self.numbers(*shape)], [self.like(x, *shape)])
        x, axis = self.input(*shape), self.size(len(shape)) - 1
        return self.operator("REVERSE_V2", [x, self.numbers(axis)], [self.like(x)], "ReverseV2")

    def gathered(self):
        """GATHER of constant places along any axis."""
        shape = self.sizes(6, self.size(4))
        axis, count = self.size(len(shape)) - 1, self.size(5)
        x, places = self.input(*shape), [self.size(shape[axis]) - 1 for _ in range(count)]
        made = self.like(x, *shape[:axis], count, *shape[axis + 1 :])
        return self.operator("GATHER", [x, self.numbers(*places)], [made], "Gather", axis=axis)

    def apart(self):
        """The parts of SPLIT, SPLIT_V or UNPACK along any axis; one of them is an output."""
        name, shape = self.pick("SPLIT", "SPLIT_V", "UNPACK"), list(self.sizes(5))
        axis, sizes = self.size(4) - 1, [self.size(3) for _ in range(self.size(3))]
        if name == "UNPACK":
            x = self.input(*shape)
            parts = [self.like(x, *shape[:axis], *shape[axis + 1 :]) for _ in range(shape[axis])]
            self.operator("UNPACK", [x], parts, "Unpack", num=len(parts), axis=axis)
        elif name == "SPLIT":
            shape[axis] *= len(sizes)
            parts = self.split(self.input(*shape), len(sizes), axis)
        else:
            shape[axis] = sum(sizes)
            parts = self.split_v(self.input(*shape), sizes, axis)
        return self.pick(*parts)

    def batches(self):
        """BATCH_TO_SPACE_ND, or SPACE_TO_BATCH_ND without padding."""
        (images, height, width, channels), (down, across) = self.sizes(5), self._both(2)
        down, across = down + 1, across + 1
        if self.rng.random() < 0.5:
            x = self.input(images, height * down, width * across, channels)
            made = self.like(x, images * down * across, height, width, channels)
            inputs = [x, self.numbers(down, across), self._pairs([(0, 0), (0, 0)])]
            return self.operator("SPACE_TO_BATCH_ND", inputs, [made], "SpaceToBatchND")
        x = self.input(images * down * across, height, width, channels)
        crops = [(self.size(height * down) - 1, 0), (0, self.size(width * across) - 1)]
        made = self.like(x, images, height * down - sum(crops[0]), width * across - sum(crops[1]), channels)
        return self.operator(
            "BATCH_TO_SPACE_ND", [x, self.numbers(down, across), self._pairs(crops)], [made], "BatchToSpaceND"
        )


BOTH = ("joined", "packed", "padded", "cut", "strided", "resized", "transposed_axes", "repeated", "apart")
NARROW = ("shuffle", "mirrored", "gathered", "batches")
