# SPDX-License-Identifier: Apache-2.0
"""Packages for frameworks, which bring the board, its clock and its ports themselves."""

from keras_unetmm.firmware.boards.board import PARTS, Board, Region

_K, _M = 2**10, 2**20


def _package(name, title, port, ticks, regions=(), places=None):
    return Board(
        name=name,
        title=title,
        core="its board's",
        prefix="",
        flags=(),
        link=(),
        regions=regions,
        places=places or dict.fromkeys(PARTS, ()),
        sources=(),
        config={},
        ticks=ticks,
        port=port,
        package=True,
    )


ARDUINO = _package("arduino", "an Arduino library", "Serial", "microseconds")
ZEPHYR = _package("zephyr", "a Zephyr module", "the console's UART", "cycles")
CMAKE = _package("cmake", "a CMake package", "yours", "ticks of yours")
CORALMICRO = _package("coralmicro", "an app for the Coral Dev Board Micro", "its USB console", "microseconds")
ESP_IDF = _package(
    "esp-idf",
    "an ESP-IDF component",
    "UART 0",
    "microseconds",
    (  # of an ESP32-S3 with 8 MB of PSRAM: what is free for static data, and flash as it is seen through its cache
        Region("FLASH", 0x42000000, 8 * _M, "flash"),
        Region("SRAM", 0x3FC88000, 320 * _K),
        Region("PSRAM", 0x3D000000, 8 * _M, external=True),
    ),
    {
        "code": ("FLASH",),
        "weights": ("FLASH",),
        "data": ("SRAM",),
        "fast": ("SRAM",),
        "carried": ("SRAM", "PSRAM"),
    },
)
