/* MAX_POOL_2D and AVERAGE_POOL_2D: some channels of one pixel at a time, their sums or maxima on the stack while the window
 * passes. An average counts the places inside the map only, and rounds a half away from zero; then the clamp.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_arithmetic.h"
#include "unetmm_pool.h"
#include "unetmm_mve.h"
#include "unetmm_window.h"

enum { CHUNK = 32 }; /* channels at once */

/* The window of one pixel. */
typedef struct window {
    const uint8_t *const *rows;
    int32_t begin; /* bytes from a row's pointer to the first column inside */
    int32_t stride; /* bytes from one column to the next */
    int32_t columns; /* inside */
} window;

static inline int32_t load(const uint8_t *from, int32_t bytes)
{
    return bytes == 1 ? *(const int8_t *)from : unetmm_load16(from);
}

static inline void store(uint8_t *to, int32_t bytes, int32_t value)
{
    if (bytes == 1) {
        *(int8_t *)to = (int8_t)value;
    } else {
        unetmm_store16(to, value);
    }
}

/* sum / count for a count of 1 or more, a half rounded away from zero. */
static inline int32_t divide(int32_t sum, int32_t count)
{
    return sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
}

static inline void add(int32_t *values, const uint8_t *from, int32_t bytes, int32_t n)
{
    for (int32_t c = 0; c < n; c++) {
        values[c] += load(from + c * bytes, bytes);
    }
}

static inline void raise(int32_t *values, const uint8_t *from, int32_t bytes, int32_t n)
{
    for (int32_t c = 0; c < n; c++) {
        const int32_t value = load(from + c * bytes, bytes);
        values[c] = value > values[c] ? value : values[c];
    }
}

/* The n channels from `channel` on of one pixel. */
static inline void reduce(const unetmm_pool *p, const window *at, int32_t channel, int32_t n, int32_t bytes, int32_t max, uint8_t *to)
{
    int32_t values[CHUNK];
    int32_t rows = 0;
    for (int32_t c = 0; c < n; c++) {
        values[c] = max == 0 ? 0 : bytes == 1 ? INT8_MIN : INT16_MIN;
    }
    for (int32_t i = 0; i < p->kernel_rows; i++) {
        if (at->rows[i] != NULL) {
            const uint8_t *row = at->rows[i] + at->begin + channel * bytes;
            rows++;
            for (int32_t k = 0; k < at->columns; k++) {
                if (max != 0) {
                    raise(values, row + k * at->stride, bytes, n);
                } else {
                    add(values, row + k * at->stride, bytes, n);
                }
            }
        }
    }
    for (int32_t c = 0; c < n; c++) {
        const int32_t value = max != 0 ? values[c] : divide(values[c], rows * at->columns);
        store(to + (channel + c) * bytes, bytes, unetmm_clamp(value, p->low, p->high));
    }
}

#if UNETMM_MVE
/* The largest bytes of one pixel, sixteen channels at once, or those that are left. */
static void reduce_lanes(const unetmm_pool *p, const window *at, int8_t *to)
{
    for (int32_t c = 0; c < p->channels; c += UNETMM_LANES) {
        const mve_pred16_t lanes = vctp8q((uint32_t)(p->channels - c));
        int8x16_t values = vdupq_n_s8((int8_t)p->low); /* no smaller value is wanted */
        for (int32_t i = 0; i < p->kernel_rows; i++) {
            if (at->rows[i] != NULL) {
                const int8_t *row = (const int8_t *)at->rows[i] + at->begin + c;
                for (int32_t k = 0; k < at->columns; k++) {
                    values = vmaxq_s8(values, vldrbq_z_s8(row + k * at->stride, lanes));
                }
            }
        }
        vstrbq_p_s8(to + c, vminq_s8(values, vdupq_n_s8((int8_t)p->high)), lanes);
    }
}
#endif

static inline void pool(const unetmm_pool *p, const unetmm_block *block, int32_t bytes, int32_t max)
{
    window at;
    at.rows = block->rows;
    at.stride = block->input_stride[0];
    for (int32_t i = 0; i < block->pixels; i++) {
        const int32_t origin = (block->column + i) * p->stride + p->first;
        const unetmm_span span = unetmm_span_at(origin, block->window_column, 1, p->kernel_columns, p->width);
        at.begin = span.offset * at.stride;
        at.columns = span.high - span.low;
#if UNETMM_MVE
        if (bytes == 1 && max != 0) {
            reduce_lanes(p, &at, (int8_t *)block->output + i * block->output_stride);
            continue;
        }
#endif
        for (int32_t c = 0; c < p->channels; c += CHUNK) {
            const int32_t n = p->channels - c < CHUNK ? p->channels - c : CHUNK;
            reduce(p, &at, c, n, bytes, max, block->output + i * block->output_stride);
        }
    }
}

void unetmm_pool_max_int8(const void *parameters, const unetmm_block *block)
{
    pool(parameters, block, 1, 1);
}

void unetmm_pool_max_int16(const void *parameters, const unetmm_block *block)
{
    pool(parameters, block, 2, 1);
}

void unetmm_pool_average_int8(const void *parameters, const unetmm_block *block)
{
    pool(parameters, block, 1, 0);
}

void unetmm_pool_average_int16(const void *parameters, const unetmm_block *block)
{
    pool(parameters, block, 2, 0);
}

/* Adds the block's pixels to the sums in the state; the last block of an image writes its averages. */
static inline void pool_whole(const unetmm_pool_whole *p, const unetmm_block *block, int32_t bytes)
{
    const int32_t image = block->position / p->pixels;
    const int32_t place = block->position % p->pixels;
    uint8_t *to = block->output + image * block->output_stride;
    for (int32_t c = 0; c < p->channels; c++) {
        uint8_t *kept = block->state + 4 * c;
        int32_t sum = place == 0 ? 0 : unetmm_load32(kept);
        for (int32_t i = 0; i < block->pixels; i++) {
            sum += load(block->input[0] + i * block->input_stride[0] + c * bytes, bytes);
        }
        unetmm_store32(kept, sum);
        if (place + block->pixels == p->pixels) {
            store(to + c * bytes, bytes, unetmm_clamp(divide(sum, p->pixels), p->low, p->high));
        }
    }
}

void unetmm_pool_whole_int8(const void *parameters, const unetmm_block *block)
{
    pool_whole(parameters, block, 1);
}

void unetmm_pool_whole_int16(const void *parameters, const unetmm_block *block)
{
    pool_whole(parameters, block, 2);
}
