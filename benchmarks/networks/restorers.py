"""Networks that give images, narrow, as functions of an input size."""

import keras
from keras import ops

from benchmarks.networks.blocks import conv

L = keras.layers


def pix2pix(size=64, filters=(16, 32, 48, 48)):
    """pix2pix's generator (arXiv 1611.07004): strides down, transposed convolutions up, tanh."""
    inputs = x = keras.Input((size, size, 3))
    skips = []
    for i, count in enumerate(filters):
        x = L.Conv2D(count, 4, strides=2, padding="same", use_bias=False)(x)
        x = L.LeakyReLU(0.2)(L.BatchNormalization()(x) if i else x)
        skips.append(x)
    for i, (count, skip) in enumerate(zip(reversed(filters[:-1]), reversed(skips[:-1]), strict=True)):
        x = L.BatchNormalization()(L.Conv2DTranspose(count, 4, strides=2, padding="same", use_bias=False)(x))
        x = L.ReLU()(L.Dropout(0.5)(x) if i == 0 else x)
        x = L.Concatenate()([x, skip])
    return keras.Model(inputs, L.Conv2DTranspose(3, 4, strides=2, padding="same", activation="tanh")(x))


def espcn(size=64, factor=2):
    """ESPCN (arXiv 1609.05158): convolutions at low resolution, a pixel shuffle at the end."""
    inputs = keras.Input((size, size, 1))
    x = L.Conv2D(32, 5, padding="same", activation="tanh")(inputs)
    x = L.Conv2D(16, 3, padding="same", activation="tanh")(x)
    return keras.Model(inputs, ops.depth_to_space(L.Conv2D(factor**2, 3, padding="same")(x), factor))


def fsrcnn(size=64, factor=2):
    """FSRCNN (arXiv 1608.00367): shrink, map, expand, one large transposed convolution, PReLU."""
    inputs = keras.Input((size, size, 1))
    x = L.PReLU(shared_axes=(1, 2))(L.Conv2D(32, 5, padding="same")(inputs))
    x = L.PReLU(shared_axes=(1, 2))(L.Conv2D(8, 1)(x))
    for _ in range(3):
        x = L.PReLU(shared_axes=(1, 2))(L.Conv2D(8, 3, padding="same")(x))
    x = L.PReLU(shared_axes=(1, 2))(L.Conv2D(32, 1)(x))
    return keras.Model(inputs, L.Conv2DTranspose(1, 9, strides=factor, padding="same")(x))


def dncnn(size=64, depth=7, filters=24):
    """DnCNN (arXiv 1608.03981): gives the noise, which is taken off."""
    inputs = keras.Input((size, size, 1))
    x = conv(inputs, filters, norm=False)
    for _ in range(depth - 2):
        x = conv(x, filters)
    return keras.Model(inputs, L.Subtract()([inputs, L.Conv2D(1, 3, padding="same")(x)]))


def ffdnet(size=64, filters=32):
    """FFDNet (arXiv 1710.04026): unshuffled image beside a map of the noise level, which is a second input."""
    image, level = keras.Input((size, size, 3), name="image"), keras.Input((size // 2, size // 2, 1), name="level")
    x = L.Concatenate()([ops.space_to_depth(image, 2), level])
    for _ in range(4):
        x = conv(x, filters)
    return keras.Model([image, level], ops.depth_to_space(L.Conv2D(12, 3, padding="same")(x), 2))


def zero_dce(size=64, filters=16, rounds=4):
    """Zero-DCE (CVPR 2020): curves that brighten, `x + a (x**2 - x)` again and again."""
    inputs = keras.Input((size, size, 3))

    def layer(x):
        return L.Conv2D(filters, 3, padding="same", activation="relu")(x)

    first = layer(inputs)
    second = layer(first)
    third = layer(second)
    x = L.Concatenate()([second, layer(L.Concatenate()([third, layer(third)]))])
    curves = L.Conv2D(3 * rounds, 3, padding="same", activation="tanh")(L.Concatenate()([first, layer(x)]))
    y = inputs
    for curve in ops.split(curves, rounds, axis=-1):
        y = y + curve * (ops.square(y) - y)
    return keras.Model(inputs, y)


def autoencoder(size=32):
    """An autoencoder with a dense bottleneck."""
    inputs = keras.Input((size, size, 3))
    x = L.Conv2D(16, 3, strides=2, padding="same", activation="relu")(inputs)
    x = L.Conv2D(16, 3, strides=2, padding="same", activation="relu")(x)
    shape = x.shape[1:]
    x = L.Dense(32, activation="relu", name="code")(L.Flatten()(x))
    x = L.Reshape(shape)(L.Dense(shape[0] * shape[1] * shape[2], activation="relu")(x))
    x = L.Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu")(x)
    return keras.Model(inputs, L.Conv2DTranspose(3, 3, strides=2, padding="same", activation="sigmoid")(x))
