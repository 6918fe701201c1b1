/* Integers of one type and scale to another: QUANTIZE, and CAST, which keeps the numbers.
 *
 * lite/kernels/internal/reference/requantize.h of TensorFlow Lite for Microcontrollers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_quantize.h"

#include "unetmm_arithmetic.h"

static inline int32_t load(const uint8_t *map, int32_t element, int32_t index)
{
    if (element == 1) {
        return (int8_t)map[index];
    }
    return element == 2 ? unetmm_load16(map + 2 * index) : unetmm_load32(map + 4 * index);
}

static inline void store(uint8_t *map, int32_t element, int32_t index, int32_t value)
{
    if (element == 1) {
        map[index] = (uint8_t)value;
    } else if (element == 2) {
        unetmm_store16(map + 2 * index, value);
    } else {
        unetmm_store32(map + 4 * index, value);
    }
}

static inline void convert(const unetmm_quantize *p, const unetmm_block *block, int32_t rescales)
{
    for (int32_t pixel = 0; pixel < block->pixels; pixel++) {
        const uint8_t *input = block->input[0] + (size_t)pixel * (size_t)block->input_stride[0];
        uint8_t *output = block->output + (size_t)pixel * (size_t)block->output_stride;
        for (int32_t i = 0; i < p->channels; i++) {
            int32_t value = load(input, p->from, i);
            if (rescales != 0) {
                value = unetmm_rescale(unetmm_wrapping_add(value, -p->input_zero), p->multiplier, p->shift);
                value = unetmm_clamp(unetmm_wrapping_add(value, p->output_zero), p->low, p->high);
            }
            store(output, p->to, i, value);
        }
    }
}

void unetmm_quantize_any(const void *parameters, const unetmm_block *block)
{
    convert(parameters, block, 1);
}

void unetmm_cast_any(const void *parameters, const unetmm_block *block)
{
    convert(parameters, block, 0);
}
