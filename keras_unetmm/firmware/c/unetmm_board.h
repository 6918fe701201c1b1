/* What a board gives to the device protocol. SPDX-License-Identifier: Apache-2.0 */
#ifndef UNETMM_BOARD_H
#define UNETMM_BOARD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { BOARD_NOTHING = -1, BOARD_CLOSED = -2 };

/* The next byte that came, BOARD_NOTHING, or BOARD_CLOSED if none will come. It does not wait for long. */
int board_receive(void);

/* Sends a byte; waits until the port can take it. */
void board_send(uint8_t byte);

/* Counts up, board_tick_hz() times a second: cycles, instructions of an emulated core, or nanoseconds. */
uint64_t board_ticks(void);
uint32_t board_tick_hz(void);

/* Hertz of the core's clock; 0 if nobody knows. */
uint32_t board_clock_hz(void);

/* Bytes of stack that were used at most since the start; 0 if nobody knows. */
uint32_t board_stack_used(void);

#ifdef __cplusplus
}
#endif

#endif
