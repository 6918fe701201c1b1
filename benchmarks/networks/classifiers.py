"""Encoders and classifiers, the four networks of MLPerf Tiny among them, as functions without arguments."""

import keras

from benchmarks.networks.blocks import conv, depthwise, inverted

L = keras.layers


def mobilenet_v3(size=64):
    """Like MobileNetV3-small (arXiv 1905.02244): hard swish, squeeze and excitation."""
    inputs = keras.Input((size, size, 3))
    x = conv(inputs, 16, strides=2, activation="hard_silu")
    for filters, strides, activation in ((16, 2, "relu"), (24, 2, "relu"), (24, 1, "relu"), (40, 2, "hard_silu")):
        x = inverted(
            x, filters, strides, activation=activation, squeeze=activation != "relu", size=5 if filters == 40 else 3
        )
    x = L.GlobalAveragePooling2D()(conv(x, 96, 1, activation="hard_silu"))
    return keras.Model(inputs, L.Dense(10, activation="softmax")(L.Dropout(0.2)(L.Dense(64, activation="hard_silu")(x))))


def efficientnet_lite(size=64):
    """Like EfficientNet-lite: no squeeze and excitation, ReLU6; the encoder's maps are its outputs."""
    inputs = keras.Input((size, size, 3))
    x = conv(inputs, 16, strides=2, activation="relu6")
    maps = []
    for filters, strides, size_ in ((16, 1, 3), (24, 2, 3), (32, 2, 5), (48, 2, 3)):
        x = inverted(inverted(x, filters, strides, size=size_), filters, size=size_)
        maps.append(x)
    return keras.Model(inputs, maps[1:])


def tcn(steps=64, channels=8):
    """A temporal convolutional network (arXiv 1803.01271): dilated causal convolutions with residuals."""
    inputs = x = keras.Input((steps, channels))
    for rate in (1, 2, 4, 8):
        y = L.Conv1D(16, 3, padding="causal", dilation_rate=rate)(x)
        y = L.SpatialDropout1D(0.1)(L.ReLU()(L.BatchNormalization()(y)))
        y = L.ReLU()(L.BatchNormalization()(L.Conv1D(16, 3, padding="causal", dilation_rate=rate)(y)))
        x = L.ReLU()(L.Add()([y, x if x.shape[-1] == 16 else L.Conv1D(16, 1)(x)]))
    return keras.Model(inputs, L.Dense(6, activation="softmax")(L.GlobalAveragePooling1D()(x)))


def resnet8():
    """MLPerf Tiny, image classification: ResNet-8 on 32x32."""
    inputs = keras.Input((32, 32, 3))
    x = conv(inputs, 16)
    for filters in (16, 32, 64):
        strides = 1 if filters == 16 else 2
        y = conv(conv(x, filters, strides=strides), filters, activation=None)
        x = L.Conv2D(filters, 1, strides, padding="same")(x) if strides > 1 else x
        x = L.ReLU()(L.Add()([x, y]))
    x = L.Flatten()(L.AveragePooling2D(8)(x))
    return keras.Model(inputs, L.Dense(10, activation="softmax")(x))


def ds_cnn():
    """MLPerf Tiny, keyword spotting: DS-CNN on 49x10 coefficients."""
    inputs = keras.Input((49, 10, 1))
    x = L.Dropout(0.2)(conv(inputs, 64, (10, 4), 2))
    for _ in range(4):
        x = depthwise(x, 64)
    x = L.AveragePooling2D((25, 5))(L.Dropout(0.4)(x))
    return keras.Model(inputs, L.Dense(12, activation="softmax")(L.Flatten()(x)))


def person():
    """MLPerf Tiny, visual wake words: MobileNetV1 of a quarter's width on 96x96."""
    inputs = keras.Input((96, 96, 3))
    x = conv(inputs, 8, strides=2)
    for filters, strides in ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2), (256, 1)):
        x = depthwise(x, filters, strides)
    x = L.Flatten()(L.AveragePooling2D(x.shape[1:3])(x))
    return keras.Model(inputs, L.Dense(2, activation="softmax")(x))


def anomaly():
    """MLPerf Tiny, anomaly detection: an autoencoder of dense layers on 640 numbers."""
    inputs = x = keras.Input((640,))
    for units in (128, 128, 128, 128, 8, 128, 128, 128, 128):
        x = L.ReLU()(L.BatchNormalization()(L.Dense(units)(x)))
    return keras.Model(inputs, L.Dense(640)(x))
