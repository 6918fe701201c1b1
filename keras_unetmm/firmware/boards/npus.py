# SPDX-License-Identifier: Apache-2.0
"""Arm's Ethos-U NPUs, for which Vela compiles: a package without TFLM, for a firmware that has Arm's driver."""

from keras_unetmm.firmware.boards.board import Board, Region
from keras_unetmm.targets.vela_stream import FAMILIES

_G = 2**30
_SRAM = Region("SRAM", 0, _G)  # how much there is, Vela is told by --ram
_OTHER = {
    "ethos-u55": Region("FLASH", _G, _G, "flash"),
    "ethos-u65": Region("DRAM", _G, _G),
    "ethos-u85": Region("DRAM", _G, _G),
}


def _npu(family, size):
    other = _OTHER[family]
    return Board(
        name=f"{family}-{size}",
        title=f"an Arm {family.replace('ethos-u', 'Ethos-U')} NPU of {size} multiply-accumulates a cycle",
        core="its board's",
        prefix="",
        flags=(),
        link=(),
        regions=(_SRAM, other),
        places={
            "code": (),
            "weights": (other.name,),
            "data": (),
            "fast": ("SRAM",),
            "carried": (other.name if other.kind == "ram" else "SRAM",),
        },
        sources=(),
        config={},
        ticks="cycles",
        port="none",
        package=True,
    )


NPUS = {npu.name: npu for family, (sizes, _) in FAMILIES.items() for npu in (_npu(family, size) for size in sizes)}


def memory_mode(npu, place):
    """Returns Vela's memory mode for a dict of parts and names of memories.

    `weights=SRAM` is Sram_Only. The arena, `carried`, lies in SRAM with Shared_Sram. With Dedicated_Sram it lies in DRAM
    beside the weights, and the NPU keeps what it works on in SRAM.

    Args:
        npu: one of `NPUS`.
        place: dict from parts to names of memories; what is not in it goes where Vela puts it by itself.
    """
    at = {part: names[0] for part, names in npu.places.items() if names} | place
    if at["weights"] == "SRAM":
        return "Sram_Only"
    return "Shared_Sram" if at["carried"] == "SRAM" else "Dedicated_Sram"
