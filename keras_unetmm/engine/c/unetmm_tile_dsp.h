/* Tiles of outputs on Cortex-M cores with the DSP extension, in their own instructions from the first bias to the last byte:
 * the compiler, left to itself, keeps most of what a tile needs on the stack and fetches it again for every tile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_TILE_DSP_H
#define UNETMM_TILE_DSP_H

#include "unetmm_dsp.h"
#include "unetmm_taps.h"

#if UNETMM_DSP && defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define UNETMM_TILES 1
#else
#define UNETMM_TILES 0
#endif

#if UNETMM_TILES

/* Widens 16 bytes to every other two words, and goes on behind them. */
static inline void unetmm_widen_four(const int8_t **from, uint32_t **to)
{
    uint32_t s, e;
#define UNETMM_WIDEN "ldr %[s], [%[x]], #4\n\tsxtb16 %[e], %[s]\n\tsxtb16 %[s], %[s], ror #8\n\tstrd %[e], %[s], [%[to]], #16\n\t"
    __asm__ volatile(UNETMM_WIDEN UNETMM_WIDEN UNETMM_WIDEN UNETMM_WIDEN : [x] "+r"(*from), [to] "+r"(*to), [s] "=&r"(s), [e] "=&r"(e) : : "memory");
#undef UNETMM_WIDEN
}

/* Widens quads to every eighth two words. */
static inline void unetmm_widen_apart(const int8_t *from, int32_t quads, uint32_t *to)
{
    uint32_t s, e;
#define UNETMM_WIDEN "ldr %[s], [%[x]], #4\n\tsxtb16 %[e], %[s]\n\tsxtb16 %[s], %[s], ror #8\n\tstrd %[e], %[s], [%[to]], #64\n\t"
    for (; quads >= 4; quads -= 4) {
        __asm__ volatile(UNETMM_WIDEN UNETMM_WIDEN UNETMM_WIDEN UNETMM_WIDEN : [x] "+r"(from), [to] "+r"(to), [s] "=&r"(s), [e] "=&r"(e) : : "memory");
    }
    for (; quads > 0; quads--) {
        __asm__ volatile(UNETMM_WIDEN : [x] "+r"(from), [to] "+r"(to), [s] "=&r"(s), [e] "=&r"(e) : : "memory");
    }
#undef UNETMM_WIDEN
}

/* What all tiles need; the instructions below know the places of the members. */
typedef struct unetmm_tiles {
    const int32_t *channels; /* 0 */
    int8_t *a; /* 4 */
    int8_t *b; /* 8 */
    int32_t count; /* 12, of tiles; 1 or more */
    const uint32_t *x; /* 16 */
    const uint32_t *end; /* 20, of the quads that are taken alone; the rest are a multiple of 4 */
    const uint32_t *last; /* 24, of all */
    int32_t size; /* 28, bytes from one output's weights to the next's */
    int32_t gap; /* 32, bytes from the end of an output's weights to the next's */
    int32_t offset; /* 36, twice the zero point, and 1 for the last rounding */
    uint32_t low; /* 40, in each byte */
    uint32_t high; /* 44 */
    const int8_t *weights; /* 48 */
    int32_t limited; /* 52, whether the limits are others than those of a byte */
} unetmm_tiles;

#define UNETMM_TILES_BEGIN \
    "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t" \
    "sub sp, #60\n\t" \
    "mov r12, sp\n\t" \
    "ldmia r0!, {r1, r2, r3, r4, r5, r6, r7}\n\t" \
    "stmia r12!, {r1, r2, r3, r4, r5, r6, r7}\n\t" \
    "ldmia r0, {r1, r2, r3, r4, r5, r6, r7}\n\t" \
    "stmia r12, {r1, r2, r3, r4, r5, r6, r7}\n\t" \
    "ldr r1, [sp, #48]\n\t"
#define UNETMM_TILES_END \
    "add sp, #60\n\t" \
    "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n\t"

/* Four values of two pixels and two outputs. */
#define UNETMM_QUAD \
    "ldrd r7, r8, [r0], #8\n\t" \
    "ldr r11, [r1], #4\n\t" \
    "ldrd r9, r10, [r0], #8\n\t" \
    "sxtb16 r12, r11\n\t" \
    "sxtb16 r11, r11, ror #8\n\t" \
    "smlad r3, r12, r7, r3\n\t" \
    "smlad r5, r12, r9, r5\n\t" \
    "smlad r3, r11, r8, r3\n\t" \
    "smlad r5, r11, r10, r5\n\t" \
    "ldr r11, [r2], #4\n\t" \
    "sxtb16 r12, r11\n\t" \
    "sxtb16 r11, r11, ror #8\n\t" \
    "smlad r4, r12, r7, r4\n\t" \
    "smlad r6, r12, r9, r6\n\t" \
    "smlad r4, r11, r8, r4\n\t" \
    "smlad r6, r11, r10, r6\n\t"

