/* Verifies where a network's maps lie, for every input at once.
 *
 * The driver's way through a network does not depend on the data. So it runs here with the network's own tables, but in place
 * of each kernel stands one that computes fingerprints: every byte of a map gets a value that follows from the map and the
 * place of the byte. Before an operator's output counts, every byte that its kernel may read must have the fingerprint of the
 * right place of the right map, and what its kernel may write is overwritten first. A map that lies over another one too
 * early, a ring that is too short or a window that was put together wrongly shows as a wrong byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unetmm_verify.h"

enum { GUARD = 4096, SALTS = 2, SCRATCH = 0xee };

static uint32_t salt;
static const char *at_what = "the image"; /* for a fault */

static uint8_t fingerprint(uint32_t root, uint32_t place)
{
    uint32_t hash = (root + 1u) * 0x9e3779b1u ^ (place + salt * 0x7f4a7c15u) * 0x85ebca77u;
    hash ^= hash >> 15;
    hash *= 0xc2b2ae3du;
    return (uint8_t)(hash >> 24 | 1u); /* never 0, which state that was kept has */
}

static void fail(uint32_t number, uint32_t map, int32_t row, int32_t column)
{
    printf("operator %u, %s: map %u, row %d, column %d\n", (unsigned)number, at_what, (unsigned)map, (int)row, (int)column);
    exit(1);
}

/* The place of a pixel's first byte in the root. */
static uint32_t place_of(const verify_map *map, int32_t row, int32_t column)
{
    const uint32_t down = (uint32_t)row / map->down;
    const uint32_t across = (uint32_t)column / map->across;
    const uint32_t inside = (uint32_t)row % map->down * map->across + (uint32_t)column % map->across;
    return (down * (map->width / map->across) + across) * map->stride + map->offset + inside * map->step;
}

static void check_pixel(const verify_operator *op, uint32_t map, int32_t row, int32_t column, const uint8_t *bytes)
{
    const verify_map *m = &verify_maps[map];
    const uint32_t place = place_of(m, row, column);
    for (uint32_t b = 0; b < m->bytes; b++) {
        if (bytes[b] != fingerprint(m->root, place + b)) {
            fail(op->number, map, row, column);
        }
    }
}

static void write_pixel(uint32_t map, int32_t row, int32_t column, uint8_t *bytes)
{
    const verify_map *m = &verify_maps[map];
    const uint32_t place = place_of(m, row, column);
    for (uint32_t b = 0; b < m->bytes; b++) {
        bytes[b] = fingerprint(m->root, place + b);
    }
}

