/* One of two maps, chosen by a third, element by element: SELECT_V2.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_select.h"

#include <string.h>

void unetmm_select_any(const void *parameters, const unetmm_block *block)
{
    const unetmm_select *p = parameters;
    const unetmm_operands *operands = &p->operands;
    const size_t element = (size_t)p->element;
    int32_t stride = 0;
    int32_t first_stride = 0;
    int32_t second_stride = 0;
    const uint8_t *condition = unetmm_place(&p->condition, block, operands->image_pixels, &stride);
    const uint8_t *first = unetmm_place(&operands->first, block, operands->image_pixels, &first_stride);
    const uint8_t *second = unetmm_place(&operands->second, block, operands->image_pixels, &second_stride);
    for (int32_t pixel = 0; pixel < block->pixels; pixel++) {
        uint8_t *output = block->output + (size_t)pixel * (size_t)block->output_stride;
        const uint8_t *holds = condition + (size_t)pixel * (size_t)stride;
        const uint8_t *yes = first + (size_t)pixel * (size_t)first_stride;
        const uint8_t *no = second + (size_t)pixel * (size_t)second_stride;
        for (int32_t i = 0; i < operands->channels; i++) {
            const uint8_t *from = no + (size_t)(i * operands->second.channel_step) * element;
            if (holds[i * p->condition.channel_step] != 0) {
                from = yes + (size_t)(i * operands->first.channel_step) * element;
            }
            memcpy(output + (size_t)i * element, from, element);
        }
    }
}