/* Four values of one pixel and one output, whose weights r`w` points to and whose sum is r`s`. */
#define UNETMM_QUAD_OF(w, s) \
    "ldr r11, [" w "], #4\n\t" \
    "sxtb16 r12, r11\n\t" \
    "sxtb16 r11, r11, ror #8\n\t" \
    "smlad " s ", r12, r9, " s "\n\t" \
    "smlad " s ", r11, r10, " s "\n\t"
#define UNETMM_QUAD_OF_FOUR \
    "ldrd r9, r10, [r0], #16\n\t" UNETMM_QUAD_OF("r1", "r5") UNETMM_QUAD_OF("r2", "r6") UNETMM_QUAD_OF("r3", "r7") UNETMM_QUAD_OF("r4", "r8")

/* Rounds a sum as unetmm_rescale_small does, with the multiplier and the shift in r`m` and r`s`, and the offset in r11. */
#define UNETMM_ROUND(sum, m, s) UNETMM_ROUND_WITH(sum, m, s, "r11")
#define UNETMM_ROUND_WITH(sum, m, s, offset) \
    "add " sum ", " sum ", " sum "\n\t" \
    "smmulr " sum ", " sum ", " m "\n\t" \
    "add " sum ", " sum ", " sum ", asr #31\n\t" \
    "asr " sum ", " sum ", " s "\n\t" \
    "add " sum ", " sum ", " offset "\n\t" \
    "ssat " sum ", #8, " sum ", asr #1\n\t"

/* Brings the four bytes of r`bytes` within the limits. */
#define UNETMM_LIMIT(bytes) \
    "ldrd r9, r10, [sp, #40]\n\t" \
    "ssub8 r11, " bytes ", r9\n\t" \
    "sel " bytes ", " bytes ", r9\n\t" \
    "ssub8 r11, r10, " bytes "\n\t" \
    "sel " bytes ", " bytes ", r10\n\t"

/* Two outputs of two pixels at once. */
static UNETMM_ASSEMBLED void unetmm_tiles_of_two(__attribute__((unused)) const unetmm_tiles *tiles)
{
    __asm__ volatile(UNETMM_TILES_BEGIN
        "ldr r7, [sp, #28]\n\t"
        "add r2, r1, r7\n"
        "1:\n\t"
        "ldr r12, [sp]\n\t"
        "ldr r3, [r12]\n\t"
        "ldr r4, [r12, #12]\n\t"
        "ldrd r0, lr, [sp, #16]\n\t"
        "mov r5, r3\n\t"
        "mov r6, r4\n\t"
        "cmp r0, lr\n\t"
        "beq 3f\n"
        "2:\n\t" UNETMM_QUAD
        "cmp r0, lr\n\t"
        "bne 2b\n"
        "3:\n\t"
        "ldr lr, [sp, #24]\n\t"
        "cmp r0, lr\n\t"
        "beq 5f\n"
        "4:\n\t" UNETMM_QUAD UNETMM_QUAD UNETMM_QUAD UNETMM_QUAD
        "cmp r0, lr\n\t"
        "bne 4b\n"
        "5:\n\t"
        "ldr r12, [sp]\n\t"
        "ldr r11, [sp, #36]\n\t"
        "ldrd r7, r8, [r12, #4]\n\t"
        "ldrd r9, r10, [r12, #16]\n\t"
        "add r12, #24\n\t"
        "str r12, [sp]\n\t"
        "mvn r8, r8\n\t"
        "mvn r10, r10\n\t"
        UNETMM_ROUND("r3", "r7", "r8") UNETMM_ROUND("r4", "r9", "r10") UNETMM_ROUND("r5", "r7", "r8") UNETMM_ROUND("r6", "r9", "r10")
        "bfi r3, r4, #8, #24\n\t"
        "bfi r5, r6, #8, #24\n\t"
        "ldr r4, [sp, #52]\n\t"
        "ldrd r7, r8, [sp, #4]\n\t"
        "cbnz r4, 7f\n"
        "6:\n\t"
        "strh r3, [r7], #2\n\t"
        "strh r5, [r8], #2\n\t"
        "strd r7, r8, [sp, #4]\n\t"
        "ldrd r7, r8, [sp, #28]\n\t"
        "add r1, r2, r8\n\t"
        "add r2, r1, r7\n\t"
        "ldr r7, [sp, #12]\n\t"
        "subs r7, #1\n\t"
        "str r7, [sp, #12]\n\t"
        "bne 1b\n\t" UNETMM_TILES_END
        "7:\n\t"
        "pkhbt r3, r3, r5, lsl #16\n\t" UNETMM_LIMIT("r3")
        "lsr r5, r3, #16\n\t"
        "b 6b\n\t");
}

