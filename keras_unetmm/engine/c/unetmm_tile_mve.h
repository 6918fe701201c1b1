/* Tiles of outputs on cores with Helium, in their own instructions from the first product to the last byte: the compiler, left
 * to itself, keeps most of what a tile needs on the stack and fetches it again for every tile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_TILE_MVE_H
#define UNETMM_TILE_MVE_H

#include "unetmm_taps.h"

/* What all tiles need; the instructions below know the places of the members. */
typedef struct unetmm_tiles {
    int16_t low[8]; /* 0 */
    int16_t high[8]; /* 16 */
    const int32_t *channels; /* 32 */
    int32_t count; /* 36, of tiles; 1 or more */
    int8_t *to_a; /* 40 */
    int8_t *to_b; /* 44 */
    int32_t zero; /* 48 */
    int32_t size; /* 52, bytes from one output's weights to the next's */
    const int8_t *weights; /* 56 */
    int32_t n; /* 60, bytes of a pixel */
    const int8_t *a; /* 64 */
    const int8_t *b; /* 68 */
} unetmm_tiles;

/* What adding a part of all windows to the sums of all tiles needs. */
typedef struct unetmm_adding {
    int32_t *sums; /* 0, of a tile eight: of four outputs of the first pixel, then of the second */
    int32_t count; /* 4, of tiles; 1 or more */
    int32_t size; /* 8, bytes from one output's weights to the next's */
    int32_t n; /* 12, bytes of the part */
    const int8_t *weights; /* 16 */
    const int8_t *a; /* 20 */
    const int8_t *b; /* 24 */
} unetmm_adding;

/* Adds a part to two sums of two pixels, which are at the pointer that sp points to and 16 bytes from there. */
#define UNETMM_ADD_HALF(loop, end, place, place_b) \
    "ldr r0, [sp]\n\t" \
    "mov r1, r9\n\t" \
    "mov r2, r12\n\t" \
    "add r3, r12, r11\n\t" \
    "add r12, r12, r11, lsl #1\n\t" \
    "ldrd r4, r6, [r0, #" place "]\n\t" \
    "ldrd r8, r10, [r0, #" place_b "]\n\t" \
    "mov r0, r7\n\t" UNETMM_PRODUCTS(loop, end) \
    "ldr r0, [sp]\n\t" \
    "strd r4, r6, [r0, #" place "]\n\t" \
    "strd r8, r10, [r0, #" place_b "]\n\t"

/* Adds r5 products of bytes of two pixels from r0 and r1 on with weights from r2 and r3 on. */
#define UNETMM_PRODUCTS(loop, end) \
    "wlstp.8 lr, r5, " end "f\n" \
    loop ":\n\t" \
    "vldrb.8 q0, [r0], #16\n\t" \
    "vldrb.8 q1, [r2], #16\n\t" \
    "vmladava.s8 r4, q0, q1\n\t" \
    "vldrb.8 q2, [r3], #16\n\t" \
    "vmladava.s8 r6, q0, q2\n\t" \
    "vldrb.8 q3, [r1], #16\n\t" \
    "vmladava.s8 r8, q3, q1\n\t" \
    "vmladava.s8 r10, q3, q2\n\t" \
    "letp lr, " loop "b\n" \
    end ":\n\t"

/* The same of one pixel and four outputs, whose weights r1, r2, r3 and r12 point to. */
#define UNETMM_PRODUCTS_OF_ONE \
    "wlstp.8 lr, r5, 3f\n" \
    "2:\n\t" \
    "vldrb.8 q0, [r0], #16\n\t" \
    "vldrb.8 q1, [r1], #16\n\t" \
    "vmladava.s8 r4, q0, q1\n\t" \
    "vldrb.8 q2, [r2], #16\n\t" \
    "vmladava.s8 r6, q0, q2\n\t" \
    "vldrb.8 q3, [r3], #16\n\t" \
    "vmladava.s8 r8, q0, q3\n\t" \
    "vldrb.8 q4, [r12], #16\n\t" \
    "vmladava.s8 r10, q0, q4\n\t" \
    "letp lr, 2b\n" \
    "3:\n\t"

#define UNETMM_ADDING_BEGIN \
    "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\t" \
    "vpush {d8, d9}\n\t" \
    "ldrd r1, r2, [r0]\n\t" \
    "ldrd r11, r5, [r0, #8]\n\t" \
    "ldrd r12, r7, [r0, #16]\n\t" \
    "ldr r9, [r0, #24]\n\t" \
    "push {r1, r2}\n"
