/* Start-up of a Cortex-M: memory, stack, floating-point unit, caches, a counter of cycles.
 *
 * Registers: Armv7-M and Armv8-M Architecture Reference Manuals, chapter B3.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "board.h"

enum {
    SYSTICK_CONTROL = 0x0,
    SYSTICK_RELOAD = 0x4,
    SYSTICK_VALUE = 0x8,
    LAST_TICK = 0xffffff,
    PROCESSOR_CLOCK = 4,
    INTERRUPT = 2,
    ENABLE = 1,
    STACK_SKIP = 64
};

#define SYSTICK 0xe000e010u
#define VECTOR_TABLE 0xe000ed08u
#define CONFIGURATION_CONTROL 0xe000ed14u
#define COPROCESSOR_ACCESS 0xe000ed88u
#define CACHE_SIZE_SELECTION 0xe000ed84u
#define CACHE_SIZE 0xe000ed80u
#define INVALIDATE_INSTRUCTIONS 0xe000ef50u
#define INVALIDATE_DATA_BY_SET_WAY 0xe000ef60u

extern uint32_t board_data_begin, board_data_end, board_bss_begin, board_bss_end;
extern const uint32_t board_data_load; /* all of the linker's script */
int main(void);
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
    for (;;) { /* a debugger finds it here; a computer that waits says that nothing comes any more */
    }
}

uint64_t board_ticks(void)
{
    uint32_t seen;
    uint32_t value;
    do {
        seen = turns;
        value = *board_register(SYSTICK + SYSTICK_VALUE);
    } while (seen != turns);
    const uint64_t cycles = (uint64_t)seen * (LAST_TICK + 1u) + (LAST_TICK - value);
    return cycles * BOARD_TICK_FACTOR / BOARD_TICK_DIVISOR;
}

uint32_t board_tick_hz(void)
{
    return (uint32_t)((uint64_t)board_clock_hz() * BOARD_TICK_FACTOR / BOARD_TICK_DIVISOR);
}

static void barrier(void)
{
    __asm volatile("dsb\n isb" ::: "memory");
}

#ifdef BOARD_CACHES
/* Both caches of a Cortex-M7 hold anything after reset. Nothing here moves by DMA, so nothing is ever cleaned. */
static void caches_init(void)
{
    *board_register(INVALIDATE_INSTRUCTIONS) = 0;
    barrier();
    *board_register(CACHE_SIZE_SELECTION) = 0; /* data, level 1 */
    barrier();
    const uint32_t size = *board_register(CACHE_SIZE);
    for (uint32_t set = 0; set <= (size >> 13 & 0x7fffu); set++) {
        for (uint32_t way = 0; way <= (size >> 3 & 0x3ffu); way++) {
            *board_register(INVALIDATE_DATA_BY_SET_WAY) = way << 30 | set << 5; /* 4 ways, lines of 32 bytes */
        }
    }
    barrier();
    board_set(CONFIGURATION_CONTROL, 3u << 16);
    barrier();
}
#endif

static void memory_init(void)
{
    const uint32_t *from = &board_data_load;
    for (uint32_t *to = &board_data_begin; to < &board_data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = &board_bss_begin; to < &board_bss_end; to++) {
        *to = 0;
    }
}

/* Paints what is free of the stack, but for some words below the pointer, where the compiler may keep what it needs here. */
static void stack_init(void)
{
    uint32_t *top;
    __asm volatile("mov %0, sp" : "=r"(top));
    for (volatile uint32_t *to = &board_stack_bottom; to < top - STACK_SKIP; to++) {
        *to = BOARD_STACK_PAINT;
    }
}

typedef void (*vector)(void);

/* The stack's top is data, but stands in a table of functions. The core's own handlers only: no board here uses another. */
__attribute__((section(".vectors"), used, aligned(128))) static const struct {
    uint32_t *stack;
    vector handlers[15];
} vectors = {
    &board_stack_top,
    {board_reset, board_fault, board_fault, board_fault, board_fault, board_fault, board_fault, 0, 0, 0, board_fault, board_fault,
     0, board_fault, board_tick},
};

void board_reset(void)
{
    *board_register(VECTOR_TABLE) = (uint32_t)(uintptr_t)&vectors;
    board_set(COPROCESSOR_ACCESS, 0xfu << 20); /* the floating-point unit, whose registers compilers use to copy */
    barrier();
    stack_init();
    board_early_init();
    board_memory_init();
    memory_init();
#ifdef BOARD_CACHES
    caches_init();
#endif
    const uint32_t clock_hz = board_clock_start();
    *board_register(SYSTICK + SYSTICK_RELOAD) = LAST_TICK;
    *board_register(SYSTICK + SYSTICK_VALUE) = 0;
    *board_register(SYSTICK + SYSTICK_CONTROL) = PROCESSOR_CLOCK | INTERRUPT | ENABLE;
    board_port_init(board_port_clock_hz(clock_hz));
    (void)main();
    board_fault();
}
