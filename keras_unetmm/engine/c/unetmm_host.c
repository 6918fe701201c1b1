/* Runs a network on a computer: inputs from standard input, outputs to standard output, then how much of the arena it wrote.
 *
 * Runs happen in painted memory, with guards before and behind: the first one twice, with two values, which must give the
 * same; the others with one after the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unetmm.h"
#include "unetmm_hosted.h"

enum { GUARD = 4096, FIRST_PAINT = 0x5a, SECOND_PAINT = 0xa5 };

static uint32_t step = 1000000; /* multiply-accumulates at once */

typedef struct ports {
    uint8_t *input[UNETMM_HOSTED_INPUTS];
    uint8_t *output[UNETMM_HOSTED_OUTPUTS];
} ports;

static int give(void *context, int input, int row, int column, int pixels, void *destination)
{
    const ports *p = context;
    const size_t pixel = hosted_input[input].pixel_bytes;
    const size_t at = ((size_t)row * hosted_input[input].width + (size_t)column) * pixel;
    memcpy(destination, p->input[input] + at, (size_t)pixels * pixel);
    return 0;
}

static int take(void *context, int output, int row, int column, int pixels, const void *source)
{
    const ports *p = context;
    const size_t pixel = hosted_output[output].pixel_bytes;
    const size_t at = ((size_t)row * hosted_output[output].width + (size_t)column) * pixel;
    memcpy(p->output[output] + at, source, (size_t)pixels * pixel);
    return 0;
}

static void fail(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static void *reserve(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (p == NULL) {
        fail("out of memory");
    }
    return p;
}

static void check_guard(const uint8_t *guard, int paint)
{
    for (size_t i = 0; i < GUARD; i++) {
        if (guard[i] != (uint8_t)paint) {
            fail("the network wrote outside its memory");
        }
    }
}

/* Copies what the network keeps from run to run from one arena to another. */
static void copy_kept(uint8_t *to, const uint8_t *from)
{
    for (uint32_t p = 0; p < hosted->pass_count; p++) {
        for (uint32_t i = 0; i < hosted->passes[p].count; i++) {
            const unetmm_operator *op = &hosted->passes[p].operators[i];
            if (op->kept > 0) {
                memcpy(to + op->state, from + op->state, op->kept);
            }
        }
    }
}

/* One run in painted memory, from what earlier runs kept; returns the end of what was written in the arena. */
static size_t run(uint8_t *memory, uint8_t *carried, const uint8_t *kept, ports *p, int paint)
{
    const size_t bytes = hosted->arena_bytes;
    memset(memory, paint, GUARD + bytes + GUARD);
    memset(carried, paint, GUARD + hosted->carried_bytes + GUARD);
    unetmm_call call = {memory + GUARD, hosted->carried_bytes > 0 ? carried + GUARD : NULL, give, take, p, {0}};
    if (kept != NULL) {
        copy_kept(memory + GUARD, kept);
    } else if (unetmm_reset(hosted, &call) != UNETMM_DONE) {
        fail("the network cannot be reset");
    }
    unetmm_status status = unetmm_begin(hosted, &call);
    while (status == UNETMM_MORE) {
        status = unetmm_step(hosted, &call, step);
    }
    if (status != UNETMM_DONE) {
        fprintf(stderr, "status %d\n", (int)status);
        exit(1);
    }
    check_guard(memory, paint);
    check_guard(memory + GUARD + bytes, paint);
    check_guard(carried, paint);
    check_guard(carried + GUARD + hosted->carried_bytes, paint);
    size_t end = bytes;
    while (end > 0 && memory[GUARD + end - 1] == (uint8_t)paint) {
        end--;
    }
    return end;
}

int main(int count, char **arguments)
{
    const int runs = count > 1 ? atoi(arguments[1]) : 1;
    if (count > 2) {
        step = (uint32_t)strtoul(arguments[2], NULL, 10);
    }
    uint8_t *memory = reserve(2 * (size_t)GUARD + hosted->arena_bytes);
    uint8_t *carried = reserve(2 * (size_t)GUARD + hosted->carried_bytes);
    uint8_t *kept = reserve(hosted->arena_bytes);
    ports first, second;
    size_t high = 0;
    for (int i = 0; i < UNETMM_HOSTED_INPUTS; i++) {
        first.input[i] = second.input[i] = reserve(hosted_input[i].bytes);
    }
    for (int i = 0; i < UNETMM_HOSTED_OUTPUTS; i++) {
        first.output[i] = reserve(hosted_output[i].bytes);
        second.output[i] = reserve(hosted_output[i].bytes);
    }
    for (int r = 0; r < runs; r++) {
        for (int i = 0; i < UNETMM_HOSTED_INPUTS; i++) {
            if (fread(first.input[i], 1, hosted_input[i].bytes, stdin) != hosted_input[i].bytes) {
                fail("standard input ended early");
            }
        }
        const size_t end = run(memory, carried, r > 0 ? kept : NULL, &first, r % 2 == 0 ? FIRST_PAINT : SECOND_PAINT);
        high = end > high ? end : high;
        if (r == 0) {
            const size_t again = run(memory, carried, NULL, &second, SECOND_PAINT);
            high = again > high ? again : high;
        }
        copy_kept(kept, memory + GUARD);
        for (int i = 0; i < UNETMM_HOSTED_OUTPUTS; i++) {
            if (r == 0 && memcmp(first.output[i], second.output[i], hosted_output[i].bytes) != 0) {
                fail("the network reads memory that it has not written");
            }
            fwrite(first.output[i], 1, hosted_output[i].bytes, stdout);
        }
    }
    printf("%zu", high);
    return fflush(stdout) == 0 ? 0 : 1;
}
