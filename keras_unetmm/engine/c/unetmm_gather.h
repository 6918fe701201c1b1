/* Copies of elements from a whole map: whatever moves them by an index along each axis.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_GATHER_H
#define UNETMM_GATHER_H

#include "unetmm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unetmm_gather {
    const int32_t *offsets; /* for each axis of the output, from the outermost on, what each place adds to the element of
                               the input that is copied; less than 0 for padding */
    const int32_t *sizes; /* of these axes */
    const void *constant; /* the input, where it is a constant */
    const void *fill; /* the value of padding, one element */
    int32_t axes; /* 1 to UNETMM_GATHER_AXES */
    int32_t channels; /* elements of one pixel of the output */
    int32_t input_channels; /* elements of one pixel of the input */
    int32_t element; /* bytes */
} unetmm_gather;

enum { UNETMM_GATHER_AXES = 8 };

void unetmm_gather_any(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
