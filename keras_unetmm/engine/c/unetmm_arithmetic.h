/* Fixed-point arithmetic that the kernels share, equal to that of the reference kernels of TensorFlow Lite for
 * Microcontrollers (lite/kernels/internal/common.cc and gemmlowp's fixedpoint.h) in every bit, overflows included.
 *
 * A real multiplier is multiplier * 2^(shift - 31), with multiplier in [2^30, 2^31) or 0: shift is negative below 1/2.
 * Right shifts of negative numbers are arithmetic, and conversions to a signed type wrap, as gcc and clang define it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_ARITHMETIC_H
#define UNETMM_ARITHMETIC_H

#include <stdint.h>
#include <string.h>

static inline int32_t unetmm_wrapping_add(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

static inline int32_t unetmm_wrapping_multiply(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a * (uint32_t)b);
}

/* Shifts by 0 to 31 bits to the left; what leaves the 32 bits is lost. */
static inline int32_t unetmm_shift_left(int32_t value, int32_t bits)
{
    return (int32_t)((uint32_t)value << bits);
}

static inline int32_t unetmm_clamp(int32_t value, int32_t low, int32_t high)
{
    value = value < low ? low : value;
    return value > high ? high : value;
}

/* value * multiplier / 2^31, a half rounded up; multiplier is 0 or more. gemmlowp: SaturatingRoundingDoublingHighMul. */
static inline int32_t unetmm_multiply_high(int32_t value, int32_t multiplier)
{
    return (int32_t)(((int64_t)value * multiplier + ((int64_t)1 << 30)) >> 31);
}

/* value / 2^bits for bits from 0 to 31, a half rounded away from zero. gemmlowp: RoundingDivideByPOT. */
static inline int32_t unetmm_shift_right(int32_t value, int32_t bits)
{
    const int32_t mask = (int32_t)(((uint32_t)1 << bits) - 1);
    const int32_t threshold = (mask >> 1) + (value < 0 ? 1 : 0);
    return (value >> bits) + ((value & mask) > threshold ? 1 : 0);
}

/* A sum of 32 bits times a real multiplier below 1/2; shift is -31 to -1. MultiplyByQuantizedMultiplier, which rounds twice.
 *
 * With a right shift of r bits the second rounding is floor((h + (h < 0 ? -1 : 0) + 2^(r-1)) / 2^r), done in two shifts.
 * Nothing in it overflows: |h| is at most 2^31 - 1 since multiplier < 2^31, and then h is never 2^31 - 1 itself. */
static inline int32_t unetmm_rescale_down(int32_t sum, int32_t multiplier, int32_t shift)
{
    const int32_t h = unetmm_multiply_high(sum, multiplier);
    return (((h + (h >> 31)) >> (-shift - 1)) + 1) >> 1;
}

/* The same for any multiplier; shift is -31 to 31. */
static inline int32_t unetmm_rescale(int32_t sum, int32_t multiplier, int32_t shift)
{
    if (shift < 0) {
        return unetmm_rescale_down(sum, multiplier, shift);
    }
    return unetmm_multiply_high(unetmm_shift_left(sum, shift), multiplier);
}

/* The multiplier of 16 bits that sums of 64 bits are multiplied by. */
static inline int32_t unetmm_reduce_multiplier(int32_t multiplier)
{
    return multiplier < 0x7fff0000 ? (multiplier + (1 << 15)) >> 16 : 0x7fff;
}

/* A sum of 64 bits times a real multiplier, rounded once; shift is -31 to 14. The result's low 32 bits. */
static inline int32_t unetmm_rescale_wide(int64_t sum, int32_t multiplier, int32_t shift)
{
    const int32_t bits = 15 - shift;
    const uint64_t product = (uint64_t)sum * (uint64_t)unetmm_reduce_multiplier(multiplier);
    return (int32_t)((int64_t)(product + ((uint64_t)1 << (bits - 1))) >> bits);
}

/* Values of maps of 16 and 32 bits, which may lie at any address. */
static inline int16_t unetmm_load16(const uint8_t *from)
{
    int16_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline void unetmm_store16(uint8_t *to, int32_t value)
{
    const int16_t low = (int16_t)value;
    memcpy(to, &low, sizeof low);
}

static inline int32_t unetmm_load32(const uint8_t *from)
{
    int32_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline void unetmm_store32(uint8_t *to, int32_t value)
{
    memcpy(to, &value, sizeof value);
}

#endif
