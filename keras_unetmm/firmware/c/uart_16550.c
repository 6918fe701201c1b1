/* The port of QEMU's virt board: a 16550 (National Semiconductor PC16550D, 8.0). SPDX-License-Identifier: Apache-2.0 */
#include "board.h"

enum { DATA = 0, FIFO_CONTROL = 2, LINE_CONTROL = 3, LINE_STATUS = 5, FIFO_ON = 1, EIGHT_BITS = 3, READY = 1, EMPTY = 0x20 };

static volatile uint8_t *place(uint32_t offset)
{
    return (volatile uint8_t *)(uintptr_t)(BOARD_UART + offset);
}

void board_port_init(uint32_t clock_hz)
{
    (void)clock_hz; /* the emulated port has any rate */
    *place(LINE_CONTROL) = EIGHT_BITS;
    *place(FIFO_CONTROL) = FIFO_ON;
}

int board_receive(void)
{
    if ((*place(LINE_STATUS) & READY) == 0) {
        return BOARD_NOTHING;
    }
    return *place(DATA);
}

void board_send(uint8_t byte)
{
    while ((*place(LINE_STATUS) & EMPTY) == 0) {
    }
    *place(DATA) = byte;
}
