# SPDX-License-Identifier: Apache-2.0
"""Arm's MPS boards as QEMU emulates them (Application Notes 386, 500 and 547), and QEMU's own RISC-V board."""

from keras_unetmm.firmware.boards.board import Board, Emulator, Region

_K, _M = 2**10, 2**20
CORTEX_M_LINK = ("-nostartfiles", "--specs=nosys.specs")


def _emulated(command, *machine):
    """With -icount shift=0 QEMU takes one instruction for one nanosecond."""
    return Emulator(command, (*machine, "-nographic", "-monitor", "none", "-icount", "shift=0"))


def _mps(name, title, core, cpu, regions, places, uart, clock_hz, tick_factor):
    return Board(
        name=name,
        title=title,
        core=core,
        prefix="arm-none-eabi-",
        flags=(*cpu, "-mthumb", "-mfloat-abi=hard"),
        link=CORTEX_M_LINK,
        regions=regions,
        places=places,
        sources=("board.c", "cortex_m.c", "uart_cmsdk.c"),
        config={"BOARD_UART": uart, "BOARD_CLOCK_HZ": clock_hz},
        ticks="instructions",
        tick_factor=tick_factor,
        port="UART 0",
        emulator=_emulated("qemu-system-arm", "-M", name.removeprefix("qemu-")),
    )


def _mps2(name, title, core, cpu, large):
    regions = (
        Region("FLASH", 0x00000000, 4 * _M, "flash"),
        Region("SRAM", 0x20000000, 4 * _M),
        Region("PSRAM", large, 16 * _M),
    )
    places = {
        "code": ("FLASH",),
        "weights": ("FLASH",),
        "data": ("SRAM",),
        "fast": ("SRAM", "PSRAM"),
        "carried": ("SRAM", "PSRAM"),
    }
    return _mps(name, title, core, cpu, regions, places, 0x40004000, 25_000_000, (40, 1))


AN386 = _mps2(
    "qemu-mps2-an386",
    "Arm MPS2 with a Cortex-M4, emulated",
    "Cortex-M4",
    ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"),
    0x21000000,
)
AN500 = _mps2(
    "qemu-mps2-an500",
    "Arm MPS2 with a Cortex-M7, emulated",
    "Cortex-M7",
    ("-mcpu=cortex-m7", "-mfpu=fpv5-d16"),
    0x60000000,
)
AN547 = _mps(
    "qemu-mps3-an547",
    "Arm MPS3 with a Cortex-M55, emulated",
    "Cortex-M55",
    ("-mcpu=cortex-m55",),
    (
        Region("ITCM", 0x00000000, 512 * _K, "flash"),
        Region("DTCM", 0x20000000, 512 * _K),
        Region("SRAM", 0x21000000, 2 * _M),
        Region("DDR", 0x60000000, 256 * _M, "flash"),
        Region("DDR_RAM", 0x70000000, 256 * _M),
    ),
    {
        "code": ("ITCM",),
        "weights": ("ITCM", "DDR"),
        "data": ("DTCM",),
        "fast": ("DTCM", "SRAM", "DDR_RAM"),
        "carried": ("DTCM", "SRAM", "DDR_RAM"),
    },
    0x59303000,
    32_000_000,
    (125, 4),
)
RISCV32 = Board(
    name="qemu-riscv32",
    title="QEMU's virt board with a 32-bit RISC-V core",
    core="RV32IMAC",
    prefix="riscv64-unknown-elf-",
    flags=("-march=rv32imac", "-mabi=ilp32", "--specs=picolibc.specs"),
    link=("-nostartfiles",),
    regions=(Region("FLASH", 0x80000000, 16 * _M, "flash"), Region("RAM", 0x81000000, 16 * _M)),
    places={"code": ("FLASH",), "weights": ("FLASH",), "data": ("RAM",), "fast": ("RAM",), "carried": ("RAM",)},
    sources=("riscv.S", "board.c", "riscv.c", "uart_16550.c"),
    config={"BOARD_UART": 0x10000000, "BOARD_CLOCK_HZ": 1_000_000_000},
    ticks="instructions",
    port="the 16550",
    emulator=_emulated("qemu-system-riscv32", "-M", "virt", "-bios", "none"),
)
