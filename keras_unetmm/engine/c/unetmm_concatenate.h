/* Maps one beside the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_CONCATENATE_H
#define UNETMM_CONCATENATE_H

#include "unetmm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One of the maps. */
typedef struct unetmm_part {
    const void *constant; /* its values, or NULL for a map */
    int32_t input; /* the number of the map */
    int32_t bytes; /* of one pixel; of all that lies together along the axis for the kernel of whole maps */
    int32_t pixel; /* bytes of one pixel, for the kernel of whole maps */
} unetmm_part;

typedef struct unetmm_concatenate {
    unetmm_part parts[UNETMM_INPUTS];
    int32_t count;
    int32_t bytes; /* of one pixel of the output; for the kernel of whole maps only */
    int32_t total; /* bytes of all parts together */
} unetmm_concatenate;

/* Along the channels: all maps are read at the same place. */
void unetmm_concatenate_channels(const void *parameters, const unetmm_block *block);

/* Along another axis: all maps are read whole. */
void unetmm_concatenate_all(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
