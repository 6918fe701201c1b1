"""Where light skips make a network much larger, it says so when it is built."""

import logging
import re

import keras
import pytest
from checks import ON_TORCH

from keras_unetmm import models, skips

pytestmark = ON_TORCH


def backbone():
    x = inputs = keras.Input((32, 32, 3))
    for channels in (64, 96, 128):  # many channels, few parameters
        x = keras.layers.DepthwiseConv2D(3, strides=2, padding="same")(x)
        x = keras.layers.Conv2D(channels, 1)(x)
    return keras.Model(inputs, x, name="light")


def test_parameters_and_bytes_are_those_of_the_network(caplog):
    with caplog.at_level(logging.WARNING, "keras_unetmm"):
        model = models.unet_on(backbone(), channels=4, skips=skips.UNetMinusMinus((4, 3)))
    (record,) = caplog.records
    added, others = (
        int(text.replace(",", "")) for text in re.findall(r"([\d,]+) parameters to the ([\d,]+)", record.message)[0]
    )
    assert added + others == model.count_params()
    assert added > 0.1 * others
    shared = model.get_layer("skips_share").output.shape
    assert f"keep {shared[-1] / 4:.3g} bytes for each pixel of level 0" in record.message
    assert f"skips='full' keeps {64 + 96 / 4:.3g}" in record.message


@pytest.mark.parametrize("kind", ["full", "sat", "none"])
def test_other_skips_say_nothing(kind, caplog):
    with caplog.at_level(logging.WARNING, "keras_unetmm"):
        models.unet_on(backbone(), channels=4, skips=kind)
    assert not caplog.records


def test_the_papers_network_says_nothing_and_a_mix_does(caplog):
    with caplog.at_level(logging.WARNING, "keras_unetmm"):
        models.NAFNet("mcu_width16", width=32, encoder_depths=(1, 1), middle_depth=12, decoder_depths=(1, 1), skips="unet--")
    assert not caplog.records
    with caplog.at_level(logging.WARNING, "keras_unetmm"):
        models.unet_on(backbone(), channels=4, skips=("full", skips.UNetMinusMinus((2,))))
    assert len(caplog.records) == 1
