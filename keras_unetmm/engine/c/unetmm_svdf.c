/* SVDF on maps of int8. For every filter the state drops its oldest value and takes the product of the input with the
 * filter's features; an output is the sum over its filters of the state's product with their weights over time.
 *
 * A state of 8 bits is stored less its zero point, so that bytes of 0 are what TFLM begins with; one of 16 bits as it is.
 * A fused activation has no effect: TFLM's kernel ignores it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "unetmm_arithmetic.h"
#include "unetmm_svdf.h"

/* The new value of one filter, without the state's zero point. */
static int32_t feature(const unetmm_svdf *p, const int8_t *x, const int8_t *weights, int32_t low, int32_t high)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < p->inputs; i++) {
        sum += weights[i] * (x[i] - p->input_zero);
    }
    return unetmm_clamp(unetmm_rescale(sum, p->state_multiplier, p->state_shift), low, high);
}

/* Moves a filter's state on by one value and returns its product with the weights over time; states of 8 bits. */
static int32_t narrow_filter(const unetmm_svdf *p, const int8_t *x, int32_t filter, uint8_t *kept)
{
    const int8_t *times = p->times + filter * p->memory;
    int8_t *state = (int8_t *)kept + filter * p->memory;
    int32_t sum = 0;
    memmove(state, state + 1, (size_t)(p->memory - 1));
    state[p->memory - 1] = (int8_t)feature(p, x, p->features + filter * p->inputs, INT8_MIN, INT8_MAX);
    for (int32_t i = 0; i < p->memory; i++) {
        const int32_t value = (int8_t)(state[i] + p->state_zero);
        sum = unetmm_wrapping_add(sum, times[i] * (value - p->state_zero));
    }
    return sum;
}

/* The same for states of 16 bits. */
static int32_t wide_filter(const unetmm_svdf *p, const int8_t *x, int32_t filter, uint8_t *kept)
{
    const int16_t *times = p->wide_times + filter * p->memory;
    uint8_t *state = kept + 2 * filter * p->memory;
    int32_t sum = 0;
    memmove(state, state + 2, 2 * (size_t)(p->memory - 1));
    const int32_t made = feature(p, x, p->features + filter * p->inputs, INT16_MIN, INT16_MAX);
    unetmm_store16(state + 2 * (p->memory - 1), p->state_zero + made);
    for (int32_t i = 0; i < p->memory; i++) {
        const int32_t value = unetmm_load16(state + 2 * i) - p->state_zero;
        sum = unetmm_wrapping_add(sum, unetmm_wrapping_multiply(times[i], value));
    }
    return sum;
}

void unetmm_svdf_int8(const void *parameters, const unetmm_block *block)
{
    const unetmm_svdf *p = parameters;
    const int32_t size = p->outputs * p->rank * p->memory * (p->times != NULL ? 1 : 2); /* bytes of the state of one pixel */
    for (int32_t i = 0; i < block->pixels; i++) {
        const int8_t *x = (const int8_t *)block->input[0] + i * block->input_stride[0];
        int8_t *to = (int8_t *)block->output + i * block->output_stride;
        uint8_t *kept = block->state + (block->position + i) * size;
        for (int32_t o = 0; o < p->outputs; o++) {
            int32_t sum = p->bias[o];
            for (int32_t filter = o * p->rank; filter < (o + 1) * p->rank; filter++) {
                const int32_t part = p->times != NULL ? narrow_filter(p, x, filter, kept) : wide_filter(p, x, filter, kept);
                sum = unetmm_wrapping_add(sum, part);
            }
            const int32_t value = unetmm_rescale(sum, p->output_multiplier, p->output_shift);
            to[o] = (int8_t)unetmm_clamp(unetmm_wrapping_add(value, p->output_zero), INT8_MIN, INT8_MAX);
        }
    }
}
