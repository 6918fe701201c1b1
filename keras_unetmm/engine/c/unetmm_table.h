/* One byte to one byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_TABLE_H
#define UNETMM_TABLE_H

#include "unetmm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unetmm_table {
    const uint8_t *table; /* of 256 bytes: what the bytes 0 to 255 become, as they lie in memory */
    int32_t channels;
} unetmm_table;

void unetmm_table_int8(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
