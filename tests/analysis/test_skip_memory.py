import math

import keras
import pytest

from keras_unetmm import models, skips
from keras_unetmm.analysis import kept_maps, skip_memory, skip_memory_timeline

STAGES = ["enc0", "enc1", "enc2", "enc3", "mid", "dec3", "dec2", "dec1", "dec0"]


def timeline(model, size, **arguments):
    return {stage.name: stage.bytes for stage in skip_memory_timeline(model, size, **arguments)}


@pytest.mark.parametrize(("network", "full", "small"), [("NAFNet", 3.75, 0.25), ("KBNet", 7.5, 0.5)])
def test_the_papers_figures(published, network, full, small):
    held = timeline(published[network], (256, 256))
    first = held["enc0"]
    assert list(held) == STAGES
    assert [bytes_ / first for bytes_ in held.values()] == [1, 1.5, 1.75, 1.875, 1.875, 1.75, 1.5, 1, 0]
    assert max(held.values()) / 2**20 == full
    # reductions of 1/16, 1/16, 1/16 and 1/8 of maps that each hold half of the one before; E' waits for all four IEMs
    shares = [first / 16, first * 3 / 32, first * 7 / 64, first / 8]
    held = timeline(published[f"{network} with UNet--"], (256, 256))
    assert list(held.values()) == [*shares, *[first / 8] * 4, 0]
    assert skip_memory(published[f"{network} with UNet--"], (256, 256)) / 2**20 == small


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("none", {}),
        (skips.Only(2), {"enc2_block0_residual2": (16, 24, 64)}),
        ("unet--", {"skips_share_mix": (8, 12, 128)}),
        (skips.UNetMinusMinus(level=0, reductions=(4, 4, 4, 2)), {"skips_share_mix": (64, 96, 8)}),
    ],
    ids=["none", "only", "unet--", "unet-- at full resolution"],
)
def test_kept_maps(kind, kept):
    model = models.NAFNet("mcu_width16", input_shape=(64, 96, 3), skips=kind)
    assert kept_maps(model) == kept
    expected = sum(math.prod(shape) for shape in kept.values())
    assert skip_memory(model, (64, 96), bytes_per_value=4) == 4 * expected
    held = timeline(model, (64, 96))
    assert held["mid"] == expected
    assert held["dec0"] == 0


def test_volumes_with_gates():
    # the gates of a DI2IN with 3 levels: one value a voxel
    held = timeline(models.DI2IN(channels=4, levels=3, skips="sat"), (8, 16, 24))
    voxels = [8 * 16 * 24 // 8**level for level in range(3)]
    sums = [sum(voxels[: i + 1]) for i in range(3)]
    assert list(held.values()) == [*sums, sums[2], sums[1], sums[0], 0]
    maps = kept_maps(models.Tiramisu(rank=3, growth=2, depths=(1, 1), channels=4, dense_skips="sat"), (4, 6, 8))
    assert maps == {"enc0_block_join": (4, 6, 8, 6)}, "connections inside dense blocks are no skips"


def test_the_modules_of_a_sunet_wait_one_after_the_other():
    rows = {"modules": (1, 2, 1, 1)}
    model = models.SUNet("mcu_filters16", **rows)
    assert sorted(kept_maps(model, (64, 128)).values(), reverse=True) == [(8, 16, 16), *[(4, 8, 16)] * 2, (2, 4, 16)]
    held = timeline(model, (64, 128))
    for block, modules, size in ((1, 1, 8 * 16), (2, 2, 4 * 8), (3, 1, 2 * 4)):
        for i in range(modules):
            stages = [
                held.pop(f"block{block}_unet{i}_{stage}") for stage in ("encoder1", "encoder2", "decoder2", "decoder1")
            ]
            assert stages == [16 * size] * 3 + [0]
    assert held == {"block4_unet0_encoder1": 0, "block4_unet0_decoder1": 0}
    assert skip_memory(model, (64, 128)) == 16 * 8 * 16, "the largest one's, not the sum"
    assert skip_memory(models.SUNet("mcu_filters16", skips="sat", **rows), (64, 128)) == 8 * 16
    assert skip_memory(models.SUNet("mcu_filters16", skips="none", **rows), (64, 128)) == 0


def test_a_network_on_a_backbone_of_others():
    backbone = keras.Input((32, 48, 3)), []
    x = backbone[0]
    for channels in (8, 16, 32):
        x = keras.layers.Conv2D(channels, 3, strides=2, padding="same", activation="relu")(x)
        backbone[1].append(x)
    model = models.unet_on(
        keras.Model(backbone[0], x), layers=[tensor._keras_history.operation.name for tensor in backbone[1]]
    )
    held = timeline(model, None)
    assert list(held.values()) == [16 * 24 * 8, 16 * 24 * 8 + 8 * 12 * 16, 16 * 24 * 8 + 8 * 12 * 16, 16 * 24 * 8, 0]


def test_inside_another_model_and_bad_input():
    inner = models.LUnet(rank=2, channels=2, levels=2, name="inner")
    inputs = keras.Input((16, 24, 1))
    assert skip_memory(keras.Model(inputs, inner(inputs))) == 16 * 24 * 2
    with pytest.raises(ValueError, match=r"model must be an encoder-decoder.*Received: mobile, which has neither"):
        skip_memory(keras.Model(inputs, keras.layers.Conv2D(1, 1)(inputs), name="mobile"))
    for wrong in (0, 1.5, True):
        with pytest.raises(ValueError, match=rf"bytes_per_value must be a positive integer.*Received: {wrong}"):
            skip_memory(inner, (16, 16), wrong)
