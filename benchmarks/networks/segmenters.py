"""Segmentation networks that people put on small devices, narrow, as functions of an input size."""

import keras
from keras import ops

from benchmarks.networks.blocks import conv, depthwise, inverted, twice, up

L = keras.layers


def image(size):
    """The input."""
    return keras.Input((size, size, 3))


def separable_unet(size=64, filters=(16, 32, 48)):
    """Keras's example of image segmentation with a U-Net like Xception."""
    inputs = image(size)
    x = before = conv(inputs, 16, strides=2)
    for count in filters[1:]:
        for _ in range(2):
            x = L.BatchNormalization()(L.SeparableConv2D(count, 3, padding="same")(L.Activation("relu")(x)))
        x = L.MaxPooling2D(3, strides=2, padding="same")(x)
        before = x = L.Add()([x, L.Conv2D(count, 1, strides=2, padding="same")(before)])
    for count in reversed(filters):
        for _ in range(2):
            x = L.BatchNormalization()(L.Conv2DTranspose(count, 3, padding="same")(L.Activation("relu")(x)))
        x = L.UpSampling2D(2)(x)
        before = x = L.Add()([x, L.Conv2D(count, 1, padding="same")(L.UpSampling2D(2)(before))])
    return keras.Model(inputs, L.Conv2D(3, 3, activation="softmax", padding="same")(x))


