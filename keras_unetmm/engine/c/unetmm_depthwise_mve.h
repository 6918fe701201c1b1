/* DEPTHWISE_CONV_2D on cores with Helium: eight channels of one pixel at a time.
 *
 * Bytes are widened to 16 bits where they are loaded; the products of even and odd channels, of 32 bits, are summed apart and
 * become bytes in their order again. A block's pixels at the border take the padding's value for the taps that are beyond it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_DEPTHWISE_MVE_H
#define UNETMM_DEPTHWISE_MVE_H

#include "unetmm_inside.h"
#include "unetmm_mve.h"

#if UNETMM_MVE

enum { UNETMM_DEPTHWISE_LANES = 8 };

/* Eight channels of a block, or those that are left. */
typedef struct unetmm_eight {
    const unetmm_depthwise *p;
    const unetmm_block *block;
    const int8_t *weights; /* of the first tap */
    int32_t first; /* channel */
    mve_pred16_t lanes; /* that there are */
    unetmm_inside inside;
    int32_t constants[24]; /* biases, multipliers and shifts: of channels 0, 2, 4 and 6, then of 1, 3, 5 and 7 */
} unetmm_eight;

/* Even channels and odd ones. */
typedef struct unetmm_halves {
    int32x4_t even;
    int32x4_t odd;
} unetmm_halves;

static inline unetmm_halves unetmm_add_lanes(int16x8_t x, int16x8_t w, unetmm_halves sums)
{
    sums.even = vaddq_s32(sums.even, vmullbq_int_s16(x, w));
    sums.odd = vaddq_s32(sums.odd, vmulltq_int_s16(x, w));
    return sums;
}

/* Eight bytes, or those that are left; a load of all of them is one instruction. */
static inline int16x8_t unetmm_load_lanes(const int8_t *from, int full, mve_pred16_t lanes)
{
    return full != 0 ? vldrbq_s16(from) : vldrbq_z_s16(from, lanes);
}

/* Adds all taps of a pixel whose window is inside; `offset` are the bytes from the rows' pointers to its first column. */
static inline unetmm_halves unetmm_add_taps(const unetmm_eight *q, int32_t offset, int32_t rows, int32_t columns, int full, unetmm_halves sums)
{
    const int32_t jump = q->p->dilation * q->block->input_stride[0];
    const int32_t depth = q->p->depth;
    const mve_pred16_t lanes = q->lanes;
    const int8_t *w = q->weights;
    for (int32_t i = 0; i < rows; i++, w += columns * depth) {
        const int8_t *x = (const int8_t *)q->block->rows[i] + offset;
        for (int32_t k = 0; k < columns; k++) {
            const int16x8_t values = unetmm_load_lanes(x + k * jump, full, lanes);
            sums = unetmm_add_lanes(values, unetmm_load_lanes(w + k * depth, full, lanes), sums);
        }
    }
    return sums;
}

/* The same where some taps are beyond the border. */
static unetmm_halves unetmm_add_border(const unetmm_eight *q, int32_t pixel, unetmm_halves sums)
{
    const unetmm_depthwise *p = q->p;
    const int32_t origin = (q->block->column + pixel) * p->stride + p->first;
    const int8_t *w = q->weights;
    for (int32_t i = 0; i < p->kernel_rows; i++) {
        for (int32_t k = 0; k < p->kernel_columns; k++) {
            const int32_t column = origin + k * p->dilation;
            int16x8_t x = vdupq_n_s16((int16_t)p->input_zero);
            if (q->block->rows[i] != NULL && column >= 0 && column < p->width) {
                const int32_t offset = (column - q->block->window_column) * q->block->input_stride[0] + q->first;
                x = vldrbq_z_s16((const int8_t *)q->block->rows[i] + offset, q->lanes);
            }
            sums = unetmm_add_lanes(x, vldrbq_z_s16(w + (i * p->kernel_columns + k) * p->depth, q->lanes), sums);
        }
    }
    return sums;
}

