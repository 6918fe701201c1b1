/* Instructions of Arm cores with the DSP extension (Cortex-M4, M7, M33, ...), which multiply two pairs of 16 bits at once.
 *
 * UNETMM_DSP is 1 where the compiler's target has them. Elsewhere a compiler may be told -DUNETMM_DSP=1: each instruction is
 * then written out in C, which gives the same bytes slowly, so that kernels can be tested on any computer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_DSP_H
#define UNETMM_DSP_H

#include <stdint.h>
#include <string.h>

#if !defined(UNETMM_DSP) && defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && defined(__ARM_FEATURE_UNALIGNED) && defined(__arm__) && !defined(__ARM_BIG_ENDIAN) && !defined(__ARM_FEATURE_MVE)
#define UNETMM_DSP 1
#elif !defined(UNETMM_DSP)
#define UNETMM_DSP 0
#endif

#if UNETMM_DSP

/* Four bytes from any address. */
static inline uint32_t unetmm_load_quad(const int8_t *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

#if defined(__ARM_FEATURE_DSP)

/* Bytes 0 and 2, widened to two numbers of 16 bits. */
static inline uint32_t unetmm_widen_even(uint32_t bytes)
{
    uint32_t value;
    __asm__("sxtb16 %0, %1" : "=r"(value) : "r"(bytes));
    return value;
}

/* Bytes 1 and 3. */
static inline uint32_t unetmm_widen_odd(uint32_t bytes)
{
    uint32_t value;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(value) : "r"(bytes));
    return value;
}

/* sum + a[0] * b[0] + a[1] * b[1]; wraps. */
static inline int32_t unetmm_dot_pair(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t value;
    __asm__("smlad %0, %1, %2, %3" : "=r"(value) : "r"(a), "r"(b), "r"(sum));
    return value;
}

/* sum + a[0] * b[0] of the lower numbers alone. */
static inline int32_t unetmm_add_low(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t value;
    __asm__("smlabb %0, %1, %2, %3" : "=r"(value) : "r"(a), "r"(b), "r"(sum));
    return value;
}

/* sum + a[1] * b[1] of the upper ones. */
static inline int32_t unetmm_add_high(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t value;
    __asm__("smlatt %0, %1, %2, %3" : "=r"(value) : "r"(a), "r"(b), "r"(sum));
    return value;
}

/* (a * b + 2^31) / 2^32, rounded down. */
static inline int32_t unetmm_multiply_top(int32_t a, int32_t b)
{
    int32_t value;
    __asm__("smmulr %0, %1, %2" : "=r"(value) : "r"(a), "r"(b));
    return value;
}

/* Four bytes, none less than that of `low` nor more than that of `high` in its place. */
static inline uint32_t unetmm_limit_bytes(uint32_t bytes, uint32_t low, uint32_t high)
{
    uint32_t rest;
    __asm__("ssub8 %1, %0, %2\n\t"
            "sel %0, %0, %2\n\t"
            "ssub8 %1, %3, %0\n\t"
            "sel %0, %0, %3"
            : "+r"(bytes), "=&r"(rest)
            : "r"(low), "r"(high)
            : "cc");
    return bytes;
}

/* sum + a * b / 2^32, rounded down. */
static inline int32_t unetmm_add_top(int32_t a, int32_t b, int32_t sum)
{
    int32_t value;
    __asm__("smmla %0, %1, %2, %3" : "=r"(value) : "r"(a), "r"(b), "r"(sum));
    return value;
}

/* value, saturated to a byte. */
static inline int32_t unetmm_saturate(int32_t value)
{
    int32_t byte;
    __asm__("ssat %0, #8, %1" : "=r"(byte) : "r"(value));
    return byte;
}

/* value / 2, rounded down, saturated to a byte. */
static inline int32_t unetmm_saturate_half(int32_t value)
{
    int32_t byte;
    __asm__("ssat %0, #8, %1, asr #1" : "=r"(byte) : "r"(value));
    return byte;
}

#else

static inline uint32_t unetmm_widen_even(uint32_t bytes)
{
    return (uint32_t)(uint16_t)(int8_t)bytes | (uint32_t)(uint16_t)(int8_t)(bytes >> 16) << 16;
}

static inline uint32_t unetmm_widen_odd(uint32_t bytes)
{
    return unetmm_widen_even(bytes >> 8);
}

static inline int32_t unetmm_dot_pair(uint32_t a, uint32_t b, int32_t sum)
{
    const int32_t low = (int16_t)a * (int16_t)b;
    const int32_t high = (int16_t)(a >> 16) * (int16_t)(b >> 16);
    return (int32_t)((uint32_t)sum + (uint32_t)low + (uint32_t)high);
}

static inline int32_t unetmm_add_low(uint32_t a, uint32_t b, int32_t sum)
{
    return (int32_t)((uint32_t)sum + (uint32_t)((int16_t)a * (int16_t)b));
}

static inline int32_t unetmm_add_high(uint32_t a, uint32_t b, int32_t sum)
{
    return unetmm_add_low(a >> 16, b >> 16, sum);
}

static inline int32_t unetmm_multiply_top(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32);
}

static inline uint32_t unetmm_limit_bytes(uint32_t bytes, uint32_t low, uint32_t high)
{
    uint32_t limited = 0;
    for (int32_t i = 0; i < 32; i += 8) {
        const int8_t value = (int8_t)(bytes >> i);
        const int8_t least = (int8_t)(low >> i);
        const int8_t most = (int8_t)(high >> i);
        limited |= (uint32_t)(uint8_t)(value < least ? least : value > most ? most : value) << i;
    }
    return limited;
}

static inline int32_t unetmm_add_top(int32_t a, int32_t b, int32_t sum)
{
    return sum + (int32_t)(((int64_t)a * b) >> 32);
}

static inline int32_t unetmm_saturate(int32_t value)
{
    return value < INT8_MIN ? INT8_MIN : value > INT8_MAX ? INT8_MAX : value;
}

static inline int32_t unetmm_saturate_half(int32_t value)
{
    return unetmm_saturate(value >> 1);
}

#endif

#endif

#endif