def attention_unet(size=64, filters=(8, 16, 32)):
    """Attention U-Net (arXiv 1804.03999): gates on the skips."""
    inputs = x = image(size)
    skips = []
    for count in filters[:-1]:
        x = twice(x, count)
        skips.append(x)
        x = L.MaxPooling2D(2)(x)
    x = twice(x, filters[-1])
    for count, skip in zip(reversed(filters[:-1]), reversed(skips), strict=True):
        x = up(x, count, 2)
        gate = L.ReLU()(L.Add()([conv(x, count // 2, 1, activation=None), conv(skip, count // 2, 1, activation=None)]))
        passed = L.Multiply()([skip, L.Conv2D(1, 1, activation="sigmoid")(gate)])
        x = twice(L.Concatenate()([passed, x]), count)
    return keras.Model(inputs, L.Conv2D(1, 1, activation="sigmoid")(x))


def unet_plus_plus(size=64, filters=(8, 16, 32)):
    """U-Net++ (arXiv 1807.10165): nested skips."""
    inputs = x = image(size)
    nodes = {}
    for level, count in enumerate(filters):
        nodes[level, 0] = twice(x, count)
        x = L.MaxPooling2D(2)(nodes[level, 0])
    for column in range(1, len(filters)):
        for level in range(len(filters) - column):
            before = [nodes[level, k] for k in range(column)]
            raised = L.Conv2DTranspose(filters[level], 2, strides=2)(nodes[level + 1, column - 1])
            nodes[level, column] = twice(L.Concatenate()([*before, raised]), filters[level])
    return keras.Model(inputs, L.Conv2D(1, 1, activation="sigmoid")(nodes[0, len(filters) - 1]))


def u2net(size=64, filters=8):
    """U2-Net, small (arXiv 2005.09007): U-Nets within a U-Net, several outputs fused."""

    def block(x, middle, out, depth):
        start = x = conv(x, out)
        skips = []
        for _ in range(depth):
            x = conv(x, middle)
            skips.append(x)
            x = L.MaxPooling2D(2)(x)
        x = conv(x, middle, dilation_rate=2)
        for skip in reversed(skips):
            x = L.UpSampling2D(2, interpolation="bilinear")(x)
            x = conv(L.Concatenate()([x, skip]), middle)
        return L.Add()([conv(x, out), start])

    inputs = image(size)
    first = block(inputs, filters, 2 * filters, 3)
    second = block(L.MaxPooling2D(2)(first), filters, 2 * filters, 2)
    third = block(L.MaxPooling2D(2)(second), filters, 2 * filters, 1)
    raised = L.UpSampling2D(2, interpolation="bilinear")
    second = block(L.Concatenate()([raised(third), second]), filters, 2 * filters, 2)
    first = block(L.Concatenate()([raised(second), first]), filters, 2 * filters, 3)
    sides = [L.Conv2D(1, 3, padding="same")(x) for x in (first, second, third)]
    whole = [sides[0], *(L.Resizing(size, size)(x) for x in sides[1:])]
    return keras.Model(inputs, L.Activation("sigmoid")(L.Conv2D(1, 1)(L.Concatenate()(whole))))


def mobilenet_unet(size=64):
    """The U-Net of TensorFlow's tutorial on segmentation: MobileNetV2 down, pix2pix's layers up."""
    base = keras.applications.MobileNetV2(input_shape=(size, size, 3), alpha=0.35, include_top=False, weights=None)
    names = ["block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu", "block_13_expand_relu"]
    *skips, x = [base.get_layer(name).output for name in (*names, "block_16_project")]
    for count, skip in zip((64, 32, 16, 8), reversed(skips), strict=True):
        x = L.Concatenate()([up(x, count), skip])
    return keras.Model(base.input, L.Conv2DTranspose(3, 3, strides=2, padding="same")(x))


def deeplab(size=64):
    """DeepLabV3+ (arXiv 1802.02611) on a small encoder: atrous convolutions beside each other, an image-wide mean."""
    inputs = image(size)
    low = inverted(conv(inputs, 16, strides=2, activation="relu6"), 16)
    x = inverted(inverted(low, 24, 2), 32, 2)
    across = [conv(x, 32, 1), *(conv(x, 32, dilation_rate=rate) for rate in (2, 4))]
    mean = conv(L.GlobalAveragePooling2D(keepdims=True)(x), 32, 1)
    across.append(L.UpSampling2D(x.shape[1], interpolation="bilinear")(mean))
    x = conv(L.Concatenate()(across), 32, 1)
    x = L.UpSampling2D(4, interpolation="bilinear")(x)
    x = conv(L.Concatenate()([x, conv(low, 16, 1)]), 32)
    return keras.Model(inputs, L.Softmax()(L.UpSampling2D(2, interpolation="bilinear")(L.Conv2D(4, 1)(x))))


def fast_scnn(size=64):
    """Fast-SCNN (arXiv 1902.04502): learning to downsample, a pyramid of pools, feature fusion."""
    inputs = image(size)
    shared = depthwise(depthwise(conv(inputs, 16, strides=2), 24, 2), 32)
    x = inverted(inverted(shared, 32, 2), 48)
    pools = [x]
    for pool in (2, 4):
        y = conv(L.AveragePooling2D(pool)(x), 12, 1)
        pools.append(L.Resizing(*x.shape[1:3])(y))
    x = conv(L.Concatenate()(pools), 48, 1)
    x = L.DepthwiseConv2D(3, padding="same")(L.UpSampling2D(2, interpolation="bilinear")(x))
    x = L.ReLU()(L.Add()([conv(x, 48, 1, activation=None), conv(shared, 48, 1, activation=None)]))
    x = L.Dropout(0.3)(depthwise(x, 48))
    return keras.Model(inputs, L.Softmax()(L.UpSampling2D(4, interpolation="bilinear")(L.Conv2D(4, 1)(x))))


def bisenet(size=64):
    """BiSeNet (arXiv 1808.00897): a spatial and a context path, refinement by attention."""
    inputs = image(size)
    spatial = conv(conv(conv(inputs, 16, strides=2), 24, strides=2), 32, strides=2)
    x = conv(inputs, 12, strides=4)
    deep = []
    for count in (24, 32):
        x = depthwise(depthwise(x, count, 2), count)
        gate = L.Conv2D(count, 1)(L.GlobalAveragePooling2D(keepdims=True)(x))
        deep.append(L.Multiply()([x, L.Activation("sigmoid")(L.BatchNormalization()(gate))]))
    context = L.Concatenate()([deep[0], L.UpSampling2D(2)(deep[1])])
    x = conv(L.Concatenate()([spatial, context]), 32, 1)
    gate = L.Conv2D(32, 1, activation="relu")(L.GlobalAveragePooling2D(keepdims=True)(x))
    x = L.Add()([x, L.Multiply()([x, L.Conv2D(32, 1, activation="sigmoid")(gate)])])
    return keras.Model(inputs, L.UpSampling2D(8, interpolation="bilinear")(L.Conv2D(4, 1)(x)))


def enet(size=64):
    """ENet (arXiv 1606.02147): bottlenecks with PReLU, asymmetric and dilated; up by transposed convolutions."""

    def prelu(x):
        return L.PReLU(shared_axes=(1, 2))(x)

    def bottleneck(x, filters, down=False, **arguments):
        y = prelu(conv(x, filters // 4, 2 if down else 1, 2 if down else 1, activation=None))
        y = prelu(conv(y, filters // 4, activation=None, **arguments))
        y = L.SpatialDropout2D(0.1)(conv(y, filters, 1, activation=None))
        if down:
            x = L.MaxPooling2D(2)(x)
            x = L.Concatenate()([x, L.Conv2D(filters - x.shape[-1], 1)(x)])
        return prelu(L.Add()([x, y]))

    inputs = image(size)
    x = L.Concatenate()([L.Conv2D(13, 3, strides=2, padding="same")(inputs), L.MaxPooling2D(2)(inputs)])
    x = bottleneck(prelu(L.BatchNormalization()(x)), 32, True)
    x = bottleneck(bottleneck(x, 48, True), 48, dilation_rate=2)
    y = prelu(conv(x, 12, 5, activation=None))
    x = prelu(L.Add()([x, conv(y, 48, 1, activation=None)]))
    x = up(up(x, 24), 16)
    return keras.Model(inputs, L.Conv2DTranspose(4, 2, strides=2)(x))


def linknet(size=64):
    """LinkNet (arXiv 1707.03718): residual encoder, skips that are added."""

    def residual(x, filters, strides):
        y = conv(conv(x, filters, strides=strides), filters, activation=None)
        x = conv(x, filters, 1, strides, activation=None) if strides > 1 else x
        return L.ReLU()(L.Add()([x, y]))

    def decoder(x, filters):
        return conv(up(conv(x, x.shape[-1] // 4, 1), x.shape[-1] // 4), filters, 1)

    inputs = image(size)
    first = L.MaxPooling2D(3, 2, "same")(conv(inputs, 16, 7, 2))
    second = residual(residual(first, 16, 1), 24, 2)
    x = decoder(residual(second, 32, 2), 24)
    x = decoder(L.Add()([x, second]), 16)
    x = up(L.Add()([x, first]), 16)
    return keras.Model(inputs, L.Conv2DTranspose(3, 2, strides=2, activation="sigmoid")(conv(x, 16)))


def yolo(size=64, boxes=3, classes=4):
    """A YOLO-like detector: heads at two scales, whose channels are split into boxes, objects and classes."""
    inputs = image(size)
    x = conv(inputs, 8, activation="silu")
    maps = []
    for count in (16, 24, 32, 48):
        x = conv(L.MaxPooling2D(2)(x), count, activation="silu")
        maps.append(x)
    raised = L.UpSampling2D(2)(conv(maps[-1], 24, 1, activation="silu"))
    heads = []
    for name, read in (("fine", L.Concatenate()([raised, maps[-2]])), ("coarse", maps[-1])):
        y = L.Conv2D(boxes * (5 + classes), 1)(conv(read, 32, activation="silu"))
        heads.append(L.Activation("sigmoid", name=name)(ops.reshape(y, (-1, y.shape[1] * y.shape[2] * boxes, 5 + classes))))
    return keras.Model(inputs, heads)