static inline int32x4_t unetmm_round_lanes(const int32_t *constants, int32_t zero, int32_t low, int32_t high, int32x4_t sums)
{
    int32x4_t h = vqrdmulhq_s32(sums, vldrwq_s32(constants + 8));
    h = vrshlq_s32(vaddq_s32(h, vshrq_n_s32(h, 31)), vldrwq_s32(constants + 16));
    return vminq_s32(vmaxq_s32(vaddq_n_s32(h, zero), vdupq_n_s32(low)), vdupq_n_s32(high));
}

static inline void unetmm_compute_eight(const unetmm_eight *q, int full)
{
    const unetmm_depthwise *p = q->p;
    const unetmm_block *block = q->block;
    const unetmm_inside inside = q->inside;
    const int32_t zero = p->requantization.zero;
    const int32_t low = p->requantization.low;
    const int32_t high = p->requantization.high;
    const int32_t stride = block->input_stride[0];
    int32_t offset = (block->column * p->stride + p->first - block->window_column) * stride + q->first;
    for (int32_t i = 0; i < block->pixels; i++, offset += p->stride * stride) {
        unetmm_halves sums = {vldrwq_s32(q->constants), vldrwq_s32(q->constants + 4)};
        if (i < inside.begin || i >= inside.end) {
            sums = unetmm_add_border(q, i, sums);
        } else if (p->kernel_rows == 3 && p->kernel_columns == 3) {
            sums = unetmm_add_taps(q, offset, 3, 3, full, sums);
        } else {
            sums = unetmm_add_taps(q, offset, p->kernel_rows, p->kernel_columns, full, sums);
        }
        const int32x4_t even = unetmm_round_lanes(q->constants, zero, low, high, sums.even);
        const int32x4_t odd = unetmm_round_lanes(q->constants + 4, zero, low, high, sums.odd);
        const int16x8_t values = vmovntq_s32(vmovnbq_s32(vdupq_n_s16(0), even), odd);
        int8_t *to = (int8_t *)block->output + i * block->output_stride + q->first;
        if (full != 0) {
            vstrbq_s16(to, values);
        } else {
            vstrbq_p_s16(to, values, q->lanes);
        }
    }
}

/* Whether a kernel can be computed in this way. */
static inline int unetmm_depthwise_fits(const unetmm_depthwise *p)
{
    return p->multiplier == 1 && p->requantization.form >= UNETMM_BELOW;
}

/* What a row of pixels with kernels of 3x3 needs for eight channels; the instructions below know the places of the members. */
typedef struct unetmm_nine {
    int32_t constants[24]; /* 0, as those of unetmm_eight */
    int16_t low[8]; /* 96 */
    int16_t high[8]; /* 112 */
    int8_t weights[72]; /* 128, of each tap */
    int32_t jump; /* 200, bytes from one column of the kernel to the next */
    int32_t zero; /* 204 */
    const int8_t *rows[3]; /* 208, where the first pixel's window begins */
    int32_t step; /* 220, bytes of the input from one pixel to the next */
    int8_t *to; /* 224 */
    int32_t output_stride; /* 228 */
    int32_t count; /* 232, of pixels; 1 or more */
} unetmm_nine;

#define UNETMM_TAP(from, place) \
    "vldrb.s16 q2, [" from "]\n\t" \
    "vldrb.s16 q3, [r3, #" place "]\n\t" \
    "vmullb.s16 q4, q2, q3\n\t" \
    "vmullt.s16 q5, q2, q3\n\t" \
    "vadd.i32 q0, q0, q4\n\t" \
    "vadd.i32 q1, q1, q5\n\t"
#define UNETMM_ROW(from, one, two, three) \
    UNETMM_TAP(from, one) "add r4, " from ", r10\n\t" UNETMM_TAP("r4", two) "add r4, r10\n\t" UNETMM_TAP("r4", three)

