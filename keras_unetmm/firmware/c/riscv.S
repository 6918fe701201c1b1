/* Start-up of a RISC-V core: stack, memory, then main. SPDX-License-Identifier: Apache-2.0 */
    .section .vectors, "ax"
    .globl board_reset
board_reset:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, board_stack_top
    la t0, board_stack_bottom
    li t1, 0x3c3c3c3c /* BOARD_STACK_PAINT of board.h */
1:  sw t1, 0(t0)
    addi t0, t0, 4
    bltu t0, sp, 1b
    la t0, board_data_begin
    la t1, board_data_end
    la t2, board_data_load
    bgeu t0, t1, 3f
2:  lw t3, 0(t2)
    sw t3, 0(t0)
    addi t0, t0, 4
    addi t2, t2, 4
    bltu t0, t1, 2b
3:  la t0, board_bss_begin
    la t1, board_bss_end
    bgeu t0, t1, 5f
4:  sw zero, 0(t0)
    addi t0, t0, 4
    bltu t0, t1, 4b
5:  call board_start
6:  j 6b
