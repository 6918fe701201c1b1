/* The port of the nRF52840 DK: the UART on the pins of the debugger's virtual port (nRF52840 Product Specification, 6.33).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "board.h"

#define CLOCK 0x40000000u
#define UART 0x40002000u
#define PORT_0 0x50000000u

enum {
    START_CRYSTAL = 0x000, /* of CLOCK */
    CRYSTAL_STARTED = 0x100,
    OUT_SET = 0x508, /* of a port */
    DIRECTION_SET = 0x518,
    START_RECEIVER = 0x000, /* of the UART */
    START_TRANSMITTER = 0x008,
    RECEIVED = 0x108,
    SENT = 0x11c,
    ENABLE = 0x500,
    PIN_SENDS = 0x50c,
    PIN_RECEIVES = 0x514,
    BYTE_RECEIVED = 0x518,
    BYTE_TO_SEND = 0x51c,
    RATE = 0x524,
    ENABLED = 4,
    SENDS = 6,
    RECEIVES = 8
};

void board_early_init(void)
{
    *board_register(CLOCK + CRYSTAL_STARTED) = 0;
    *board_register(CLOCK + START_CRYSTAL) = 1; /* without the crystal the rate is off by more than a UART bears */
    while (*board_register(CLOCK + CRYSTAL_STARTED) == 0) {
    }
}

void board_port_init(uint32_t clock_hz)
{
    (void)clock_hz; /* its clock is 16 MHz, whatever the core's */
    const uint64_t rate = ((uint64_t)BOARD_BAUD << 32) / 16000000u;
    *board_register(PORT_0 + OUT_SET) = 1u << SENDS;
    *board_register(PORT_0 + DIRECTION_SET) = 1u << SENDS;
    *board_register(UART + PIN_SENDS) = SENDS;
    *board_register(UART + PIN_RECEIVES) = RECEIVES;
    *board_register(UART + RATE) = ((uint32_t)rate + 0x800u) & 0xfffff000u;
    *board_register(UART + ENABLE) = ENABLED;
    *board_register(UART + START_TRANSMITTER) = 1;
    *board_register(UART + START_RECEIVER) = 1;
}

int board_receive(void)
{
    if (*board_register(UART + RECEIVED) == 0) {
        return BOARD_NOTHING;
    }
    *board_register(UART + RECEIVED) = 0;
    return (int)(*board_register(UART + BYTE_RECEIVED) & 0xffu);
}

void board_send(uint8_t byte)
{
    *board_register(UART + SENT) = 0;
    *board_register(UART + BYTE_TO_SEND) = byte;
    while (*board_register(UART + SENT) == 0) {
    }
}
