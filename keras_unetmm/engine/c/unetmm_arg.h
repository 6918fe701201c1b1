/* The place of the largest or smallest channel.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_ARG_H
#define UNETMM_ARG_H

#include "unetmm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unetmm_arg {
    int32_t channels; /* that are compared */
    int32_t inner; /* of a whole map: elements from one that is compared to the next */
    int32_t output_channels; /* of a whole map: elements of one pixel of the output */
    int32_t input_channels; /* of a whole map: elements of one pixel of the input */
} unetmm_arg;

/* Each makes int32 of int8; the first of equals counts. */
void unetmm_arg_max_channels(const void *parameters, const unetmm_block *block);
void unetmm_arg_min_channels(const void *parameters, const unetmm_block *block);
void unetmm_arg_max_all(const void *parameters, const unetmm_block *block);
void unetmm_arg_min_all(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
