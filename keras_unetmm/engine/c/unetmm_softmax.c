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
