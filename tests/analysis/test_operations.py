import math

import keras
import torch
from torch import nn

from benchmarks import pytorch_sunet, pytorch_unet
from keras_unetmm import models
from keras_unetmm.analysis import macs
from keras_unetmm.layers import KernelBasisAttention, PointwiseConvolution


def test_restoration_networks_are_the_papers(published):
    count = {name: macs(model, (256, 256)) for name, model in published.items()}
    # 128 less than the 16,228,611,840 in our specification: ptflops 0.6.9 on the PyTorch network says this figure too
    assert count["NAFNet"] == 16_228_611_712
    assert round(count["NAFNet with UNet--"] / 1e9, 2) == 17.50
    separable_to_stage = sum((256 // 2**i) ** 2 * (c * c + c) for i, c in enumerate((32, 64, 128, 256)))
    without = count["NAFNet with UNet--"] - separable_to_stage
    assert round(without / 1e9, 2) == 17.23, "without the header's last convolution"
    assert count["KBNet"] == 58_191_645_952
    assert round(count["KBNet with UNet--"] / 1e9, 2) == 63.13
    values = [weight._value for model in published.values() for weight in model.weights]
    assert all(value is None for value in values), "a weight was given a value"


def test_layers_of_two_axes():
    inputs = keras.Input((6, 8, 4))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", groups=2)(inputs)  # 3x4 pixels
    x = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    x = keras.layers.Conv2DTranspose(5, 3, strides=2, padding="same")(x)  # from 3x4 to 6x8
    x = keras.layers.SeparableConv2D(6, 3)(x)  # 4x6
    x = PointwiseConvolution(2)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    expected = 12 * (9 * 2 * 4 + 4) + 12 * 9 * 4 + (12 * 9 * 4 * 5 + 48 * 5) + 24 * (9 * 5 + 5 * 6 + 6) + 24 * (6 * 2 + 2)
    assert macs(keras.Model(inputs, keras.layers.Dense(5)(x))) == expected + 24 * 2 + (2 * 5 + 5)


def test_layers_of_three_axes():
    inputs = keras.Input((4, 6, 8, 2))
    x = keras.layers.Conv3D(3, 3, padding="same")(inputs)  # 192 places
    x = keras.layers.MaxPooling3D(2)(x)  # 24 places
    x = keras.layers.Conv3DTranspose(2, 2, strides=2, use_bias=False)(x)
    x = keras.layers.GlobalAveragePooling3D()(x)
    assert macs(keras.Model(inputs, x)) == 192 * (27 * 2 * 3 + 3) + 24 * 8 * 3 * 2 + 192 * 2


def test_kernel_basis_attention_counts_only_if_asked_for():
    inputs = keras.Input((4, 6, 8))
    attention = keras.layers.Conv2D(3, 1, use_bias=False)(inputs)
    model = keras.Model(inputs, KernelBasisAttention()([inputs, attention]))
    mixing = 3 * (9 * 4 * 8 + 8)  # three kernels of 9 taps and 4 channels for each of 8 channels, three biases
    assert macs(model) == 24 * 8 * 3
    assert macs(model, kernel_bases=True) == 24 * (8 * 3 + mixing + 9 * 4 * 8)


def counted(network, image):
    """The same count on a PyTorch network, by hooks."""
    total = 0

    def hook(module, inputs, output):
        nonlocal total
        places = inputs[0] if isinstance(module, nn.ConvTranspose2d) else output
        total += module.weight.numel() * math.prod(places.shape[2:])
        total += 0 if module.bias is None else output[0].numel()

    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            module.register_forward_hook(hook)
    with torch.no_grad():
        network.eval()(image)
    return total


def test_a_unet_and_a_sunet_have_what_their_pytorch_peers_have():
    size = (64, 128)
    peer = counted(pytorch_unet.UNet(inputs=1, classes=2, channels=4, levels=3), torch.zeros(1, 1, *size))
    assert macs(models.UNet(channels=4, levels=3), size) == peer

    peer = pytorch_sunet.SUNet((16, (1, 1, 1, 1), (32, 64, 96, 128)), classes=21, output_stride=16, stem=16)
    ups = [(8, 16), (16, 32), (4, 8), (8, 16), (2, 4), (4, 8)]  # the last block's has stride 1
    uncropped = sum(16 * ((height + 1) * (width + 1) - height * width) for height, width in ups)  # biased, then cut off
    found = macs(models.SUNetSegmentation("mcu_filters16", modules=(1, 1, 1, 1), output_stride=16), size)
    assert found - counted(peer, torch.zeros(1, 3, *size)) == uncropped


def convolution(places, kernel, given, made):
    return places * (kernel * given * made + made)


def unet_by_hand(size, channels, levels, convolutions, classes, given=1):
    """A U-Net of rank 3 with channels of each level as listed."""
    total, volume = 0, math.prod(size)
    for level in range(levels):
        places = volume // 8**level
        for i in range(convolutions):
            total += convolution(places, 27, given if i == 0 else channels[level], channels[level])
        given = channels[level]
        if level < levels - 1:
            coarse = places // 8
            total += coarse * 8 * channels[level + 1] * channels[level] + places * channels[level]
            for i in range(convolutions):
                total += convolution(places, 27, (2 if i == 0 else 1) * channels[level], channels[level])
    return total + convolution(volume, 1, channels[0], classes)


def test_volumes_by_hand():
    size = (16, 32, 48)
    unet = unet_by_hand(size, (4, 8, 16, 32, 64), 5, 2, 2)
    assert macs(models.UNet("harp_width4"), size) == unet
    assert macs(models.LUnet("harp_width4"), size) == unet_by_hand(size, (4,) * 4, 4, 3, 2)

    volume, di2in, given = math.prod(size), 0, 1
    for level in range(4):
        c, places = 4 * 2**level, volume // 8**level
        di2in += convolution(places, 27, given, c) + convolution(places, 27, c, c)
        # the stage below makes half of its own 2 c channels, and the bottom, which has c, all of them
        di2in += convolution(places, 27, c + 1, c // 2) + convolution(places, 1, c, 1)
        given = c
    di2in += 2 * convolution(volume // 8**4, 27, c, c) + convolution(volume, 1, 2, 1)
    assert macs(models.DI2IN(channels=4, skips="sat"), size) == di2in

    vnet, given = 0, 1
    for level, depth in enumerate((1, 2, 3, 3, 3)):
        c, places = 4 * 2**level, volume // 8**level
        vnet += convolution(places, 125, given if level == 0 else c, c) + (depth - 1) * convolution(places, 125, c, c)
        if level < 4:
            wide = 2 * c
            vnet += convolution(places // 8, 8, c, 2 * c)  # down
            vnet += places // 8 * 8 * (4 * c if level < 3 else 2 * c) * c + places * c  # up, of the stage below's channels
            vnet += convolution(places, 125, wide, wide) * depth
    assert macs(models.VNet(channels=4), size) == vnet + convolution(volume, 1, 8, 2)


def test_a_tiramisu_by_hand():
    size, growth, depths, c = (32, 48), 4, (2, 3, 2), 8
    pixels, total = math.prod(size), convolution(math.prod(size), 9, 3, 8)
    kept = []

    def dense(channels, depth, pixels):
        return sum(convolution(pixels, 9, channels + i * growth, growth) for i in range(depth))

    for depth in depths[:-1]:
        total += dense(c, depth, pixels)
        c += depth * growth
        kept.append(c)
        total += convolution(pixels, 1, c, c)
        pixels //= 4
    total += dense(c, depths[-1], pixels)
    height, width, new = size[0] // 4, size[1] // 4, depths[-1] * growth
    for depth, skip in zip(depths[-2::-1], kept[::-1], strict=True):
        total += height * width * 9 * new * new + (2 * height + 1) * (2 * width + 1) * new
        height, width = 2 * height, 2 * width
        total += dense(new + skip, depth, height * width)
        last, new = new + skip + depth * growth, depth * growth
    total += convolution(height * width, 1, last, 11)
    assert macs(models.Tiramisu(growth=growth, depths=depths, channels=8), size) == total


def test_mobilenet_as_published():
    assert round(macs(keras.applications.MobileNet(weights=None)) / 1e6) == 569, "arXiv 1704.04861, table 8"
