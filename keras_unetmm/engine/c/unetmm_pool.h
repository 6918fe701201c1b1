/* MAX_POOL_2D and AVERAGE_POOL_2D on maps of int8 and int16.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_POOL_H
#define UNETMM_POOL_H

#include "unetmm.h"

typedef struct unetmm_pool {
    int32_t width; /* columns of the input */
    int32_t first; /* the column of the input where the window of column 0 begins */
    int32_t stride; /* columns */
    int32_t kernel_rows;
    int32_t kernel_columns;
    int32_t channels;
    int32_t low; /* smallest value of the output: the fused activation's */
    int32_t high; /* largest */
} unetmm_pool;

/* An average over a whole map, summed up as the map is made. */
typedef struct unetmm_pool_whole {
    int32_t pixels; /* of one image */
    int32_t channels;
    int32_t low;
    int32_t high;
} unetmm_pool_whole;

#ifdef __cplusplus
extern "C" {
#endif

unetmm_kernel unetmm_pool_max_int8;
unetmm_kernel unetmm_pool_max_int16;
unetmm_kernel unetmm_pool_average_int8;
unetmm_kernel unetmm_pool_average_int16;
unetmm_kernel unetmm_pool_whole_int8;
unetmm_kernel unetmm_pool_whole_int16;

#ifdef __cplusplus
}
#endif

#endif
