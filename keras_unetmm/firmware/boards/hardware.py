# SPDX-License-Identifier: Apache-2.0
"""Boards of which the start-up code, the port and the memories were written from their manuals: built here, not run.

The clock is that after reset, but for the crystals that their ports need. `board_clock_init` is the user's.
"""

from keras_unetmm.firmware.boards.board import Board, Region
from keras_unetmm.firmware.boards.mps import CORTEX_M_LINK

_K, _M = 2**10, 2**20
_RESET = (
    "The core runs at the clock that it has after reset. Define `uint32_t board_clock_init(void)`, which sets the PLL and "
    "returns hertz, and `board_port_clock_hz` if the port's clock is another one."
)


def _board(name, title, core, flags, regions, places, sources, config, port, flash, notes=()):
    return Board(
        name=name,
        title=title,
        core=core,
        prefix="arm-none-eabi-",
        flags=(*flags, "-mthumb", "-mfloat-abi=hard"),
        link=CORTEX_M_LINK,
        regions=regions,
        places=places,
        sources=("board.c", "cortex_m.c", *sources),
        config=config,
        ticks="cycles",
        port=port,
        flash=flash,
        notes=(_RESET, *notes),
    )


_CACHE = "Both caches are on. What DMA reads or writes must lie in DTCM or be cleaned and invalidated by lines of 32 bytes."
H743 = _board(
    "nucleo-h743zi",
    "ST NUCLEO-H743ZI",
    "Cortex-M7",
    ("-mcpu=cortex-m7", "-mfpu=fpv5-d16"),
    (
        Region("FLASH", 0x08000000, 2 * _M, "flash"),
        Region("DTCM", 0x20000000, 128 * _K),
        Region("AXI", 0x24000000, 512 * _K),
        Region("D2", 0x30000000, 288 * _K),
        Region("D3", 0x38000000, 64 * _K),
    ),
    {
        "code": ("FLASH",),
        "weights": ("FLASH",),
        "data": ("DTCM",),
        "fast": ("DTCM", "AXI"),
        "carried": ("AXI", "D2", "DTCM"),
    },
    ("stm32.c",),
    {
        "BOARD_CACHES": 1,
        "BOARD_CLOCK_HZ": 64_000_000,
        "BOARD_UART": 0x40004800,  # USART 3, PD8 and PD9
        "BOARD_UART_ENABLE": 0x580244E8,
        "BOARD_UART_BIT": 1 << 18,
        "BOARD_UART_EXTRA": 1 << 29,  # its FIFO
        "BOARD_GPIO_ENABLE": 0x580244E0,
        "BOARD_GPIO_BITS": 1 << 3,
        "BOARD_TX_GPIO": 0x58020C00,
        "BOARD_TX_PIN": 8,
        "BOARD_RX_GPIO": 0x58020C00,
        "BOARD_RX_PIN": 9,
        "BOARD_PIN_FUNCTION": 7,
        "BOARD_SRAM_ENABLE": 0x580244DC,
        "BOARD_SRAM_BITS": 7 << 29,
    },
    "USART 3, the debugger's virtual port",
    ("pyocd", "stm32h743zitx"),
    (_CACHE,),
)
F746 = _board(
    "stm32f746g-disco",
    "ST STM32F746G-DISCO",
    "Cortex-M7",
    ("-mcpu=cortex-m7", "-mfpu=fpv5-sp-d16"),
    (
        Region("FLASH", 0x08000000, 1 * _M, "flash"),
        Region("QSPI", 0x90000000, 16 * _M, "flash", external=True),
        Region("DTCM", 0x20000000, 64 * _K),
        Region("SRAM", 0x20010000, 256 * _K),
        Region("SDRAM", 0xC0000000, 8 * _M, external=True),
    ),
    {
        "code": ("FLASH",),
        "weights": ("FLASH",),
        "data": ("DTCM",),
        "fast": ("DTCM", "SRAM"),
        "carried": ("SRAM", "DTCM"),
    },
    ("stm32.c",),
    {
        "BOARD_CACHES": 1,
        "BOARD_CLOCK_HZ": 16_000_000,
        "BOARD_UART": 0x40011000,  # USART 1, PA9 and PB7
        "BOARD_UART_ENABLE": 0x40023844,
        "BOARD_UART_BIT": 1 << 4,
        "BOARD_UART_EXTRA": 0,
        "BOARD_GPIO_ENABLE": 0x40023830,
        "BOARD_GPIO_BITS": 3,
        "BOARD_TX_GPIO": 0x40020000,
        "BOARD_TX_PIN": 9,
        "BOARD_RX_GPIO": 0x40020400,
        "BOARD_RX_PIN": 7,
        "BOARD_PIN_FUNCTION": 7,
        "BOARD_SDRAM": 0xC0000000,
        "BOARD_SDRAM_LOG2": 23,
    },
    "USART 1, the debugger's virtual port",
    ("pyocd", "stm32f746nghx"),
    (_CACHE,),
)
NRF52840 = _board(
    "nrf52840-dk",
    "Nordic nRF52840 DK",
    "Cortex-M4",
    ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"),
    (
        Region("FLASH", 0x00000000, 1 * _M, "flash"),
        Region("QSPI", 0x12000000, 8 * _M, "flash", external=True),
        Region("RAM", 0x20000000, 256 * _K),
    ),
    {"code": ("FLASH",), "weights": ("FLASH",), "data": ("RAM",), "fast": ("RAM",), "carried": ("RAM",)},
    ("nrf52840.c",),
    {"BOARD_CLOCK_HZ": 64_000_000},
    "UART 0, the debugger's virtual port",
    ("pyocd", "nrf52840"),
)
RP2350 = _board(
    "rp2350",
    "Raspberry Pi Pico 2 and other boards with an RP2350",
    "Cortex-M33",
    ("-mcpu=cortex-m33", "-mfpu=fpv5-sp-d16"),
    (Region("FLASH", 0x10000000, 4 * _M, "flash"), Region("SRAM", 0x20000000, 520 * _K)),
    {"code": ("FLASH",), "weights": ("FLASH",), "data": ("SRAM",), "fast": ("SRAM",), "carried": ("SRAM",)},
    ("rp2350.c",),
    {"BOARD_CLOCK_HZ": 12_000_000},
    "UART 0, on GPIO 0 and 1",
    ("uf2", "rp2350"),
    ("Code and weights are read from flash through its cache. The network's memory lies in SRAM.",),
)
