"""Encoders as other libraries build them, small."""

import keras

WIDTHS = (8, 8, 16, 12)


def encoder(input_shape=(32, 48, 3), widths=WIDTHS, padding="same", name="encoder", outputs=-1, **arguments):
    """A convolution with stride 2 and ReLU for each width, `stage0` and so on; on 2 or 3 spatial axes."""
    kind = (keras.layers.Conv2D, keras.layers.Conv3D)[len(input_shape) - 3]
    x = image = keras.Input(input_shape, name="image")
    x = keras.layers.Rescaling(2.0, -1.0, name="rescaling")(x)
    maps = []
    for i, width in enumerate(widths):
        x = kind(width, 3, strides=2, padding=padding, name=f"stage{i}_conv")(x)
        x = keras.layers.ReLU(name=f"stage{i}", **arguments)(x)
        maps.append(x)
    return keras.Model(image, maps[outputs], name=name)


class Pyramid(keras.Model):
    """A functional model that says of its levels what backbones of keras-hub (tensors) or keras-cv (names) say."""

    def __init__(self, source, pyramid_outputs=None, pyramid_level_inputs=None):
        super().__init__(source.inputs, source.outputs, name=source.name)
        if pyramid_outputs:
            self.pyramid_outputs = pyramid_outputs
        if pyramid_level_inputs:
            self.pyramid_level_inputs = pyramid_level_inputs
