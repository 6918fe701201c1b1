# SPDX-License-Identifier: Apache-2.0
"""This computer as a board."""

from keras_unetmm.firmware.boards.board import PARTS, Board

HOST = Board(
    name="host",
    title="this computer",
    core="this computer's",
    prefix="",
    flags=(),
    link=(),
    regions=(),
    places=dict.fromkeys(PARTS, ()),
    sources=("host.c",),
    config={},
    ticks="nanoseconds",
    port="a TCP port of the loopback interface",
)