/* Eight channels of one pixel after the other. */
static UNETMM_ASSEMBLED void unetmm_compute_nine(__attribute__((unused)) const unetmm_nine *nine)
{
    __asm__ volatile(
        "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\t"
        "vpush {d8, d9, d10, d11, d12, d13, d14, d15}\n\t"
        "add r3, r0, #128\n\t"
        "vldrw.32 q6, [r3, #-32]\n\t"
        "vldrw.32 q7, [r3, #-16]\n\t"
        "ldrd r10, r9, [r3, #72]\n\t"
        "ldrd r0, r1, [r3, #80]\n\t"
        "ldrd r2, r6, [r3, #88]\n\t"
        "ldrd r7, r8, [r3, #96]\n\t"
        "ldr r12, [r3, #104]\n\t"
        "dls lr, r12\n"
        "1:\n\t"
        "vldrw.32 q0, [r3, #-128]\n\t"
        "vldrw.32 q1, [r3, #-112]\n\t"
        UNETMM_ROW("r0", "0", "8", "16") UNETMM_ROW("r1", "24", "32", "40") UNETMM_ROW("r2", "48", "56", "64")
        "vldrw.32 q2, [r3, #-96]\n\t"
        "vldrw.32 q3, [r3, #-80]\n\t"
        "vqrdmulh.s32 q0, q0, q2\n\t"
        "vqrdmulh.s32 q1, q1, q3\n\t"
        "vshr.s32 q2, q0, #31\n\t"
        "vshr.s32 q3, q1, #31\n\t"
        "vadd.i32 q0, q0, q2\n\t"
        "vadd.i32 q1, q1, q3\n\t"
        "vldrw.32 q4, [r3, #-64]\n\t"
        "vldrw.32 q5, [r3, #-48]\n\t"
        "vrshl.s32 q0, q0, q4\n\t"
        "vrshl.s32 q1, q1, q5\n\t"
        "vqmovnb.s32 q2, q0\n\t"
        "vqmovnt.s32 q2, q1\n\t"
        "vqadd.s16 q2, q2, r9\n\t"
        "vmax.s16 q2, q2, q6\n\t"
        "vmin.s16 q2, q2, q7\n\t"
        "vstrb.16 q2, [r7]\n\t"
        "add r7, r8\n\t"
        "add r0, r6\n\t"
        "add r1, r6\n\t"
        "add r2, r6\n\t"
        "le lr, 1b\n\t"
        "vpop {d8, d9, d10, d11, d12, d13, d14, d15}\n\t"
        "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}\n\t");
}

#undef UNETMM_ROW
#undef UNETMM_TAP

/* One pixel at the border: its window is put together first. */
static void unetmm_compute_nine_at_border(const unetmm_depthwise *p, const unetmm_block *block, int32_t pixel, int32_t channel, unetmm_nine *nine)
{
    int8_t window[72];
    const int16x8_t padding = vdupq_n_s16((int16_t)p->input_zero);
    const int32_t origin = (block->column + pixel) * p->stride + p->first;
    const int32_t stride = block->input_stride[0];
    const int32_t dilation = p->dilation;
    const uint32_t width = (uint32_t)p->width;
    const int32_t begin = (origin - block->window_column) * stride + channel;
    int8_t *to = window;
    for (int32_t i = 0; i < 3; i++) {
        const int8_t *row = (const int8_t *)block->rows[i];
        nine->rows[i] = to;
        for (int32_t k = 0; k < 3; k++, to += UNETMM_DEPTHWISE_LANES) {
            int16x8_t values = padding;
            if (row != NULL && (uint32_t)(origin + k * dilation) < width) { /* a column before the first is a large number */
                values = vldrbq_s16(row + begin + k * dilation * stride);
            }
            vstrbq_s16(to, values);
        }
    }
    nine->jump = UNETMM_DEPTHWISE_LANES;
    nine->to = (int8_t *)block->output + pixel * block->output_stride + channel;
    nine->count = 1;
    unetmm_compute_nine(nine);
}