static int32_t floor_divide(int32_t a, int32_t b)
{
    const int32_t quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

/* The rows of a window: there where the map has them, and no pointer where it ends; over all columns that are needed. */
static void check_window(const verify_operator *op, const verify_edge *edge, const unetmm_block *block, int32_t image)
{
    const verify_map *m = &verify_maps[edge->map];
    const int32_t top = floor_divide(block->row * edge->rows.step + edge->rows.first, edge->rows.over);
    const int32_t bottom = floor_divide(block->row * edge->rows.step + edge->rows.last, edge->rows.over);
    const int32_t last_pixel = block->column + block->pixels - 1;
    int32_t left = floor_divide(block->column * edge->columns.step + edge->columns.first, edge->columns.over);
    int32_t right = floor_divide(last_pixel * edge->columns.step + edge->columns.last, edge->columns.over);
    if (block->window_row != top) {
        fail(op->number, edge->map, block->row, block->column);
    }
    left = left < 0 ? 0 : left;
    right = right >= (int32_t)m->width ? (int32_t)m->width - 1 : right;
    for (int32_t tap = 0; tap < edge->taps; tap++) {
        const int32_t row = top + tap * edge->dilation;
        const int inside = row >= 0 && row < (int32_t)m->image_rows;
        if (inside != (block->rows[tap] != NULL)) {
            fail(op->number, edge->map, row, block->column);
        }
        for (int32_t column = left; inside && row <= bottom && column <= right; column++) {
            if (column < block->window_column) {
                fail(op->number, edge->map, row, column);
            }
            const uint8_t *bytes = block->rows[tap] + (size_t)(column - block->window_column) * (size_t)block->input_stride[0];
            check_pixel(op, edge->map, row + image * (int32_t)m->image_rows, column, bytes);
        }
    }
}

/* A map that is read as a whole. */
static void check_all(const verify_operator *op, uint32_t map, const uint8_t *bytes, size_t stride)
{
    const verify_map *m = &verify_maps[map];
    for (uint32_t i = 0; i < m->rows * m->width; i++) {
        check_pixel(op, map, (int32_t)(i / m->width), (int32_t)(i % m->width), bytes + i * stride);
    }
}

static void write_all(uint32_t map, uint8_t *bytes, size_t stride)
{
    const verify_map *m = &verify_maps[map];
    for (uint32_t i = 0; i < m->rows * m->width; i++) {
        write_pixel(map, (int32_t)(i / m->width), (int32_t)(i % m->width), bytes + i * stride);
    }
}

/* What a kernel keeps from block to block: whatever else is written meanwhile must not touch it. */
static void check_state(const verify_operator *op, const unetmm_block *block)
{
    for (uint32_t b = 0; b < op->state; b++) {
        const uint8_t wanted = op->kept != 0 ? 0 : fingerprint(0x80000000u + op->number, b);
        if (op->kept == 0 && block->position == 0) {
            block->state[b] = wanted;
        }
        if (block->state[b] != wanted) {
            at_what = "its state";
            fail(op->number, op->output, block->row, block->column);
        }
    }
}

/* Pixels of the output: after its own pixels are read where it may lie over them, else before anything is. */
static void write_output(const verify_operator *op, const unetmm_block *block, int32_t row)
{
    for (int32_t p = 0; p < block->pixels; p++) {
        for (uint32_t i = 0; i < op->edge_count && op->in_place != 0; i++) {
            if (op->edges[i].access == UNETMM_SAME) {
                const uint8_t *bytes = block->input[i] + (size_t)p * (size_t)block->input_stride[i];
                check_pixel(op, op->edges[i].map, row, block->column + p, bytes);
            }
        }
        write_pixel(op->output, row, block->column + p, block->output + (size_t)p * (size_t)block->output_stride);
    }
}

static void check_edges(const verify_operator *op, const unetmm_block *block, int32_t row)
{
    for (uint32_t i = 0; i < op->edge_count; i++) {
        const verify_edge *edge = &op->edges[i];
        const size_t stride = (size_t)block->input_stride[i];
        at_what = "an input";
        if (edge->access == UNETMM_ALL) {
            check_all(op, edge->map, block->input[i], stride);
        } else if (edge->access == UNETMM_WINDOW) {
            check_window(op, edge, block, row / (int32_t)op->image_rows);
        } else {
            for (int32_t p = 0; p < block->pixels && op->in_place == 0; p++) {
                check_pixel(op, edge->map, row, block->column + p, block->input[i] + (size_t)p * stride);
            }
        }
    }
}

void unetmm_verify(const void *parameters, const unetmm_block *block)
{
    const verify_operator *op = parameters;
    const int32_t row = block->position / (int32_t)op->width;
    const uint32_t scratch = op->scratch_fixed + op->scratch_pixel * (uint32_t)block->pixels;
    if (scratch > 0) {
        memset(block->scratch, SCRATCH, scratch);
    }
    at_what = "an input that it may write over";
    if (op->accumulates == 0) {
        write_output(op, block, row);
    } else if (block->position == 0) { /* its output may be written from now on */
        write_all(op->output, block->output, (size_t)block->output_stride);
    }
    at_what = "its scratch";
    for (uint32_t b = 0; b < scratch; b++) {
        if (block->scratch[b] != SCRATCH) {
            fail(op->number, op->output, block->row, block->column);
        }
    }
    check_state(op, block);
    check_edges(op, block, row);
    if (op->accumulates != 0) {
        at_what = "its output";
        check_all(op, op->output, block->output, (size_t)block->output_stride);
    }
}

static int give(void *context, int input, int row, int column, int pixels, void *destination)
{
    const uint32_t map = verify_inputs[input];
    (void)context;
    for (int p = 0; p < pixels; p++) {
        write_pixel(map, row, column + p, (uint8_t *)destination + (size_t)p * verify_maps[map].bytes);
    }
    return 0;
}

static int take(void *context, int output, int row, int column, int pixels, const void *source)
{
    const uint32_t map = verify_outputs[output];
    const verify_operator writer = {.number = UINT32_MAX};
    (void)context;
    at_what = "the result";
    for (int p = 0; p < pixels; p++) {
        check_pixel(&writer, map, row, column + p, (const uint8_t *)source + (size_t)p * verify_maps[map].bytes);
    }
    return 0;
}

static uint8_t *reserve(size_t bytes)
{
    uint8_t *memory = aligned_alloc(64, (bytes + 2 * (size_t)GUARD + 63) / 64 * 64);
    if (memory == NULL) {
        printf("out of memory\n");
        exit(1);
    }
    memset(memory, 0, bytes + 2 * (size_t)GUARD);
    return memory + GUARD;
}

static void check_guards(const uint8_t *memory, size_t bytes)
{
    for (size_t i = 0; i < GUARD; i++) {
        if (memory[bytes + i] != 0 || memory[-1 - (ptrdiff_t)i] != 0) {
            printf("the network wrote outside its memory\n");
            exit(1);
        }
    }
}

int main(int count, char **arguments)
{
    const uint32_t step = count > 1 ? (uint32_t)strtoul(arguments[1], NULL, 10) : 1000000;
    uint8_t *arena = reserve(verify_network.arena_bytes);
    uint8_t *carried = reserve(verify_network.carried_bytes);
    for (salt = 0; salt < SALTS; salt++) {
        unetmm_call call = {arena, carried, give, take, NULL, {0}};
        unetmm_status status = unetmm_reset(&verify_network, &call);
        status = status == UNETMM_DONE ? unetmm_begin(&verify_network, &call) : status;
        while (status == UNETMM_MORE) {
            status = unetmm_step(&verify_network, &call, step);
        }
        if (status != UNETMM_DONE) {
            printf("status %d\n", (int)status);
            return 1;
        }
        check_guards(arena, verify_network.arena_bytes);
        check_guards(carried, verify_network.carried_bytes);
    }
    return 0;
}
