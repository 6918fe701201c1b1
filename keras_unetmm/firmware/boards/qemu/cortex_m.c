/* Start-up of an emulated Cortex-M: stack, floating-point unit, a clock of instructions, output by semihosting.
 *
 * QEMU puts all sections where they belong, so nothing is copied or cleared here. With -icount shift=0 it takes one
 * instruction for one nanosecond, so that SysTick, which runs at the processor's clock, counts instructions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>

#ifndef BOARD_PICOSECONDS
#error "define BOARD_PICOSECONDS, the time of one tick of SysTick"
#endif

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xe000e010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xe000e014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xe000e018u)
#define COPROCESSOR_ACCESS (*(volatile uint32_t *)0xe000ed88u)

enum { LAST_TICK = 0xffffff, PROCESSOR_CLOCK = 4, INTERRUPT = 2, ENABLE = 1, FULL_ACCESS_10_11 = 0xf << 20 };

extern uint32_t board_stack_top; /* of the linker's script */
void initialise_monitor_handles(void); /* of newlib's librdimon */
int main(void);
uint64_t unetmm_clock(void);
void board_reset(void);
void board_tick(void);
void board_fault(void);

static volatile uint32_t turns;

void board_tick(void)
{
    turns = turns + 1;
}

void board_fault(void)
{
    exit(70);
}

uint64_t unetmm_clock(void)
{
    uint32_t seen;
    uint32_t value;
    do {
        seen = turns;
        value = SYSTICK_VALUE;
    } while (seen != turns);
    const uint64_t ticks = (uint64_t)seen * (LAST_TICK + 1u) + (LAST_TICK - value);
    return ticks * BOARD_PICOSECONDS / 1000u;
}

void board_reset(void)
{
    COPROCESSOR_ACCESS |= FULL_ACCESS_10_11;
    __asm volatile("dsb\n isb" ::: "memory");
    SYSTICK_RELOAD = LAST_TICK;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = PROCESSOR_CLOCK | INTERRUPT | ENABLE;
    initialise_monitor_handles();
    exit(main());
}

typedef void (*vector)(void);

/* The stack's top is data, but stands in a table of functions. */
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    vector handlers[15];
} vectors = {
    &board_stack_top,
    {board_reset, board_fault, board_fault, board_fault, board_fault, board_fault, 0, 0, 0, 0, board_fault, board_fault, 0,
     board_fault, board_tick},
};
