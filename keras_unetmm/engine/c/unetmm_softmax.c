/* Softmax over the channels of each pixel, in fixed point.
 *
 * lite/kernels/internal/reference/softmax.h of TensorFlow Lite for Microcontrollers and gemmlowp's fixedpoint.h; the
 * exponentials were computed in the same arithmetic when the network was generated.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_softmax.h"

#include "unetmm_fixed.h"

enum { SUM_BITS = 12 /* before the point of a sum */ };

static inline int32_t largest(const int8_t *input, int32_t channels)
{
    int32_t most = input[0];
    for (int32_t i = 1; i < channels; i++) {
        most = input[i] > most ? input[i] : most;
    }
    return most;
}

/* `bits` are those of an element of the output. */
static inline void softmax(const unetmm_softmax *p, const unetmm_block *block, int32_t bits)
{
    for (int32_t pixel = 0; pixel < block->pixels; pixel++) {
        const int8_t *input = (const int8_t *)block->input[0] + (size_t)pixel * (size_t)block->input_stride[0];
        uint8_t *output = block->output + (size_t)pixel * (size_t)block->output_stride;
        const int32_t most = largest(input, p->channels);
        int32_t sum = 0;
        for (int32_t i = 0; i < p->channels; i++) {
            const int32_t exponential = p->exponentials[most - input[i]];
            sum = unetmm_wrapping_add(sum, exponential < 0 ? 0 : unetmm_shift_right(exponential, SUM_BITS));
        }
        int32_t over = 0;
        const int32_t scale = unetmm_get_reciprocal(sum, SUM_BITS, &over);
        const int32_t wanted = over + 31 - bits;
        const int32_t shift = wanted < 31 ? wanted : 31; /* more where TFLM stops: 512 equally likely classes */
        const int32_t low = -(1 << (bits - 1));
        for (int32_t i = 0; i < p->channels; i++) {
            const int32_t exponential = p->exponentials[most - input[i]];
            int32_t value = low;
            if (exponential >= 0) {
                value = unetmm_clamp(unetmm_shift_right(unetmm_multiply_high(scale, exponential), shift) + low, low, -low - 1);
            }
            if (bits == 16) {
                unetmm_store16(output + 2 * i, value);
            } else {
                output[i] = (uint8_t)value;
            }
        }
    }
}

void unetmm_softmax_int8(const void *parameters, const unetmm_block *block)
{
    softmax(parameters, block, 8);
}

void unetmm_softmax_int8_int16(const void *parameters, const unetmm_block *block)
{
    softmax(parameters, block, 16);
}

/* A table of 513 values between which lines are drawn, at a number of int16. TensorFlow Lite: LUTLookup. */
static inline int32_t look_up(const int16_t *table, int32_t value)
{
    const int32_t clamped = unetmm_clamp(value, INT16_MIN, INT16_MAX);
    const int16_t *at = table + 256 + (clamped >> 7);
    return at[0] + (((at[1] - at[0]) * (clamped & 0x7f) + 64) >> 7);
}

static inline int32_t largest_int16(const uint8_t *input, int32_t channels)
{
    int32_t most = unetmm_load16(input);
    for (int32_t i = 1; i < channels; i++) {
        const int32_t value = unetmm_load16(input + 2 * i);
        most = value > most ? value : most;
    }
    return most;
}

void unetmm_softmax_int16(const void *parameters, const unetmm_block *block)
{
    const unetmm_softmax_int16_tables *p = parameters;
    for (int32_t pixel = 0; pixel < block->pixels; pixel++) {
        const uint8_t *input = block->input[0] + (size_t)pixel * (size_t)block->input_stride[0];
        uint8_t *output = block->output + (size_t)pixel * (size_t)block->output_stride; /* holds the exponentials first */
        const int32_t most = largest_int16(input, p->channels);
        int32_t sum = 0;
        for (int32_t i = 0; i < p->channels; i++) {
            const int32_t below = unetmm_rescale(unetmm_load16(input + 2 * i) - most, p->multiplier, p->shift);
            const int32_t exponential = look_up(p->exponentials, unetmm_wrapping_add(below, 32767));
            unetmm_store16(output + 2 * i, exponential);
            sum = unetmm_wrapping_add(sum, exponential);
        }
        const int32_t zeros = unetmm_leading_zeros((uint32_t)sum);
        const int32_t mantissa = (int32_t)((((int64_t)sum << (zeros - 1)) + (1 << 13)) >> 14); /* 16 bits after the point */
        const int64_t scale = look_up(p->reciprocals, mantissa - (1 << 15) - (1 << 16));
        const int32_t right = 31 - zeros;
        for (int32_t i = 0; i < p->channels; i++) {
            const int64_t product = unetmm_load16(output + 2 * i) * scale + ((int64_t)1 << (right - 1));
            unetmm_store16(output + 2 * i, unetmm_clamp((int32_t)(product >> right), 0, INT16_MAX));
        }
    }
}