/* Four outputs of the first pixel at once. */
static UNETMM_ASSEMBLED void unetmm_tiles_of_one(__attribute__((unused)) const unetmm_tiles *tiles)
{
    __asm__ volatile(UNETMM_TILES_BEGIN
        "1:\n\t"
        "ldr r9, [sp, #28]\n\t"
        "ldr r12, [sp]\n\t"
        "add r2, r1, r9\n\t"
        "add r3, r2, r9\n\t"
        "add r4, r3, r9\n\t"
        "ldrd r0, lr, [sp, #16]\n\t"
        "ldr r5, [r12]\n\t"
        "ldr r6, [r12, #12]\n\t"
        "ldr r7, [r12, #24]\n\t"
        "ldr r8, [r12, #36]\n\t"
        "cmp r0, lr\n\t"
        "beq 3f\n"
        "2:\n\t" UNETMM_QUAD_OF_FOUR
        "cmp r0, lr\n\t"
        "bne 2b\n"
        "3:\n\t"
        "ldr lr, [sp, #24]\n\t"
        "cmp r0, lr\n\t"
        "beq 5f\n"
        "4:\n\t" UNETMM_QUAD_OF_FOUR UNETMM_QUAD_OF_FOUR UNETMM_QUAD_OF_FOUR UNETMM_QUAD_OF_FOUR
        "cmp r0, lr\n\t"
        "bne 4b\n"
        "5:\n\t"
        "ldr r12, [sp]\n\t"
        "ldr r11, [sp, #36]\n\t"
        "ldrd r9, r10, [r12, #4]\n\t"
        "mvn r10, r10\n\t" UNETMM_ROUND("r5", "r9", "r10")
        "ldrd r9, r10, [r12, #16]\n\t"
        "mvn r10, r10\n\t" UNETMM_ROUND("r6", "r9", "r10")
        "ldrd r9, r10, [r12, #28]\n\t"
        "mvn r10, r10\n\t" UNETMM_ROUND("r7", "r9", "r10")
        "ldrd r9, r10, [r12, #40]\n\t"
        "mvn r10, r10\n\t" UNETMM_ROUND("r8", "r9", "r10")
        "add r12, #48\n\t"
        "str r12, [sp]\n\t"
        "bfi r5, r6, #8, #24\n\t"
        "bfi r7, r8, #8, #24\n\t"
        "ldr r3, [sp, #52]\n\t"
        "pkhbt r5, r5, r7, lsl #16\n\t"
        "ldrd r7, r8, [sp, #4]\n\t"
        "cbnz r3, 7f\n"
        "6:\n\t"
        "str r5, [r7], #4\n\t"
        "str r7, [sp, #4]\n\t"
        "ldr r1, [sp, #32]\n\t"
        "add r1, r4, r1\n\t"
        "ldr r7, [sp, #12]\n\t"
        "subs r7, #1\n\t"
        "str r7, [sp, #12]\n\t"
        "bne 1b\n\t" UNETMM_TILES_END
        "7:\n\t" UNETMM_LIMIT("r5")
        "b 6b\n\t");
}

/* What adding a part of all windows to the sums of all tiles needs. */
typedef struct unetmm_adding {
    int32_t *sums; /* 0, of each tile of two outputs four: of the first pixel, then of the second */
    int32_t count; /* 4, of tiles; 1 or more; of one pixel, pairs of them */
    const uint32_t *x; /* 8 */
    const uint32_t *end; /* 12, of the quads that are taken alone; the rest are a multiple of 4 */
    const uint32_t *last; /* 16, of all */
    int32_t size; /* 20, bytes from one output's weights to the next's */
    int32_t gap; /* 24, bytes from the end of a part of an output's weights to the next output's */
    const int8_t *weights; /* 28 */
} unetmm_adding;