/* All pixels of a block with a kernel of 3x3 and eight channels or more. */
static void unetmm_compute_nines(const unetmm_depthwise *p, const unetmm_block *block)
{
    const unetmm_requantization *q = &p->requantization;
    unetmm_inside inside = unetmm_find_inside(p, block);
    const int32_t stride = block->input_stride[0];
    const uint32x4_t places = vmulq_n_u32(vidupq_n_u32(0, 8), 3); /* 0, 24, 48 and 72 bytes */
    unetmm_nine nine;
    if (inside.begin >= inside.end) { /* every window meets a border */
        inside.begin = block->pixels;
        inside.end = block->pixels;
    }
    vstrhq_s16(nine.low, vdupq_n_s16((int16_t)q->low));
    vstrhq_s16(nine.high, vdupq_n_s16((int16_t)q->high));
    nine.zero = q->zero;
    nine.step = p->stride * stride;
    nine.output_stride = block->output_stride;
    for (int32_t c = 0; c < p->depth; c += UNETMM_DEPTHWISE_LANES) {
        /* some of the last eight may be computed twice */
        const int32_t first = c + UNETMM_DEPTHWISE_LANES <= p->depth ? c : p->depth - UNETMM_DEPTHWISE_LANES;
        const int32_t *channel = q->channels + 3 * first;
        const int8_t *weights = p->weights + first;
        for (int32_t i = 0; i < 3; i++, channel++) {
            vstrwq_s32(nine.constants + 8 * i, vldrwq_gather_offset_s32(channel, places));
            vstrwq_s32(nine.constants + 8 * i + 4, vldrwq_gather_offset_s32(channel + 3, places));
        }
        for (int32_t k = 0; k < 9; k++) {
            vstrbq_s16(nine.weights + UNETMM_DEPTHWISE_LANES * k, vldrbq_s16(weights + k * p->depth));
        }
        for (int32_t i = 0; i < inside.begin; i++) {
            unetmm_compute_nine_at_border(p, block, i, first, &nine);
        }
        if (inside.begin < inside.end) {
            const int32_t offset = ((block->column + inside.begin) * p->stride + p->first - block->window_column) * stride + first;
            for (int32_t i = 0; i < 3; i++) {
                nine.rows[i] = (const int8_t *)block->rows[i] + offset;
            }
            nine.jump = p->dilation * stride;
            nine.to = (int8_t *)block->output + inside.begin * block->output_stride + first;
            nine.count = inside.end - inside.begin;
            unetmm_compute_nine(&nine);
        }
        for (int32_t i = inside.end; i < block->pixels; i++) {
            unetmm_compute_nine_at_border(p, block, i, first, &nine);
        }
    }
}

static void unetmm_depthwise_fast(const unetmm_depthwise *p, const unetmm_block *block)
{
    if (p->kernel_rows == 3 && p->kernel_columns == 3 && p->depth >= UNETMM_DEPTHWISE_LANES) {
        unetmm_compute_nines(p, block);
        return;
    }
    unetmm_eight q;
    q.p = p;
    q.block = block;
    q.inside = unetmm_find_inside(p, block);
    for (q.first = 0; q.first < p->depth; q.first += UNETMM_DEPTHWISE_LANES) {
        const int32_t n = p->depth - q.first < UNETMM_DEPTHWISE_LANES ? p->depth - q.first : UNETMM_DEPTHWISE_LANES;
        const int32_t *channel = p->requantization.channels + 3 * q.first;
        q.lanes = vctp16q((uint32_t)n);
        q.weights = p->weights + q.first;
        for (int32_t c = 0; c < UNETMM_DEPTHWISE_LANES; c++) {
            const int32_t *from = channel + 3 * (c < n ? c : 0); /* what no channel has is any other's */
            int32_t *to = q.constants + c / 2 + (c & 1) * 4;
            to[0] = from[0];
            to[8] = from[1];
            to[16] = from[2];
        }
        if (n == UNETMM_DEPTHWISE_LANES) {
            unetmm_compute_eight(&q, 1);
        } else {
            unetmm_compute_eight(&q, 0);
        }
    }
}

#endif

#endif
