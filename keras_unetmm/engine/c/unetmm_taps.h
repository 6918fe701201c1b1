/* What kernels that compute two pixels at once are given: where the windows lie, and where the outputs go.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_TAPS_H
#define UNETMM_TAPS_H

#include <stdint.h>

/* A function of instructions alone, whose argument the compiler does not see used. */
#ifdef __clang__
#define UNETMM_ASSEMBLED __attribute__((naked, noinline, unused))
#else
#define UNETMM_ASSEMBLED __attribute__((naked, noinline, noipa, unused))
#endif

/* The window of one pixel: rows of the kernel, each `line` bytes of weights, of which `low` to `high` - 1 meet the map. */
typedef struct unetmm_taps {
    const uint8_t *const *rows; /* of the map; NULL beyond the border */
    int32_t begin; /* bytes from a row's pointer to what meets byte `low` */
    int32_t line; /* a multiple of 4 where there are several rows */
    int32_t filled; /* bytes of a line that are no filling up to a multiple of 4 */
    int32_t low;
    int32_t high;
    int32_t depth; /* bytes that lie together in the map; all of them where columns follow each other without a gap */
    int32_t jump; /* bytes from there to the next that lie together */
    int32_t zero; /* what padding holds */
} unetmm_taps;

/* Windows whose rows all are on the map, in one piece each: no test is needed. */
typedef struct unetmm_lines {
    const uint8_t *const *rows;
    int32_t count;
    int32_t line; /* bytes of weights of a row */
    int32_t filled; /* of them, those that meet the map; the others are 0 */
    int32_t second; /* bytes from the first pixel's window to the second's */
} unetmm_lines;

/* What all outputs of two pixels need. */
typedef struct unetmm_outputs {
    const int32_t *channels; /* of the requantisation */
    const int8_t *weights; /* of the first output */
    int32_t size; /* bytes from one output's weights to the next's */
    int32_t count;
    int32_t zero;
    int32_t low;
    int32_t high;
    int8_t *a; /* where the first pixel's outputs go */
    int8_t *b; /* and the second's; NULL where there is none */
} unetmm_outputs;

#endif