#define UNETMM_ADDING_BEGIN \
    "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t" \
    "sub sp, #36\n\t" \
    "mov r12, sp\n\t" \
    "ldmia r0, {r1, r2, r3, r4, r5, r6, r7, r8}\n\t" \
    "stmia r12, {r1, r2, r3, r4, r5, r6, r7, r8}\n\t" \
    "ldr r1, [sp, #28]\n\t"
#define UNETMM_ADDING_END \
    "ldr r7, [sp, #4]\n\t" \
    "subs r7, #1\n\t" \
    "str r7, [sp, #4]\n\t" \
    "bne 1b\n\t" \
    "add sp, #36\n\t" \
    "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n\t"
#define UNETMM_QUADS_OF(quad) \
    "ldrd r0, lr, [sp, #8]\n\t" \
    "cmp r0, lr\n\t" \
    "beq 3f\n" \
    "2:\n\t" quad "cmp r0, lr\n\t" \
    "bne 2b\n" \
    "3:\n\t" \
    "ldr lr, [sp, #16]\n\t" \
    "cmp r0, lr\n\t" \
    "beq 5f\n" \
    "4:\n\t" quad quad quad quad "cmp r0, lr\n\t" \
    "bne 4b\n" \
    "5:\n\t"

/* Two outputs of two pixels at once. */
static UNETMM_ASSEMBLED void unetmm_add_to_two(__attribute__((unused)) const unetmm_adding *adding)
{
    __asm__ volatile(UNETMM_ADDING_BEGIN
        "ldr r7, [sp, #20]\n\t"
        "add r2, r1, r7\n"
        "1:\n\t"
        "ldr r12, [sp]\n\t"
        "ldmia r12, {r3, r4, r5, r6}\n\t" UNETMM_QUADS_OF(UNETMM_QUAD)
        "ldr r12, [sp]\n\t"
        "stmia r12!, {r3, r4, r5, r6}\n\t"
        "str r12, [sp]\n\t"
        "ldrd r7, r8, [sp, #20]\n\t"
        "add r1, r2, r8\n\t"
        "add r2, r1, r7\n\t" UNETMM_ADDING_END);
}

/* Four outputs of the first pixel at once; the second's sums are the same. */
static UNETMM_ASSEMBLED void unetmm_add_to_one(__attribute__((unused)) const unetmm_adding *adding)
{
    __asm__ volatile(UNETMM_ADDING_BEGIN
        "1:\n\t"
        "ldr r9, [sp, #20]\n\t"
        "ldr r12, [sp]\n\t"
        "add r2, r1, r9\n\t"
        "add r3, r2, r9\n\t"
        "add r4, r3, r9\n\t"
        "ldrd r5, r6, [r12]\n\t"
        "ldrd r7, r8, [r12, #16]\n\t" UNETMM_QUADS_OF(UNETMM_QUAD_OF_FOUR)
        "ldr r12, [sp]\n\t"
        "strd r5, r6, [r12]\n\t"
        "strd r5, r6, [r12, #8]\n\t"
        "strd r7, r8, [r12, #16]\n\t"
        "strd r7, r8, [r12, #24]\n\t"
        "add r12, #32\n\t"
        "str r12, [sp]\n\t"
        "ldr r1, [sp, #24]\n\t"
        "add r1, r4, r1\n\t" UNETMM_ADDING_END);
}

/* Four values of eight pixels and one output. */
#define UNETMM_PIXEL(sum) \
    "ldrd r10, r11, [r0], #8\n\t" \
    "smlad " sum ", r12, r10, " sum "\n\t" \
    "smlad " sum ", lr, r11, " sum "\n\t"
#define UNETMM_QUAD_OF_EIGHT \
    "ldr lr, [r1], #4\n\t" \
    "sxtb16 r12, lr\n\t" \
    "sxtb16 lr, lr, ror #8\n\t" UNETMM_PIXEL("r2") UNETMM_PIXEL("r3") UNETMM_PIXEL("r4") UNETMM_PIXEL("r5") UNETMM_PIXEL("r6") \
        UNETMM_PIXEL("r7") UNETMM_PIXEL("r8") UNETMM_PIXEL("r9")
#define UNETMM_WITHIN(sum) \
    "cmp " sum ", r10\n\t" \
    "it lt\n\t" \
    "movlt " sum ", r10\n\t" \
    "cmp " sum ", r11\n\t" \
    "it gt\n\t" \
    "movgt " sum ", r11\n\t"

