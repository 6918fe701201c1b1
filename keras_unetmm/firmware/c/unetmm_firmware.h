/* The network of this firmware, which answers on the board's port. SPDX-License-Identifier: Apache-2.0 */
#ifndef UNETMM_FIRMWARE_H
#define UNETMM_FIRMWARE_H

#ifdef __cplusplus
extern "C" {
#endif

/* Answers until the port is closed, which a board's never is. */
void unetmm_firmware(void);

#ifdef __cplusplus
}
#endif

#endif
