/* A firmware that does nothing but answer: the network stands in unetmm_firmware.c. SPDX-License-Identifier: Apache-2.0 */
#include "unetmm_firmware.h"

int main(void)
{
    unetmm_firmware();
    return 0;
}
