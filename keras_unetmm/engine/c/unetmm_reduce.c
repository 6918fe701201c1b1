/* Sums, means and extremes over some axes of a map.
 *
 * Sums wrap in 32 bits. A mean is a sum whose multiplier was divided by the number of summands when the network was
 * generated. lite/kernels/internal/reference/reduce.h of TensorFlow Lite for Microcontrollers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_reduce.h"

#include "unetmm_arithmetic.h"
#include "unetmm_dsp.h"

enum { SUM, LARGEST, SMALLEST };

static inline int32_t start_of(int32_t operation)
{
    return operation == SUM ? 0 : operation == LARGEST ? INT32_MIN : INT32_MAX;
}

static inline int32_t join(int32_t operation, int32_t so_far, int32_t value)
{
    if (operation == SUM) {
        return unetmm_wrapping_add(so_far, value);
    }
    return (operation == LARGEST) == (value > so_far) ? value : so_far;
}

static inline int32_t value_of(const uint8_t *map, int32_t element, int32_t index)
{
    return element == 2 ? unetmm_load16(map + 2 * index) : (int32_t)(int8_t)map[index];
}

/* Writes one value of the output, rescaled if it is a sum. */
static inline void finish(const unetmm_reduce *p, int32_t operation, int32_t element, int32_t raw, uint8_t *output, int32_t index)
{
    int32_t value = raw;
    if (operation == SUM) {
        const int32_t sum = unetmm_wrapping_add(raw, -p->offset);
        value = unetmm_wrapping_add(unetmm_rescale(sum, p->multiplier, p->shift), p->output_zero);
        value = element == 2 ? unetmm_clamp(value, INT16_MIN, INT16_MAX) : unetmm_clamp(value, INT8_MIN, INT8_MAX);
    }
    if (element == 2) {
        unetmm_store16(output + 2 * index, value);
    } else {
        output[index] = (uint8_t)value;
    }
}

static inline void reduce_pixels(const unetmm_reduce *p, const unetmm_block *block, int32_t operation, int32_t element)
{
    int32_t *state = (int32_t *)(void *)block->state;
    const int32_t begins = block->row == 0 && block->column == 0;
    const int32_t channels = p->channels;
    const int32_t pixels = block->pixels;
    const size_t stride = (size_t)block->input_stride[0];
    int32_t i = 0;
#if UNETMM_DSP
    for (; operation == SUM && element == 1 && i + 4 <= channels; i += 4) {
        const int8_t *input = (const int8_t *)block->input[0] + i;
        int32_t a = begins != 0 ? 0 : state[i];
        int32_t b = begins != 0 ? 0 : state[i + 1];
        int32_t c = begins != 0 ? 0 : state[i + 2];
        int32_t d = begins != 0 ? 0 : state[i + 3];
        for (int32_t pixel = 0; pixel < pixels; pixel++) {
            const uint32_t bytes = unetmm_load_quad(input + (size_t)pixel * stride);
            a = unetmm_wrapping_add(a, (int8_t)bytes);
            b = unetmm_wrapping_add(b, (int8_t)(bytes >> 8));
            c = unetmm_wrapping_add(c, (int8_t)(bytes >> 16));
            d = unetmm_wrapping_add(d, (int8_t)(bytes >> 24));
        }
        state[i] = a;
        state[i + 1] = b;
        state[i + 2] = c;
        state[i + 3] = d;
    }
#endif
    for (; i < channels; i++) { /* a channel's sum stays in a register */
        const uint8_t *input = block->input[0] + i * element;
        int32_t raw = begins != 0 ? start_of(operation) : state[i];
        for (int32_t pixel = 0; pixel < pixels; pixel++) {
            raw = join(operation, raw, value_of(input + (size_t)pixel * stride, element, 0));
        }
        state[i] = raw;
    }
    if (block->row == p->rows - 1 && block->column + block->pixels == p->width) {
        const int32_t image = block->position / (p->rows * p->width);
        uint8_t *output = block->output + (size_t)image * (size_t)block->output_stride;
        for (int32_t i = 0; i < p->channels; i++) {
            finish(p, operation, element, state[i], output, i);
        }
    }
}

