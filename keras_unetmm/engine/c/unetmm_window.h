/* Which columns of a kernel lie inside the input at one output pixel.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_WINDOW_H
#define UNETMM_WINDOW_H

#include <stdint.h>

/* Columns low to high - 1 of the kernel are inside; `offset` is where column `low` is, in columns from block->rows. */
typedef struct unetmm_span {
    int32_t low;
    int32_t high;
    int32_t offset;
} unetmm_span;

/* `origin` is the column of the input under the kernel's first column; `begin` the one that block->rows point to. */
static inline unetmm_span unetmm_span_at(int32_t origin, int32_t begin, int32_t dilation, int32_t kernel_columns, int32_t width)
{
    unetmm_span span;
    span.low = 0;
    span.high = kernel_columns;
    if (origin < 0) {
        span.low = (dilation - 1 - origin) / dilation;
    }
    if (origin + (kernel_columns - 1) * dilation >= width) {
        span.high = origin < width ? (width - 1 - origin) / dilation + 1 : 0;
    }
    if (span.low >= span.high) {
        span.low = 0;
        span.high = 0;
        span.offset = 0;
        return span;
    }
    span.offset = origin + span.low * dilation - begin;
    return span;
}

#endif