/* One output of eight pixels at once; `b` are here the bytes from one pixel's outputs to the next's, and the quads up to `end`
 * are one or none. */
static UNETMM_ASSEMBLED void unetmm_tiles_of_eight(__attribute__((unused)) const unetmm_tiles *tiles)
{
    __asm__ volatile(UNETMM_TILES_BEGIN
        "1:\n\t"
        "ldr r12, [sp]\n\t"
        "ldrd r0, r10, [sp, #16]\n\t"
        "ldr r2, [r12]\n\t"
        "mov r3, r2\n\t"
        "mov r4, r2\n\t"
        "mov r5, r2\n\t"
        "mov r6, r2\n\t"
        "mov r7, r2\n\t"
        "mov r8, r2\n\t"
        "mov r9, r2\n\t"
        "cmp r0, r10\n\t"
        "beq 2f\n\t" UNETMM_QUAD_OF_EIGHT
        "2:\n\t"
        "ldr r10, [sp, #24]\n\t"
        "cmp r0, r10\n\t"
        "beq 4f\n"
        "3:\n\t" UNETMM_QUAD_OF_EIGHT UNETMM_QUAD_OF_EIGHT
        "ldr r10, [sp, #24]\n\t"
        "cmp r0, r10\n\t"
        "bne 3b\n"
        "4:\n\t"
        "ldr r12, [sp]\n\t"
        "ldr lr, [sp, #36]\n\t"
        "ldrd r10, r11, [r12, #4]\n\t"
        "add r12, #12\n\t"
        "str r12, [sp]\n\t"
        "mvn r11, r11\n\t"
        UNETMM_ROUND_WITH("r2", "r10", "r11", "lr") UNETMM_ROUND_WITH("r3", "r10", "r11", "lr") UNETMM_ROUND_WITH("r4", "r10", "r11", "lr")
        UNETMM_ROUND_WITH("r5", "r10", "r11", "lr") UNETMM_ROUND_WITH("r6", "r10", "r11", "lr") UNETMM_ROUND_WITH("r7", "r10", "r11", "lr")
        UNETMM_ROUND_WITH("r8", "r10", "r11", "lr") UNETMM_ROUND_WITH("r9", "r10", "r11", "lr")
        "ldr r12, [sp, #52]\n\t"
        "ldrd r10, r11, [sp, #40]\n\t"
        "cmp r12, #0\n\t"
        "bne 6f\n"
        "5:\n\t"
        "ldrd r10, r11, [sp, #4]\n\t"
        "strb r2, [r10]\n\t"
        "strb r3, [r10, r11]\n\t"
        "strb r4, [r10, r11, lsl #1]\n\t"
        "strb r6, [r10, r11, lsl #2]\n\t"
        "add r12, r10, r11\n\t"
        "strb r5, [r12, r11, lsl #1]\n\t"
        "strb r7, [r12, r11, lsl #2]\n\t"
        "add r12, r11\n\t"
        "strb r8, [r12, r11, lsl #2]\n\t"
        "add r12, r11\n\t"
        "strb r9, [r12, r11, lsl #2]\n\t"
        "add r10, #1\n\t"
        "str r10, [sp, #4]\n\t"
        "ldr r10, [sp, #32]\n\t"
        "add r1, r10\n\t"
        "ldr r10, [sp, #12]\n\t"
        "subs r10, #1\n\t"
        "str r10, [sp, #12]\n\t"
        "bne 1b\n\t" UNETMM_TILES_END
        "6:\n\t"
        "sxtb r10, r10\n\t"
        "sxtb r11, r11\n\t" UNETMM_WITHIN("r2") UNETMM_WITHIN("r3") UNETMM_WITHIN("r4") UNETMM_WITHIN("r5") UNETMM_WITHIN("r6")
        UNETMM_WITHIN("r7") UNETMM_WITHIN("r8") UNETMM_WITHIN("r9")
        "b 5b\n\t");
}

#undef UNETMM_ADDING_BEGIN
#undef UNETMM_ADDING_END
#undef UNETMM_QUADS_OF
#undef UNETMM_PIXEL
#undef UNETMM_QUAD_OF_EIGHT
#undef UNETMM_WITHIN
#undef UNETMM_ROUND
#undef UNETMM_ROUND_WITH
#undef UNETMM_TILES_BEGIN
#undef UNETMM_TILES_END
#undef UNETMM_QUAD
#undef UNETMM_QUAD_OF
#undef UNETMM_QUAD_OF_FOUR
#undef UNETMM_LIMIT

#endif

#endif
