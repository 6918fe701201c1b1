/* The larger or the smaller of two maps. The parameters are `unetmm_operands`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_MAXIMUM_H
#define UNETMM_MAXIMUM_H

#include "unetmm_operand.h"

#ifdef __cplusplus
extern "C" {
#endif

void unetmm_maximum_int8(const void *parameters, const unetmm_block *block);
void unetmm_maximum_int16(const void *parameters, const unetmm_block *block);
void unetmm_maximum_int32(const void *parameters, const unetmm_block *block);
void unetmm_minimum_int8(const void *parameters, const unetmm_block *block);
void unetmm_minimum_int16(const void *parameters, const unetmm_block *block);
void unetmm_minimum_int32(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
