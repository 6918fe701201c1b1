/* The place of the largest or smallest value along an axis, the first among equals: ARG_MAX and ARG_MIN.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_arg.h"

#include "unetmm_arithmetic.h"

static inline void over_channels(const unetmm_arg *p, const unetmm_block *block, int32_t largest)
{
    for (int32_t pixel = 0; pixel < block->pixels; pixel++) {
        const int8_t *input = (const int8_t *)block->input[0] + (size_t)pixel * (size_t)block->input_stride[0];
        int32_t best = 0;
        for (int32_t i = 1; i < p->channels; i++) {
            const int32_t better = largest != 0 ? input[i] > input[best] : input[i] < input[best];
            best = better != 0 ? i : best;
        }
        unetmm_store32(block->output + (size_t)pixel * (size_t)block->output_stride, best);
    }
}

static inline int8_t at(const unetmm_arg *p, const unetmm_block *block, int32_t element)
{
    const size_t pixel = (size_t)(element / p->input_channels) * (size_t)block->input_stride[0];
    return ((const int8_t *)block->input[0])[pixel + (size_t)(element % p->input_channels)];
}

static inline void over_any(const unetmm_arg *p, const unetmm_block *block, int32_t largest)
{
    for (int32_t pixel = 0; pixel < block->pixels; pixel++) {
        uint8_t *output = block->output + (size_t)pixel * (size_t)block->output_stride;
        for (int32_t channel = 0; channel < p->output_channels; channel++) {
            const int32_t place = (block->position + pixel) * p->output_channels + channel;
            const int32_t first = place / p->inner * p->inner * p->channels + place % p->inner;
            int32_t best = 0;
            int32_t value = at(p, block, first);
            for (int32_t i = 1; i < p->channels; i++) {
                const int32_t next = at(p, block, first + i * p->inner);
                if (largest != 0 ? next > value : next < value) {
                    best = i;
                    value = next;
                }
            }
            unetmm_store32(output + 4 * (size_t)channel, best);
        }
    }
}

void unetmm_arg_max_channels(const void *parameters, const unetmm_block *block)
{
    over_channels(parameters, block, 1);
}

void unetmm_arg_min_channels(const void *parameters, const unetmm_block *block)
{
    over_channels(parameters, block, 0);
}

void unetmm_arg_max_all(const void *parameters, const unetmm_block *block)
{
    over_any(parameters, block, 1);
}

void unetmm_arg_min_all(const void *parameters, const unetmm_block *block)
{
    over_any(parameters, block, 0);
}