#define UNETMM_ADDING_NEXT \
    "ldrd r0, r1, [sp]\n\t" \
    "add r0, #32\n\t" \
    "subs r1, #1\n\t" \
    "strd r0, r1, [sp]\n\t" \
    "bne 1b\n\t" \
    "add sp, #8\n\t" \
    "vpop {d8, d9}\n\t" \
    "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}\n\t"

/* Four outputs of two pixels at once. */
static UNETMM_ASSEMBLED void unetmm_add_to_two(__attribute__((unused)) const unetmm_adding *adding)
{
    __asm__ volatile(UNETMM_ADDING_BEGIN
        "1:\n\t" UNETMM_ADD_HALF("2", "3", "0", "16") UNETMM_ADD_HALF("4", "5", "8", "24") UNETMM_ADDING_NEXT);
}

/* Four outputs of the first pixel at once. */
static UNETMM_ASSEMBLED void unetmm_add_to_one(__attribute__((unused)) const unetmm_adding *adding)
{
    __asm__ volatile(UNETMM_ADDING_BEGIN
        "mov r9, r12\n"
        "1:\n\t"
        "ldr r0, [sp]\n\t"
        "mov r1, r9\n\t"
        "add r2, r9, r11\n\t"
        "add r3, r2, r11\n\t"
        "add r12, r3, r11\n\t"
        "add r9, r12, r11\n\t"
        "ldrd r4, r6, [r0]\n\t"
        "ldrd r8, r10, [r0, #8]\n\t"
        "mov r0, r7\n\t" UNETMM_PRODUCTS_OF_ONE
        "ldr r0, [sp]\n\t"
        "strd r4, r6, [r0]\n\t"
        "strd r8, r10, [r0, #8]\n\t" UNETMM_ADDING_NEXT);
}

/* Keeps sums at sp + 0 to 31, the upper limits at 32, channels, count and places of the outputs at 48, the zero point at 64. The
 * lower limits are in q6, the places of four channels' constants in q7. */
#define UNETMM_TILES_BEGIN \
    "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\t" \
    "vpush {d8, d9, d10, d11, d12, d13, d14, d15}\n\t" \
    "sub sp, #72\n\t" \
    "vldrw.32 q6, [r0]\n\t" \
    "vldrw.32 q0, [r0, #16]\n\t" \
    "vldrw.32 q1, [r0, #32]\n\t" \
    "vstrw.32 q0, [sp, #32]\n\t" \
    "vstrw.32 q1, [sp, #48]\n\t" \
    "ldrd r1, r11, [r0, #48]\n\t" \
    "str r1, [sp, #64]\n\t" \
    "movs r2, #0\n\t" \
    "vidup.u32 q7, r2, #4\n\t" \
    "movs r3, #3\n\t" \
    "vmul.i32 q7, q7, r3\n\t"
#define UNETMM_TILES_END \
    "add sp, #72\n\t" \
    "vpop {d8, d9, d10, d11, d12, d13, d14, d15}\n\t" \
    "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}\n\t"

/* Biases, multipliers and shifts of four outputs in q0, q1 and q2. */
#define UNETMM_CONSTANTS \
    "ldr r0, [sp, #48]\n\t" \
    "add r1, r0, #4\n\t" \
    "add r2, r0, #8\n\t" \
    "vldrw.u32 q0, [r0, q7]\n\t" \
    "vldrw.u32 q1, [r1, q7]\n\t" \
    "vldrw.u32 q2, [r2, q7]\n\t" \
    "add r0, #48\n\t" \
    "str r0, [sp, #48]\n\t"

/* Rounds four sums as unetmm_values_of does, but for the zero point. */
#define UNETMM_ROUND(sums) \
    "vadd.i32 " sums ", " sums ", q0\n\t" \
    "vqrdmulh.s32 " sums ", " sums ", q1\n\t" \
    "vshr.s32 q3, " sums ", #31\n\t" \
    "vadd.i32 " sums ", " sums ", q3\n\t" \
    "vrshl.s32 " sums ", " sums ", q2\n\t"

