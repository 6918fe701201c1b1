"""The result written over the image, where nothing of the image is read after that; and helpers for pixels."""

import numpy as np
from engine.programs import compiled, said
from tflite.network import Network

from keras_unetmm.firmware.write import Wanted, write
from keras_unetmm.interpreters.runtime import run

RUN = """
#include <stdio.h>
#include "net.h"
static _Alignas(16) unsigned char ram[NET_RAM_BYTES];
static int8_t image[NET_INPUT_BYTES > NET_OUTPUT_BYTES ? NET_INPUT_BYTES : NET_OUTPUT_BYTES];
int main(void)
{
    for (unsigned i = 0; i < NET_INPUT_BYTES; i++) {
        image[i] = (int8_t)((int)(i * 37u % 256u) - 128);
    }
    const int status = (int)net_run(ram, sizeof ram, image, image);
    printf("%d %d", NET_OUTPUT_OVER_INPUT, status);
    for (unsigned i = 0; status == 0 && i < NET_OUTPUT_BYTES; i++) {
        printf(" %d", image[i]);
    }
    return 0;
}
"""
PIXELS = """
#include <stdio.h>
#include "unetmm_image.h"
int main(void)
{
    int wrong = 0;
    for (unsigned i = 0; i < 65536u; i++) {
        const uint16_t pixel = (uint16_t)i;
        uint16_t again;
        int8_t three[3];
        unetmm_from_rgb565(&pixel, 1, three);
        unetmm_to_rgb565(three, 1, &again);
        wrong += again != pixel;
    }
    for (int i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i;
        int8_t signed_byte;
        unetmm_from_uint8(&byte, 1, &signed_byte);
        wrong += signed_byte != i - 128;
        unetmm_to_uint8(&signed_byte, 1, &byte);
        wrong += byte != i;
    }
    const uint16_t white = 0xffff, red = 0xf800;
    int8_t three[6];
    unetmm_from_rgb565(&white, 1, three);
    unetmm_from_rgb565(&red, 1, three + 3);
    wrong += three[0] != 127 || three[1] != 127 || three[2] != 127;
    wrong += three[3] != 127 || three[4] != -128 || three[5] != -128;
    return wrong;
}
"""


def residual(net, x):
    """Two convolutions and the image added, so that the image is read to the end."""
    return net.binary("ADD", net.conv(net.conv(x, 8, (3, 3)), 3, (3, 3)), x)


def larger(net, x):
    """Four rows and columns for one."""
    return net.shuffled("DEPTH_TO_SPACE", net.conv(x, 48, (3, 3)), 4)


def written(tmp_path, layers, **wanted):
    net = Network(3)
    content = net.file(layers(net, net.input(1, 12, 10, 3)))
    figures = write(content, tmp_path / "net", "net", Wanted(**wanted))
    shape = (1, 12, 10, 3)
    image = (np.arange(360) * 37 % 256 - 128).astype("int8").reshape(shape)
    text = said(compiled(tmp_path / "net", RUN))
    allowed, status, *values = map(int, text.split())
    assert bool(allowed) == figures["output_over_input"]
    return allowed, status, values, run(content, image).outputs[0].reshape(-1).tolist()


def test_a_result_over_the_image_is_right_where_it_is_allowed(tmp_path):
    allowed, status, values, right = written(tmp_path, residual, schedule="rows")
    assert (allowed, status) == (1, 0)
    assert values == right


def test_it_is_refused_where_a_row_of_the_result_is_longer(tmp_path):
    allowed, status, values, _ = written(tmp_path, larger, schedule="rows")
    assert (allowed, values) == (0, [])
    assert status == 2  # UNETMM_BAD_ARGUMENT


def test_pixels_of_bytes_and_of_565_bits_come_back(tmp_path):
    net = Network(3)
    write(net.file(residual(net, net.input(1, 12, 10, 3))), tmp_path / "net", "net")
    said(compiled(tmp_path / "net", PIXELS))