static inline void reduce_channels(const unetmm_reduce *p, const unetmm_block *block, int32_t operation, int32_t element)
{
    const int32_t channels = p->channels;
    for (int32_t pixel = 0; pixel < block->pixels; pixel++) {
        const uint8_t *input = block->input[0] + (size_t)pixel * (size_t)block->input_stride[0];
        int32_t raw = start_of(operation);
        int32_t i = 0;
#if UNETMM_DSP
        for (; operation == SUM && element == 1 && i + 4 <= channels; i += 4) { /* times 1 */
            const uint32_t bytes = unetmm_load_quad((const int8_t *)input + i);
            raw = unetmm_dot_pair(unetmm_widen_even(bytes), 0x00010001u, raw);
            raw = unetmm_dot_pair(unetmm_widen_odd(bytes), 0x00010001u, raw);
        }
#endif
        for (; i < channels; i++) {
            raw = join(operation, raw, value_of(input, element, i));
        }
        finish(p, operation, element, raw, block->output + (size_t)pixel * (size_t)block->output_stride, 0);
    }
}

/* One value of the output: its place among those axes that are kept says where to begin. */
static inline int32_t reduce_one(const unetmm_reduce *p, const unetmm_block *block, int32_t place, int32_t operation, int32_t element)
{
    const int32_t channel = p->channels_kept != 0 ? place % p->channels : 0;
    place = p->channels_kept != 0 ? place / p->channels : place;
    const int32_t column = p->columns_kept != 0 ? place % p->width : 0;
    place = p->columns_kept != 0 ? place / p->width : place;
    const int32_t row = p->rows_kept != 0 ? place % p->rows : 0;
    place = p->rows_kept != 0 ? place / p->rows : place;
    const int32_t image = p->images_kept != 0 ? place : 0;
    int32_t raw = start_of(operation);
    for (int32_t n = image; n < (p->images_kept != 0 ? image + 1 : p->images); n++) {
        for (int32_t y = row; y < (p->rows_kept != 0 ? row + 1 : p->rows); y++) {
            for (int32_t x = column; x < (p->columns_kept != 0 ? column + 1 : p->width); x++) {
                const int32_t pixel = (n * p->rows + y) * p->width + x;
                const uint8_t *input = block->input[0] + (size_t)pixel * (size_t)block->input_stride[0];
                for (int32_t c = channel; c < (p->channels_kept != 0 ? channel + 1 : p->channels); c++) {
                    raw = join(operation, raw, value_of(input, element, c));
                }
            }
        }
    }
    return raw;
}

static inline void reduce_all(const unetmm_reduce *p, const unetmm_block *block, int32_t operation, int32_t element)
{
    for (int32_t pixel = 0; pixel < block->pixels; pixel++) {
        uint8_t *output = block->output + (size_t)pixel * (size_t)block->output_stride;
        for (int32_t i = 0; i < p->output_channels; i++) {
            const int32_t place = (block->position + pixel) * p->output_channels + i;
            finish(p, operation, element, reduce_one(p, block, place, operation, element), output, i);
        }
    }
}

void unetmm_sum_int8(const void *parameters, const unetmm_block *block)
{
    reduce_pixels(parameters, block, SUM, 1);
}

void unetmm_sum_int16(const void *parameters, const unetmm_block *block)
{
    reduce_pixels(parameters, block, SUM, 2);
}

void unetmm_largest_int8(const void *parameters, const unetmm_block *block)
{
    reduce_pixels(parameters, block, LARGEST, 1);
}

void unetmm_smallest_int8(const void *parameters, const unetmm_block *block)
{
    reduce_pixels(parameters, block, SMALLEST, 1);
}

void unetmm_sum_channels_int8(const void *parameters, const unetmm_block *block)
{
    reduce_channels(parameters, block, SUM, 1);
}

void unetmm_sum_channels_int16(const void *parameters, const unetmm_block *block)
{
    reduce_channels(parameters, block, SUM, 2);
}

void unetmm_largest_channel_int8(const void *parameters, const unetmm_block *block)
{
    reduce_channels(parameters, block, LARGEST, 1);
}

void unetmm_smallest_channel_int8(const void *parameters, const unetmm_block *block)
{
    reduce_channels(parameters, block, SMALLEST, 1);
}

void unetmm_sum_all_int8(const void *parameters, const unetmm_block *block)
{
    reduce_all(parameters, block, SUM, 1);
}

void unetmm_sum_all_int16(const void *parameters, const unetmm_block *block)
{
    reduce_all(parameters, block, SUM, 2);
}

void unetmm_largest_all_int8(const void *parameters, const unetmm_block *block)
{
    reduce_all(parameters, block, LARGEST, 1);
}

void unetmm_smallest_all_int8(const void *parameters, const unetmm_block *block)
{
    reduce_all(parameters, block, SMALLEST, 1);
}
