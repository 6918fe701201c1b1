/* The pixels of a block of a DEPTHWISE_CONV_2D whose windows are inside the map, so that no tap of theirs needs a test.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_INSIDE_H
#define UNETMM_INSIDE_H

#include "unetmm_depthwise.h"

/* From `begin` to `end` - 1; none where the two are equal. */
typedef struct unetmm_inside {
    int32_t begin;
    int32_t end;
} unetmm_inside;

static inline unetmm_inside unetmm_find_inside(const unetmm_depthwise *p, const unetmm_block *block)
{
    unetmm_inside found = {block->pixels, block->pixels};
    for (int32_t i = 0; i < p->kernel_rows; i++) {
        if (block->rows[i] == NULL) {
            return found;
        }
    }
    for (int32_t i = block->pixels - 1; i >= 0; i--) {
        const int32_t origin = (block->column + i) * p->stride + p->first;
        if (origin + (p->kernel_columns - 1) * p->dilation >= p->width) {
            found.end = i;
        }
        found.begin = origin >= 0 ? i : found.begin;
    }
    return found;
}

#endif
