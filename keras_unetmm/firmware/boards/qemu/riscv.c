/* The clock of an emulated RISC-V core: retired instructions. Start-up and output are picolibc's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>

uint64_t unetmm_clock(void);

uint64_t unetmm_clock(void)
{
    uint32_t high;
    uint32_t low;
    uint32_t again;
    do {
        __asm volatile(".option push\n .option arch, +zicsr\n csrr %0, minstreth\n csrr %1, minstret\n csrr %2, minstreth\n .option pop"
                       : "=r"(high), "=r"(low), "=r"(again));
    } while (high != again);
    return (uint64_t)high << 32 | low;
}