/* Adds the zero point to numbers of 16 bits and brings them within the limits. */
#define UNETMM_LIMIT \
    "ldr r0, [sp, #64]\n\t" \
    "vldrw.32 q0, [sp, #32]\n\t" \
    "vqadd.s16 q3, q3, r0\n\t" \
    "vmax.s16 q3, q3, q6\n\t" \
    "vmin.s16 q3, q3, q0\n\t"

#define UNETMM_NEXT \
    "ldr r0, [sp, #52]\n\t" \
    "subs r0, #1\n\t" \
    "str r0, [sp, #52]\n\t" \
    "bne 1b\n\t"

/* Two outputs of two pixels; the sums go to sp + `place` and 16 bytes from there. */
#define UNETMM_HALF(loop, end, place, place_b) \
    "mov r0, r7\n\t" \
    "mov r1, r9\n\t" \
    "mov r2, r12\n\t" \
    "add r3, r12, r11\n\t" \
    "add r12, r12, r11, lsl #1\n\t" \
    "movs r4, #0\n\t" \
    "movs r6, #0\n\t" \
    "mov r8, r4\n\t" \
    "mov r10, r4\n\t" UNETMM_PRODUCTS(loop, end) \
    "strd r4, r6, [sp, #" place "]\n\t" \
    "strd r8, r10, [sp, #" place_b "]\n\t"

/* Four outputs of two pixels at once. */
static UNETMM_ASSEMBLED void unetmm_tiles_of_two(__attribute__((unused)) const unetmm_tiles *tiles)
{
    __asm__ volatile(UNETMM_TILES_BEGIN
        "ldrd r12, r5, [r0, #56]\n\t"
        "ldrd r7, r9, [r0, #64]\n"
        "1:\n\t" UNETMM_HALF("2", "3", "0", "16") UNETMM_HALF("4", "5", "8", "24")
        "vldrw.32 q4, [sp]\n\t"
        "vldrw.32 q5, [sp, #16]\n\t" UNETMM_CONSTANTS UNETMM_ROUND("q4") UNETMM_ROUND("q5")
        "vqmovnb.s32 q3, q4\n\t"
        "vqmovnt.s32 q3, q5\n\t" UNETMM_LIMIT
        "ldrd r0, r1, [sp, #56]\n\t"
        "vstrb.32 q3, [r0], #4\n\t"
        "vshr.u32 q3, q3, #16\n\t"
        "vstrb.32 q3, [r1], #4\n\t"
        "strd r0, r1, [sp, #56]\n\t" UNETMM_NEXT UNETMM_TILES_END);
}

/* Four outputs of the first pixel at once. */
static UNETMM_ASSEMBLED void unetmm_tiles_of_one(__attribute__((unused)) const unetmm_tiles *tiles)
{
    __asm__ volatile(UNETMM_TILES_BEGIN
        "ldrd r9, r5, [r0, #56]\n\t"
        "ldr r7, [r0, #64]\n"
        "1:\n\t"
        "mov r0, r7\n\t"
        "mov r1, r9\n\t"
        "add r2, r9, r11\n\t"
        "add r3, r2, r11\n\t"
        "add r12, r3, r11\n\t"
        "add r9, r12, r11\n\t"
        "movs r4, #0\n\t"
        "movs r6, #0\n\t"
        "mov r8, r4\n\t"
        "mov r10, r4\n\t" UNETMM_PRODUCTS_OF_ONE
        "strd r4, r6, [sp]\n\t"
        "strd r8, r10, [sp, #8]\n\t"
        "vldrw.32 q4, [sp]\n\t" UNETMM_CONSTANTS UNETMM_ROUND("q4")
        "vqmovnb.s32 q3, q4\n\t" UNETMM_LIMIT
        "ldr r0, [sp, #56]\n\t"
        "vstrb.32 q3, [r0], #4\n\t"
        "str r0, [sp, #56]\n\t" UNETMM_NEXT UNETMM_TILES_END);
}

#undef UNETMM_TILES_BEGIN
#undef UNETMM_TILES_END
#undef UNETMM_CONSTANTS
#undef UNETMM_ROUND
#undef UNETMM_LIMIT
#undef UNETMM_NEXT
#undef UNETMM_HALF
#undef UNETMM_ADD_HALF
#undef UNETMM_PRODUCTS
#undef UNETMM_PRODUCTS_OF_ONE
#undef UNETMM_ADDING_BEGIN
#undef UNETMM_ADDING_NEXT

#endif
