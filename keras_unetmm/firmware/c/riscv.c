/* The counter of a RISC-V core (The RISC-V Instruction Set Manual, 10.1). SPDX-License-Identifier: Apache-2.0 */
#include "board.h"

int main(void);
void board_start(void);

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
    return board_clock_hz();
}

void board_start(void)
{
    board_memory_init();
    board_port_init(board_port_clock_hz(board_clock_start()));
    (void)main();
}
