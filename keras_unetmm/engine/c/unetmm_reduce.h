/* Sums, means and extremes over some axes of a map.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_REDUCE_H
#define UNETMM_REDUCE_H

#include "unetmm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unetmm_reduce {
    int32_t channels; /* of the input */
    int32_t multiplier; /* as in unetmm_arithmetic.h; what follows is for sums only */
    int32_t shift;
    int32_t offset; /* the zero points of all summands, to be taken from a sum */
    int32_t output_zero;
    int32_t rows; /* of one image of the input */
    int32_t width;
    int32_t images_kept; /* which axes of the input are left in the output; for the kernels of whole maps only */
    int32_t rows_kept;
    int32_t columns_kept;
    int32_t channels_kept;
    int32_t images;
    int32_t output_channels; /* elements of one pixel of the output */
} unetmm_reduce;

/* Over rows and columns: these accumulate, with 4 bytes of state a channel, and make one pixel an image. */
void unetmm_sum_int8(const void *parameters, const unetmm_block *block);
void unetmm_sum_int16(const void *parameters, const unetmm_block *block);
void unetmm_largest_int8(const void *parameters, const unetmm_block *block);
void unetmm_smallest_int8(const void *parameters, const unetmm_block *block);

/* Over the channels of each pixel. */
void unetmm_sum_channels_int8(const void *parameters, const unetmm_block *block);
void unetmm_sum_channels_int16(const void *parameters, const unetmm_block *block);
void unetmm_largest_channel_int8(const void *parameters, const unetmm_block *block);
void unetmm_smallest_channel_int8(const void *parameters, const unetmm_block *block);

/* Over any axes of a whole map. */
void unetmm_sum_all_int8(const void *parameters, const unetmm_block *block);
void unetmm_sum_all_int16(const void *parameters, const unetmm_block *block);
void unetmm_largest_all_int8(const void *parameters, const unetmm_block *block);
void unetmm_smallest_all_int8(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
