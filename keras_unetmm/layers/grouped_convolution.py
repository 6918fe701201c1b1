"""A grouped convolution that trains on every backend, written as a depthwise one."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_unetmm")
class GroupedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` with `groups`, computed as a depthwise convolution and a sum over each group.

    Same arguments, weights and results. The plain form has no gradient in TensorFlow on a CPU unless XLA compiles it,
    which took 90 times as long as this form on a KBNet block, as did JAX. PyTorch's own is kept where groups write
    several channels: there it is the faster one. Strides, dilation and channels-first maps are left out.

    Shape: `(N, H, W, C) -> (N, H, W, filters)`.
    """

    def convolution_op(self, inputs, kernel):
        height, width, members, filters = kernel.shape  # members: channels that one group reads
        written = filters // self.groups
        if keras.backend.backend() == "torch" and written > 1:
            return super().convolution_op(inputs, kernel)
        kernel = ops.reshape(kernel, (height, width, members, self.groups, written))
        kernel = ops.reshape(ops.transpose(kernel, (0, 1, 3, 2, 4)), (height, width, -1, 1))
        if written > 1:
            inputs = ops.repeat(inputs, written, axis=-1)  # (N, H, W, C * written): group, member, written
        y = ops.depthwise_conv(inputs, kernel, strides=self.strides, padding=self.padding)
        if members == 1:
            return y
        rows, columns = ops.shape(y)[1:3]
        y = ops.sum(ops.reshape(y, (-1, rows, columns, self.groups, members, written)), axis=-2)
        return ops.reshape(y, (-1, rows, columns, filters))
