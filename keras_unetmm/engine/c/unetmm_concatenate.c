/* Maps one beside the other: CONCATENATION and PACK.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_concatenate.h"

#include <string.h>

void unetmm_concatenate_channels(const void *parameters, const unetmm_block *block)
{
    const unetmm_concatenate *p = parameters;
    size_t offset = 0;
    for (int32_t i = 0; i < p->count; i++) {
        const unetmm_part *part = &p->parts[i];
        const size_t bytes = (size_t)part->bytes;
        const uint8_t *input = part->constant;
        size_t stride = bytes;
        size_t first = (size_t)block->position;
        if (input == NULL) {
            input = block->input[part->input];
            stride = (size_t)block->input_stride[part->input];
            first = 0;
        }
        for (size_t pixel = 0; pixel < (size_t)block->pixels; pixel++) {
            memcpy(block->output + pixel * (size_t)block->output_stride + offset, input + (first + pixel) * stride, bytes);
        }
        offset += bytes;
    }
}

/* Copies bytes of a whole map, whose pixels may lie apart. */
static void copy(const unetmm_part *part, const unetmm_block *block, size_t from, uint8_t *to, size_t bytes)
{
    const size_t pixel = (size_t)part->pixel;
    const uint8_t *input = part->constant;
    size_t stride = pixel;
    if (input == NULL) {
        input = block->input[part->input];
        stride = (size_t)block->input_stride[part->input];
    }
    while (bytes > 0) {
        const size_t left = stride == pixel ? bytes : pixel - from % pixel;
        const size_t run = left < bytes ? left : bytes;
        memcpy(to, input + from / pixel * stride + from % pixel, run);
        from += run;
        to += run;
        bytes -= run;
    }
}

void unetmm_concatenate_all(const void *parameters, const unetmm_block *block)
{
    const unetmm_concatenate *p = parameters;
    const size_t total = (size_t)p->total;
    for (int32_t pixel = 0; pixel < block->pixels; pixel++) {
        uint8_t *output = block->output + (size_t)pixel * (size_t)block->output_stride;
        size_t at = (size_t)(block->position + pixel) * (size_t)p->bytes; /* of the output, without gaps */
        size_t left = (size_t)p->bytes;
        while (left > 0) {
            const size_t outer = at / total;
            size_t inside = at % total;
            int32_t i = 0;
            while (inside >= (size_t)p->parts[i].bytes) {
                inside -= (size_t)p->parts[i].bytes;
                i++;
            }
            const size_t bytes = (size_t)p->parts[i].bytes;
            const size_t run = bytes - inside < left ? bytes - inside : left;
            copy(&p->parts[i], block, outer * bytes + inside, output, run);
            output += run;
            at += run;
            left -= run;
        }
    }
}
