"""What several of the common networks are made of."""

import keras

L = keras.layers


def conv(x, filters, size=3, strides=1, activation="relu", norm=True, **arguments):
    """Convolution, batch normalization, activation."""
    x = L.Conv2D(filters, size, strides, padding="same", use_bias=not norm, **arguments)(x)
    x = L.BatchNormalization()(x) if norm else x
    return L.Activation(activation)(x) if activation else x


def depthwise(x, filters, strides=1, activation="relu", size=3):
    """Depthwise separable convolution with a normalization behind each half."""
    x = L.DepthwiseConv2D(size, strides, padding="same", use_bias=False)(x)
    x = L.Activation(activation)(L.BatchNormalization()(x))
    return conv(x, filters, 1, activation=activation)


def inverted(x, filters, strides=1, expand=4, activation="relu6", squeeze=False, size=3):
    """Inverted residual of MobileNetV2; with squeeze and excitation that of V3."""
    channels = x.shape[-1]
    y = conv(x, expand * channels, 1, activation=activation)
    y = L.DepthwiseConv2D(size, strides, padding="same", use_bias=False)(y)
    y = L.Activation(activation)(L.BatchNormalization()(y))
    y = excited(y) if squeeze else y
    y = conv(y, filters, 1, activation=None)
    return L.Add()([x, y]) if strides == 1 and channels == filters else y


def excited(x, ratio=4):
    """Squeeze and excitation."""
    channels = x.shape[-1]
    y = L.GlobalAveragePooling2D(keepdims=True)(x)
    y = L.Conv2D(max(channels // ratio, 4), 1, activation="relu")(y)
    return L.Multiply()([x, L.Conv2D(channels, 1, activation="hard_sigmoid")(y)])


def up(x, filters, size=3):
    """Transposed convolution by 2, batch normalization, ReLU."""
    x = L.Conv2DTranspose(filters, size, strides=2, padding="same", use_bias=False)(x)
    return L.ReLU()(L.BatchNormalization()(x))


def twice(x, filters):
    """The two convolutions of a U-Net's level."""
    return conv(conv(x, filters), filters)
