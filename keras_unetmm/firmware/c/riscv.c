/* The clock and the stack of a RISC-V core (The RISC-V Instruction Set Manual, 10.1). SPDX-License-Identifier: Apache-2.0 */
#include "board.h"

enum { STACK_PAINT = 0x3c3c3c3c };

extern uint32_t board_stack_bottom, board_stack_top; /* of the linker's script */
int main(void);
void board_start(void);

static uint32_t clock_hz;

uint64_t board_ticks(void)
{
    uint32_t high;
    uint32_t low;
    uint32_t again;
    do {
        __asm volatile(".option push\n .option arch, +zicsr\n csrr %0, minstreth\n csrr %1, minstret\n csrr %2, minstreth\n .option pop"
                       : "=r"(high), "=r"(low), "=r"(again));
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

uint32_t board_tick_hz(void)
{
    return clock_hz;
}

uint32_t board_clock_hz(void)
{
    return clock_hz;
}

uint32_t board_stack_used(void)
{
    const uint32_t *place = &board_stack_bottom;
    while (place < &board_stack_top && *place == STACK_PAINT) {
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

void board_start(void)
{
    board_memory_init();
    clock_hz = board_clock_init();
    board_port_init(clock_hz);
    (void)main();
}
