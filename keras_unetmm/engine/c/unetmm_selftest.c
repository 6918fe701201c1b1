/* The self-test of a network. SPDX-License-Identifier: Apache-2.0 */
#ifndef UNETMM_SELFTEST_BARE
#include <stdio.h>
#endif
#include <string.h>

#include "unetmm_selftest.h"

#ifndef UNETMM_SELFTEST_RUNS
#define UNETMM_SELFTEST_RUNS UNETMM_SELFTEST_CASES
#endif
#ifndef UNETMM_SELFTEST_STACK
#define UNETMM_SELFTEST_STACK 8192
#endif

enum { FIRST_PAINT = 0x5a, SECOND_PAINT = 0xa5, STACK_PAINT = 0x3c, STACK_SKIP = 256 };

/* Scatters the bits of a number: the finalizer of MurmurHash3, by A. Appleby, who placed it in the public domain. */
static uint32_t scatter(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x85ebca6bu;
    x ^= x >> 13;
    x *= 0xc2b2ae35u;
    return x ^ (x >> 16);
}

/* Element `i` of an input. */
static int32_t element(const unetmm_port *port, int input_case, int input, uint32_t i)
{
    const uint32_t last = port->bytes / port->element_bytes - 1;
    const int64_t range = (int64_t)port->high - port->low;
    switch (input_case) {
    case 0:
    case 1:
        return port->low + (int32_t)(scatter(i + 0x9e3779b9u * (uint32_t)(1 + input_case + 2 * input)) % (uint32_t)(range + 1));
    case 2:
        return port->low;
    case 3:
        return port->high;
    case 4:
        return (int32_t)(port->low + (last > 0 ? range * i / last : 0));
    default:
        return (int32_t)(port->high - (last > 0 ? range * i / last : 0));
    }
}

/* Makes some pixels of an input: little-endian integers, as all cores that the engine knows have them. */
static int give(void *context, int input, int row, int column, int pixels, void *destination)
{
    const unetmm_selftest_run *r = (const unetmm_selftest_run *)context;
    const unetmm_port *port = &r->test->input_ports[input];
    const uint32_t elements = port->pixel_bytes / port->element_bytes;
    uint32_t i = ((uint32_t)row * port->width + (uint32_t)column) * elements;
    uint8_t *to = (uint8_t *)destination;
    for (uint32_t left = (uint32_t)pixels * elements; left > 0; left--, i++) {
        const int64_t value = element(port, r->input_case, input, i);
        for (uint32_t b = 0; b < port->element_bytes; b++) {
            *to++ = (uint8_t)((uint64_t)value >> (8 * b));
        }
    }
    return 0;
}

/* Compares some pixels of an output, and adds them to its checksum, which does not depend on their order. */
static int take(void *context, int output, int row, int column, int pixels, const void *source)
{
    unetmm_selftest_run *r = (unetmm_selftest_run *)context;
    const unetmm_port *port = &r->test->output_ports[output];
    const uint32_t at = ((uint32_t)row * port->width + (uint32_t)column) * port->pixel_bytes;
    const uint8_t *from = (const uint8_t *)source;
    const uint8_t *expected = r->input_case == 0 ? r->test->expected[output] : NULL;
    uint32_t sum = r->test->sums[output];
    for (uint32_t i = 0; i < (uint32_t)pixels * port->pixel_bytes; i++) {
        sum += scatter(((at + i) << 8) ^ from[i]);
        if (expected != NULL && expected[at + i] != from[i] && r->wrong++ == 0) {
            r->first_wrong = at + i;
        }
    }
    r->test->sums[output] = sum;
    return 0;
}

/* Whether a guard is still painted. */
static int whole(const uint8_t *guard, int paint)
{
    for (size_t i = 0; i < UNETMM_SELFTEST_GUARD; i++) {
        if (guard[i] != (uint8_t)paint) {
            return 0;
        }
    }
    return 1;
}

/* Checks the guards around a memory and raises its high-water mark. */
static int check_memory(const uint8_t *memory, size_t bytes, int paint, size_t *high)
{
    size_t end = bytes;
    while (end > *high && memory[UNETMM_SELFTEST_GUARD + end - 1] == (uint8_t)paint) {
        end--;
    }
    *high = end > *high ? end : *high;
    return whole(memory, paint) && whole(memory + UNETMM_SELFTEST_GUARD + bytes, paint);
}

/* Whether a network keeps something from one run to the next. */
static int keeps(const unetmm_network *network)
{
    for (uint32_t p = 0; p < network->pass_count; p++) {
        for (uint32_t i = 0; i < network->passes[p].count; i++) {
            if (network->passes[p].operators[i].kept > 0) {
                return 1;
            }
        }
    }
    return 0;
}

unetmm_status unetmm_selftest_begin(unetmm_selftest_run *run, const unetmm_selftest *test, int input_case, int paint)
{
    const size_t arena_bytes = test->network->arena_bytes;
    const size_t carried_bytes = test->network->carried_bytes;
    const int fresh = input_case == 0 || keeps(test->network) == 0;
    run->test = test;
    run->input_case = input_case;
    run->paint = paint;
    run->wrong = 0;
    run->first_wrong = 0;
    run->call.arena = test->arena + UNETMM_SELFTEST_GUARD;
    run->call.carried = NULL;
    run->call.read = give;
    run->call.write = take;
    run->call.context = run;
    if (fresh) {
        memset(test->arena, paint, arena_bytes + 2 * (size_t)UNETMM_SELFTEST_GUARD);
    }
    if (test->carried != NULL) {
        run->call.carried = test->carried + UNETMM_SELFTEST_GUARD;
        memset(test->carried, paint, carried_bytes + 2 * (size_t)UNETMM_SELFTEST_GUARD);
    }
    for (int i = 0; i < test->outputs; i++) {
        test->sums[i] = 0;
    }
    if (fresh) {
        (void)unetmm_reset(test->network, &run->call); /* if it cannot, it cannot begin */
    }
    return unetmm_begin_within(test->network, &run->call, arena_bytes, carried_bytes);
}

