/* What the start-up code and the file of a board share. SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#include "board_config.h"
#include "unetmm_board.h"

#define BOARD_STACK_PAINT 0x3c3c3c3c /* what a stack is filled with before it is used; riscv.S has it too */

extern uint32_t board_stack_bottom, board_stack_top; /* of the linker's script */

/* A register. */
static inline volatile uint32_t *board_register(uintptr_t address)
{
    return (volatile uint32_t *)address;
}

/* Sets some bits of a register. */
static inline void board_set(uintptr_t address, uint32_t bits)
{
    *board_register(address) = *board_register(address) | bits;
}

/* Sets a field of a register: `mask` are its bits, `value` stands where they are. */
static inline void board_field(uintptr_t address, uint32_t mask, uint32_t value)
{
    *board_register(address) = (*board_register(address) & ~mask) | value;
}

/* Yours, if you define one: sets clocks and returns that of the core in hertz. By default the clock is that after reset. */
uint32_t board_clock_init(void);

/* Yours, if you define one: hertz of the clock of the port, if it is not that of the core. */
uint32_t board_port_clock_hz(uint32_t clock_hz);

/* Yours, if you define one: starts memories outside the chip. It runs before anything is put there. */
void board_memory_init(void);

/* Starts the clock, which board_clock_hz then tells, and returns its hertz. */
uint32_t board_clock_start(void);

/* The board's, if it has one: runs before everything else. */
void board_early_init(void);

/* The board's: its port, at BOARD_BAUD, whose clock has so many hertz. */
void board_port_init(uint32_t clock_hz);

#endif
