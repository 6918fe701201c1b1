/* One of two maps, chosen by a third.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_SELECT_H
#define UNETMM_SELECT_H

#include "unetmm_operand.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unetmm_select {
    unetmm_operands operands; /* what is taken where the condition holds, and where it does not */
    unetmm_operand condition; /* bytes */
    int32_t element; /* bytes */
} unetmm_select;

void unetmm_select_any(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