int unetmm_selftest_end(const unetmm_selftest_run *run, size_t *arena, size_t *carried)
{
    const unetmm_selftest *test = run->test;
    int good = check_memory(test->arena, test->network->arena_bytes, run->paint, arena);
    if (test->carried != NULL) {
        good = check_memory(test->carried, test->network->carried_bytes, run->paint, carried) && good;
    }
    int differs = run->wrong > 0;
    for (int i = 0; i < test->outputs; i++) {
        differs = differs || test->sums[i] != test->checksums[run->input_case * test->outputs + i];
    }
    return (good ? 0 : UNETMM_SELFTEST_OUTSIDE) + (differs ? UNETMM_SELFTEST_DIFFERS : 0);
}

#ifndef UNETMM_SELFTEST_BARE

/* The address of a place some bytes below the frame of the caller, where the stack is not in use yet. */
static volatile uint8_t *below(const volatile uint8_t *frame, uint32_t bytes)
{
    return (volatile uint8_t *)((uintptr_t)frame - STACK_SKIP - bytes);
}

static void paint_stack(const volatile uint8_t *frame)
{
    for (uint32_t i = 0; i < UNETMM_SELFTEST_STACK; i++) {
        *below(frame, i) = STACK_PAINT;
    }
}

/* Bytes of stack that were used below a frame since it was painted. */
static uint32_t used_stack(const volatile uint8_t *frame)
{
    uint32_t left = UNETMM_SELFTEST_STACK;
    while (left > 0 && *below(frame, left - 1) == STACK_PAINT) {
        left--;
    }
    return left > 0 ? left + STACK_SKIP : 0;
}

static void tell(const unetmm_selftest_run *run)
{
    const unetmm_selftest *test = run->test;
    if (run->wrong > 0) {
        printf("%s: input %d: %lu bytes differ, the first is byte %lu\n", test->name, run->input_case,
               (unsigned long)run->wrong, (unsigned long)run->first_wrong);
    }
    for (int i = 0; i < test->outputs; i++) {
        if (test->sums[i] != test->checksums[run->input_case * test->outputs + i]) {
            printf("%s: input %d: output %d differs\n", test->name, run->input_case, i);
        }
    }
}

/* One run in painted memory; returns whether all was as expected. */
static int try_input(const unetmm_selftest *test, int input_case, int paint, size_t *arena, size_t *carried)
{
    unetmm_selftest_run run;
    unetmm_status status = unetmm_selftest_begin(&run, test, input_case, paint);
    while (status == UNETMM_MORE) { /* in shorter steps with every input */
        status = unetmm_step(test->network, &run.call, 1000000u >> (2 * input_case));
    }
    if (status != UNETMM_DONE) {
        printf("%s: input %d: status %d\n", test->name, input_case, (int)status);
        return 0;
    }
    const int wrong = unetmm_selftest_end(&run, arena, carried);
    if ((wrong & UNETMM_SELFTEST_OUTSIDE) != 0) {
        printf("%s: input %d: it wrote outside its memory\n", test->name, input_case);
    }
    if ((wrong & UNETMM_SELFTEST_DIFFERS) != 0) {
        tell(&run);
    }
    return wrong == 0;
}

int unetmm_selftest_main(const unetmm_selftest *test)
{
    volatile uint8_t frame = 0;
    size_t arena = 0;
    size_t carried = 0;
    uint32_t stack = 0;
    int good = 1;
    for (int i = 0; i < UNETMM_SELFTEST_RUNS; i++) {
#ifdef UNETMM_SELFTEST_CLOCK
        const uint64_t start = unetmm_clock();
#endif
        good = try_input(test, i, i == 0 ? FIRST_PAINT : SECOND_PAINT, &arena, &carried) && good;
#ifdef UNETMM_SELFTEST_CLOCK
        if (i == 0) {
            const uint64_t spent = unetmm_clock() - start;
            printf("%s: clock %lu * 1000000 + %lu\n", test->name, (unsigned long)(spent / 1000000u), (unsigned long)(spent % 1000000u));
        }
#endif
        if (i == 0) { /* again, in memory of the other paint: what is read must have been written before */
            paint_stack(&frame); /* only now, for the first calls on a computer bind libraries, which takes stack */
            good = try_input(test, i, SECOND_PAINT, &arena, &carried) && good;
            stack = used_stack(&frame);
        }
    }
    printf("%s: arena %lu of %lu, carried %lu of %lu, stack %lu\n", test->name, (unsigned long)arena,
           (unsigned long)test->network->arena_bytes, (unsigned long)carried, (unsigned long)test->network->carried_bytes,
           (unsigned long)stack);
    printf("%s: %s\n", test->name, good ? "ok" : "FAILED");
    return good ? 0 : 1;
}

#endif
