/* The port of Arm's MPS boards: a UART of the Cortex-M System Design Kit (its Technical Reference Manual, 4.3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "board.h"

enum { DATA = 0x00, STATE = 0x04, CONTROL = 0x08, DIVIDER = 0x10, TRANSMIT_FULL = 1, RECEIVE_FULL = 2, BOTH = 3, LEAST = 16 };

void board_port_init(uint32_t clock_hz)
{
    const uint32_t divider = clock_hz / BOARD_BAUD;
    *board_register(BOARD_UART + DIVIDER) = divider < LEAST ? LEAST : divider;
    *board_register(BOARD_UART + CONTROL) = BOTH;
}

int board_receive(void)
{
    if ((*board_register(BOARD_UART + STATE) & RECEIVE_FULL) == 0) {
        return BOARD_NOTHING;
    }
    return (int)(*board_register(BOARD_UART + DATA) & 0xffu);
}

void board_send(uint8_t byte)
{
    while ((*board_register(BOARD_UART + STATE) & TRANSMIT_FULL) != 0) {
    }
    *board_register(BOARD_UART + DATA) = byte;
}
