/* The port of an RP2350 board: UART 0 on GPIO 0 and 1, clocked by the crystal of 12 MHz (RP2350 Datasheet, 5.9.5, 8.1, 9.11
 * and 12.1).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "board.h"

#define CLOCKS 0x40010000u
#define RESETS 0x40020000u
#define IO_BANK_0 0x40028000u
#define PADS_BANK_0 0x40038000u
#define CRYSTAL 0x40048000u
#define UART_0 0x40070000u

enum {
    REFERENCE = 0x30, /* of CLOCKS */
    REFERENCE_SELECTED = 0x38,
    SYSTEM = 0x3c,
    PERIPHERAL = 0x48,
    FROM_CRYSTAL = 2,
    PERIPHERAL_ON = 1 << 11,
    STATUS = 0x04, /* of CRYSTAL */
    STARTUP = 0x0c,
    UP_TO_15_MHZ = 0xaa0,
    CRYSTAL_ON = 0xfab << 12,
    DELAY = 47, /* in units of 256 cycles: a millisecond */
    DONE = 0x08, /* of RESETS */
    IO_BANK = 1 << 6,
    PADS_BANK = 1 << 9,
    UART_RESET = 1 << 26,
    UART_FUNCTION = 2,
    PAD = 0x52, /* input on, 4 mA, Schmitt trigger, not isolated */
    DATA = 0x00, /* of UART 0, a PL011 */
    FLAGS = 0x18,
    WHOLE = 0x24,
    FRACTION = 0x28,
    LINE = 0x2c,
    CONTROL = 0x30,
    RECEIVE_EMPTY = 1 << 4,
    TRANSMIT_FULL = 1 << 5,
    EIGHT_BITS_FIFO = 0x70,
    ALL_ON = 0x301
};

/* What the boot ROM looks for in the first 4 KB: a program for an Arm core of an RP2350, in secure mode. */
__attribute__((section(".image_definition"), used)) static const uint32_t image_definition[5] = {
    0xffffded3u, 0x10210142u, 0x000001ffu, 0, 0xab123579u,
};

void board_early_init(void)
{
    *board_register(CRYSTAL + STARTUP) = DELAY;
    *board_register(CRYSTAL) = (uint32_t)CRYSTAL_ON | UP_TO_15_MHZ;
    while ((*board_register(CRYSTAL + STATUS) >> 31) == 0) {
    }
    *board_register(CLOCKS + REFERENCE) = FROM_CRYSTAL;
    while ((*board_register(CLOCKS + REFERENCE_SELECTED) & 1u << FROM_CRYSTAL) == 0) {
    }
    *board_register(CLOCKS + SYSTEM) = 0; /* from the reference */
}

void board_port_init(uint32_t clock_hz)
{
    const uint32_t needed = IO_BANK | PADS_BANK | UART_RESET;
    const uint32_t rate = (uint32_t)(((uint64_t)clock_hz * 4 + BOARD_BAUD / 2) / BOARD_BAUD); /* in 64ths of 1/16 */
    *board_register(CLOCKS + PERIPHERAL) = PERIPHERAL_ON;
    board_field(RESETS, needed, 0);
    while ((*board_register(RESETS + DONE) & needed) != needed) {
    }
    for (uint32_t pin = 0; pin < 2; pin++) {
        *board_register(IO_BANK_0 + 8 * pin + 4) = UART_FUNCTION;
        *board_register(PADS_BANK_0 + 4 * pin + 4) = PAD;
    }
    *board_register(UART_0 + WHOLE) = rate >> 6;
    *board_register(UART_0 + FRACTION) = rate & 63u;
    *board_register(UART_0 + LINE) = EIGHT_BITS_FIFO; /* after the rate, which it takes over */
    *board_register(UART_0 + CONTROL) = ALL_ON;
}

int board_receive(void)
{
    if ((*board_register(UART_0 + FLAGS) & RECEIVE_EMPTY) != 0) {
        return BOARD_NOTHING;
    }
    return (int)(*board_register(UART_0 + DATA) & 0xffu);
}

void board_send(uint8_t byte)
{
    while ((*board_register(UART_0 + FLAGS) & TRANSMIT_FULL) != 0) {
    }
    *board_register(UART_0 + DATA) = byte;
}
