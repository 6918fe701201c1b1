/* A self-test: runs a network on inputs that it makes itself and compares what comes out with what is expected.
 *
 * Macros that its makefile may define:
 *   UNETMM_SELFTEST_RUNS   how many of the six inputs are run; all by default.
 *   UNETMM_SELFTEST_STACK  bytes of stack that are painted to measure how much is used; 8192 by default, 0 measures nothing.
 *                          So many bytes must be free below the stack of main.
 *   UNETMM_SELFTEST_CLOCK  if defined, `uint64_t unetmm_clock(void)` is asked before and after the first run.
 *   UNETMM_SELFTEST_BARE   if defined, NAME_selftest.c has no `main`, no memory and no expected bytes but the checksums: a
 *                          firmware of its own calls the functions below and gives a copy of NAME_test its memory.
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

/* A run of the test, for those who take the steps themselves. */
typedef struct unetmm_selftest_run {
    const unetmm_selftest *test;
    unetmm_call call;
    int input_case;
    int paint; /* the byte that its memory was filled with */
    uint32_t wrong; /* bytes that differ from those expected, where they are stored */
    uint32_t first_wrong;
} unetmm_selftest_run;

enum { UNETMM_SELFTEST_OUTSIDE = 1, UNETMM_SELFTEST_DIFFERS = 2 };

/* Fills the memory with a byte and begins a run on one of the inputs; what a network keeps it keeps from input 0 on. */
unetmm_status unetmm_selftest_begin(unetmm_selftest_run *run, const unetmm_selftest *test, int input_case, int paint);

/* Looks at what a run left: 0, or a sum of what is wrong. Raises the high-water marks of both memories, in bytes. */
int unetmm_selftest_end(const unetmm_selftest_run *run, size_t *arena, size_t *carried);

#ifndef UNETMM_SELFTEST_BARE
/* Runs the test and prints what it found. Returns 0 if all is as expected. */
int unetmm_selftest_main(const unetmm_selftest *test);
#endif

#ifdef __cplusplus
}
#endif

#endif
