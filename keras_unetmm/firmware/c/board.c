/* What all cores share: the clock, how much of the stack was used, and functions that a board or its user may replace.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "board.h"

static uint32_t clock_hz;

uint32_t board_clock_start(void)
{
    clock_hz = board_clock_init();
    return clock_hz;
}

uint32_t board_clock_hz(void)
{
    return clock_hz;
}

uint32_t board_stack_used(void)
{
    const uint32_t *place = &board_stack_bottom;
    while (place < &board_stack_top && *place == BOARD_STACK_PAINT) {
        place++;
    }
    return (uint32_t)((uintptr_t)&board_stack_top - (uintptr_t)place);
}

__attribute__((weak)) uint32_t board_clock_init(void)
{
    return BOARD_CLOCK_HZ;
}

__attribute__((weak)) void board_memory_init(void)
{
}

__attribute__((weak)) void board_early_init(void)
{
}

__attribute__((weak)) uint32_t board_port_clock_hz(uint32_t core_hz)
{
    return core_hz;
}
