/* The port of STM32F7 and STM32H7 boards: a USART on the pins of the debugger's virtual port (RM0385, 31; RM0433, 48).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "board.h"

enum {
    MODE = 0x00, /* of a GPIO */
    FUNCTION = 0x20,
    CONTROL = 0x00, /* of a USART */
    RATE = 0x0c,
    STATE = 0x1c,
    CLEAR = 0x20,
    RECEIVED = 0x24,
    TRANSMIT = 0x28,
    ENABLED = 1 << 0,
    RECEIVER = 1 << 2,
    TRANSMITTER = 1 << 3,
    OVERRUN = 1 << 3,
    FULL = 1 << 5,
    EMPTY = 1 << 7,
    ALTERNATE = 2
};

static void use_pin(uintptr_t gpio, uint32_t pin)
{
    board_field(gpio + FUNCTION + 4 * (pin / 8), 15u << (pin % 8 * 4), (uint32_t)BOARD_PIN_FUNCTION << (pin % 8 * 4));
    board_field(gpio + MODE, 3u << (2 * pin), (uint32_t)ALTERNATE << (2 * pin));
}

#ifdef BOARD_SDRAM
/* The memory map takes the SDRAM for a device, which must not be read unaligned: makes it a memory (Armv7-M ARM, B3.5). */
static void map_sdram(void)
{
    enum { NUMBER = 0, BASE = 4, ATTRIBUTES = 8, WRITE_BACK = 1 << 19 | 3 << 16, READ_WRITE = 3 << 24, NO_CODE = 1 << 28 };
    const uintptr_t mpu = 0xe000ed98u;
    *board_register(mpu + NUMBER) = 0;
    *board_register(mpu + BASE) = BOARD_SDRAM;
    *board_register(mpu + ATTRIBUTES) = NO_CODE | READ_WRITE | WRITE_BACK | (BOARD_SDRAM_LOG2 - 1u) << 1 | ENABLED;
    *board_register(0xe000ed94u) = 4 | ENABLED; /* and the map as it is for everything else */
    __asm volatile("dsb\n isb" ::: "memory");
}
#endif

void board_early_init(void)
{
#ifdef BOARD_SRAM_ENABLE
    board_set(BOARD_SRAM_ENABLE, BOARD_SRAM_BITS);
    (void)*board_register(BOARD_SRAM_ENABLE); /* a clock takes two cycles */
#endif
#ifdef BOARD_SDRAM
    map_sdram();
#endif
}

void board_port_init(uint32_t clock_hz)
{
    board_set(BOARD_GPIO_ENABLE, BOARD_GPIO_BITS);
    board_set(BOARD_UART_ENABLE, BOARD_UART_BIT);
    (void)*board_register(BOARD_UART_ENABLE);
    use_pin(BOARD_TX_GPIO, BOARD_TX_PIN);
    use_pin(BOARD_RX_GPIO, BOARD_RX_PIN);
    *board_register(BOARD_UART + RATE) = (clock_hz + BOARD_BAUD / 2) / BOARD_BAUD;
    *board_register(BOARD_UART + CONTROL) = BOARD_UART_EXTRA;
    board_set(BOARD_UART + CONTROL, ENABLED | RECEIVER | TRANSMITTER);
}

int board_receive(void)
{
    const uint32_t state = *board_register(BOARD_UART + STATE);
    if ((state & OVERRUN) != 0) {
        *board_register(BOARD_UART + CLEAR) = OVERRUN; /* a byte was lost: the frame's checksum tells */
    }
    return (state & FULL) != 0 ? (int)(*board_register(BOARD_UART + RECEIVED) & 0xffu) : BOARD_NOTHING;
}

void board_send(uint8_t byte)
{
    while ((*board_register(BOARD_UART + STATE) & EMPTY) == 0) {
    }
    *board_register(BOARD_UART + TRANSMIT) = byte;
}
