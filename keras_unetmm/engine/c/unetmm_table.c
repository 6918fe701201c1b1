/* One byte to one byte: every activation, and chains of them, by a table that TFLM itself has filled.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_table.h"

void unetmm_table_int8(const void *parameters, const unetmm_block *block)
{
    const unetmm_table *p = parameters;
    const uint8_t *table = p->table;
    const int32_t gapless = block->input_stride[0] == p->channels && block->output_stride == p->channels;
    const int32_t channels = gapless != 0 ? p->channels * block->pixels : p->channels;
    const int32_t pixels = gapless != 0 ? 1 : block->pixels;
    for (int32_t pixel = 0; pixel < pixels; pixel++) {
        const uint8_t *input = block->input[0] + (size_t)pixel * (size_t)block->input_stride[0];
        uint8_t *output = block->output + (size_t)pixel * (size_t)block->output_stride;
        int32_t i = 0;
        for (; i + 8 <= channels; i += 8) { /* the loop itself costs as much as two bytes */
            output[i] = table[input[i]];
            output[i + 1] = table[input[i + 1]];
            output[i + 2] = table[input[i + 2]];
            output[i + 3] = table[input[i + 3]];
            output[i + 4] = table[input[i + 4]];
            output[i + 5] = table[input[i + 5]];
            output[i + 6] = table[input[i + 6]];
            output[i + 7] = table[input[i + 7]];
        }
        for (; i < channels; i++) {
            output[i] = table[input[i]];
        }
    }
}
