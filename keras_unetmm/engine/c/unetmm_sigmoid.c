/* Logistic function and hyperbolic tangent of int16, between the values of a table; tanh(x) = 2 * logistic(2 * x) - 1.
 *
 * lite/kernels/internal/reference/integer_ops/{logistic,tanh}.h of TensorFlow Lite for Microcontrollers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_sigmoid.h"

#include "unetmm_arithmetic.h"

/* The input in units of the table. */
static inline int32_t argument(const unetmm_sigmoid *p, int32_t value)
{
    const int32_t half = p->shift > 0 ? 1 << (p->shift - 1) : 0;
    return unetmm_wrapping_add(unetmm_wrapping_multiply(value, p->multiplier), half) >> p->shift;
}

/* The table at a place with `bits` bits after the point, itself with 16 + bits bits. */
static inline int32_t between(const uint16_t *table, uint32_t place, int32_t bits, int32_t most)
{
    const uint32_t index = place >> bits;
    if (index >= 255) {
        return most << bits;
    }
    const int32_t rest = (int32_t)(place & (((uint32_t)1 << bits) - 1));
    return (table[index] << bits) + rest * (table[index + 1] - table[index]);
}

static inline int32_t logistic(const unetmm_sigmoid *p, int32_t value)
{
    const int32_t x = argument(p, value);
    const int32_t y = between(p->table, (uint32_t)(x < 0 ? -x : x), 9, 0x7fff * 2);
    return (x >= 0 ? y + (1 << 9) : (1 << 25) - y + (1 << 9) - 1) >> 10;
}

static inline int32_t hyperbolic_tangent(const unetmm_sigmoid *p, int32_t value)
{
    const int32_t x = argument(p, value);
    const int32_t y = between(p->table, (uint32_t)(x < 0 ? -x : x), 8, 0xffff);
    return (x >= 0 ? y - (1 << 23) + (1 << 7) : -y + (1 << 23) + (1 << 7) - 1) >> 8;
}

static inline void map(const unetmm_sigmoid *p, const unetmm_block *block, int32_t tangent)
{
    for (int32_t pixel = 0; pixel < block->pixels; pixel++) {
        const uint8_t *input = block->input[0] + (size_t)pixel * (size_t)block->input_stride[0];
        uint8_t *output = block->output + (size_t)pixel * (size_t)block->output_stride;
        for (int32_t i = 0; i < p->channels; i++) {
            const int32_t value = unetmm_load16(input + 2 * i);
            unetmm_store16(output + 2 * i, tangent != 0 ? hyperbolic_tangent(p, value) : logistic(p, value));
        }
    }
}

void unetmm_logistic_int16(const void *parameters, const unetmm_block *block)
{
    map(parameters, block, 0);
}

void unetmm_tanh_int16(const void *parameters, const unetmm_block *block)
{
    map(parameters, block, 1);
}
