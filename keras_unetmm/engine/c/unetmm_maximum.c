/* The larger or the smaller of two maps, element by element.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_maximum.h"

#include "unetmm_arithmetic.h"

static inline int32_t chosen(int32_t a, int32_t b, int32_t larger)
{
    return larger == (a > b ? 1 : 0) ? a : b;
}

static inline void choose_int8(const void *parameters, const unetmm_block *block, int32_t larger)
{
    const unetmm_operands *p = parameters;
    for (unetmm_places at = unetmm_find_places(p, block, 1, 1); at.pixels > 0; unetmm_next_pixel(&at)) {
        const int8_t *first = (const int8_t *)at.first;
        const int8_t *second = (const int8_t *)at.second;
        int8_t *output = (int8_t *)at.output;
        for (int32_t i = 0; i < at.channels; i++) {
            output[i] = (int8_t)chosen(first[i * at.first_step], second[i * at.second_step], larger);
        }
    }
}

static inline void choose_int16(const void *parameters, const unetmm_block *block, int32_t larger)
{
    const unetmm_operands *p = parameters;
    for (unetmm_places at = unetmm_find_places(p, block, 2, 2); at.pixels > 0; unetmm_next_pixel(&at)) {
        for (int32_t i = 0; i < at.channels; i++) {
            const int32_t a = unetmm_load16(at.first + 2 * i * at.first_step);
            const int32_t b = unetmm_load16(at.second + 2 * i * at.second_step);
            unetmm_store16(at.output + 2 * i, chosen(a, b, larger));
        }
    }
}

static inline void choose_int32(const void *parameters, const unetmm_block *block, int32_t larger)
{
    const unetmm_operands *p = parameters;
    for (unetmm_places at = unetmm_find_places(p, block, 4, 4); at.pixels > 0; unetmm_next_pixel(&at)) {
        for (int32_t i = 0; i < at.channels; i++) {
            const int32_t a = unetmm_load32(at.first + 4 * i * at.first_step);
            const int32_t b = unetmm_load32(at.second + 4 * i * at.second_step);
            unetmm_store32(at.output + 4 * i, chosen(a, b, larger));
        }
    }
}

void unetmm_maximum_int8(const void *parameters, const unetmm_block *block)
{
    choose_int8(parameters, block, 1);
}

void unetmm_maximum_int16(const void *parameters, const unetmm_block *block)
{
    choose_int16(parameters, block, 1);
}

void unetmm_maximum_int32(const void *parameters, const unetmm_block *block)
{
    choose_int32(parameters, block, 1);
}

void unetmm_minimum_int8(const void *parameters, const unetmm_block *block)
{
    choose_int8(parameters, block, 0);
}

void unetmm_minimum_int16(const void *parameters, const unetmm_block *block)
{
    choose_int16(parameters, block, 0);
}

void unetmm_minimum_int32(const void *parameters, const unetmm_block *block)
{
    choose_int32(parameters, block, 0);
}
