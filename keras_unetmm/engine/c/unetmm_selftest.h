/* A self-test: runs a network on inputs that it makes itself and compares what comes out with what is expected.
 *
 * Macros that its makefile may define:
 *   UNETMM_SELFTEST_RUNS   how many of the six inputs are run; all by default.
 *   UNETMM_SELFTEST_STACK  bytes of stack that are painted to measure how much is used; 8192 by default, 0 measures nothing.
 *                          So many bytes must be free below the stack of main.
 *   UNETMM_SELFTEST_CLOCK  if defined, `uint64_t unetmm_clock(void)` is asked before and after the first run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_SELFTEST_H
#define UNETMM_SELFTEST_H

#include "unetmm_image.h"

#ifdef __cplusplus
extern "C" {
#endif

#define UNETMM_SELFTEST_CASES 6 /* random, random again, all minimum, all maximum, rising ramp, falling ramp */
#define UNETMM_SELFTEST_GUARD 64 /* bytes before and behind the memory that is given to the network */

typedef struct unetmm_selftest {
    const char *name;
    const unetmm_network *network;
    const unetmm_port *input_ports;
    const unetmm_port *output_ports;
    int inputs;
    int outputs;
    const uint8_t *const *expected; /* the bytes of every output for the first input; NULL where they are too many */
    const uint32_t *checksums; /* of every output for every input */
    uint32_t *sums; /* one for every output, for the test's own use */
    uint8_t *arena; /* the guard, the arena, the guard */
    uint8_t *carried; /* likewise, of the maps that are kept whole; NULL where the arena holds them */
} unetmm_selftest;

#ifdef UNETMM_SELFTEST_CLOCK
uint64_t unetmm_clock(void); /* instructions, cycles or ticks, whatever the board counts */
#endif

/* Runs the test and prints what it found. Returns 0 if all is as expected. */
int unetmm_selftest_main(const unetmm_selftest *test);

#ifdef __cplusplus
}
#endif

#endif
