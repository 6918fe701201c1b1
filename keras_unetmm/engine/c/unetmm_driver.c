/* Runs a network: pass by pass, and in a pass whatever the next pixels of its sink still need.
 *
 * The driver keeps how far every operator is, and a stack of (operator, how far it must get). It looks at the top: if an
 * input is not far enough, that input's maker goes on the stack; else the operator computes its next pixels. The stack is
 * never deeper than the pass has operators. The sizes of all rings were found by running these same rules when the network
 * was generated, so a ring never overflows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "unetmm.h"

typedef struct entry {
    uint32_t target; /* a position */
    uint16_t operator_index;
    uint16_t follower; /* the next of its followers to look at, plus one; before it computed, 0, or LOOKED and edges looked at */
} entry;

enum { BEGUN = 0x5a17, LOOKED = 0xff00 };

/* All that one look at a pass needs. */
typedef struct scene {
    const unetmm_network *network;
    const unetmm_call *call;
    const unetmm_pass *pass;
    unetmm_progress *at;
    uint32_t *positions;
    entry *stack;
} scene;

static inline unetmm_columns columns_of(const scene *s, uint32_t index)
{
    if (s->pass->columns != NULL) {
        return s->pass->columns[(uint32_t)s->at->strip * s->pass->count + index];
    }
    unetmm_columns all;
    all.first = 0;
    all.width = s->pass->operators[index].width;
    return all;
}

static inline uint32_t end_of(const scene *s, uint32_t index)
{
    return s->pass->operators[index].rows * columns_of(s, index).width;
}

static inline int32_t floor_divide(int32_t a, int32_t b)
{
    if (b == 1) {
        return a;
    }
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}

static inline int32_t clip(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* The stored columns of a map in this strip. */
static inline unetmm_columns held(const scene *s, const unetmm_map *map)
{
    if (map->ring != 0 && map->maker != UNETMM_NOBODY && s->pass->operators[map->maker].accumulates == 0) {
        return columns_of(s, map->maker);
    }
    unetmm_columns all;
    all.first = 0;
    all.width = (uint16_t)(map->width / map->across);
    return all;
}

/* The columns of a view that a maker walks over in this strip. */
static unetmm_columns seen(const unetmm_map *map, unetmm_columns stored)
{
    stored.first = (uint16_t)(stored.first * map->across);
    stored.width = (uint16_t)(stored.width * map->across);
    return stored;
}

/* Whether a map has the pixels of the stored one. */
static inline int is_plain(const unetmm_map *map)
{
    return (map->down | map->across) == 1;
}

/* Divides by what is 1 in most networks. */
static inline int32_t image_of(const unetmm_operator *op, int32_t row)
{
    return row < op->image_rows ? 0 : row / op->image_rows;
}

/* How far the maker of an edge's map must be, in its own positions, so that `pixels` pixels can be computed. */
static uint32_t needed(const scene *s, const unetmm_operator *op, const unetmm_edge *edge, int32_t row, int32_t column, int32_t pixels)
{
    const unetmm_map *map = &s->pass->maps[edge->map];
    const unetmm_operator *maker = &s->pass->operators[map->maker];
    if (edge->access == UNETMM_ALL || maker->accumulates != 0) {
        return end_of(s, map->maker);
    }
    if (edge->access == UNETMM_SAME && s->pass->columns == NULL && is_plain(map)) {
        return (uint32_t)(row * map->width + column + pixels);
    }
    const unetmm_columns stored = columns_of(s, map->maker);
    const unetmm_columns wide = seen(map, stored);
    int32_t last_row = row;
    int32_t last_column = column + pixels - 1;
    if (edge->access == UNETMM_WINDOW) {
        const int32_t image = image_of(op, row);
        last_row = floor_divide((row - image * op->image_rows) * edge->rows.step + edge->rows.last, edge->rows.over);
        last_row = clip(last_row, 0, map->image_rows - 1) + image * map->image_rows;
        last_column = floor_divide(last_column * edge->columns.step + edge->columns.last, edge->columns.over);
        last_column = clip(last_column, wide.first, wide.first + wide.width - 1);
    }
    return (uint32_t)(last_row / map->down) * stored.width + (uint32_t)(last_column / map->across - stored.first) + 1;
}

/* The maker that must go on before the operator can, with its target; or UNETMM_NOBODY. The first `*looked` edges are known to
 * be far enough; the one that is found will be when its maker has got to the target. */
static inline uint32_t missing(const scene *s, const unetmm_operator *op, int32_t row, int32_t column, int32_t pixels, uint32_t *looked,
                               uint32_t *target)
{
    for (uint32_t i = *looked; i < op->inputs; i++) {
        const unetmm_edge *edge = &op->edges[op->edges[i].look];
        const unetmm_map *map = &s->pass->maps[edge->map];
        if (map->maker != UNETMM_NOBODY) {
            *target = needed(s, op, edge, row, column, pixels);
            if (s->positions[map->maker] < *target) {
                *looked = i + 1;
                return map->maker;
            }
        }
    }
    return UNETMM_NOBODY;
}

static inline uint8_t *memory_of(const scene *s, const unetmm_map *map)
{
    return (uint8_t *)(map->memory == 0 ? s->call->arena : s->call->carried) + map->offset;
}

/* The bytes of a pixel of a view, and how many pixels lie in a row from there on. */
static uint8_t *place_of(const scene *s, const unetmm_map *map, int32_t row, int32_t column, int32_t *run)
{
    if (s->pass->columns == NULL && is_plain(map)) {
        uint32_t slot = (uint32_t)row * map->width + (uint32_t)column + map->phase;
        slot = slot < map->capacity ? slot : slot % map->capacity;
        *run = (int32_t)(map->capacity - slot);
        return memory_of(s, map) + (size_t)slot * map->stride;
    }
    const unetmm_columns wide = held(s, map);
    const int32_t stored_row = row / map->down;
    const int32_t stored_column = column / map->across;
    const uint32_t slot = ((uint32_t)stored_row * wide.width + (uint32_t)(stored_column - wide.first) + map->phase) % map->capacity;
    uint8_t *place = memory_of(s, map) + (size_t)slot * map->stride;
    if (map->across == 1 && map->down == 1) {
        *run = (int32_t)(map->capacity - slot);
        return place;
    }
    const int32_t inside = column - stored_column * map->across;
    *run = map->across - inside;
    return place + (size_t)((row - stored_row * map->down) * map->across + inside) * map->step;
}

/* The last column of input 0 that a window needs for some pixels. */
static int32_t last_column_of(const unetmm_edge *edge, unetmm_columns wide, int32_t column, int32_t pixels)
{
    const int32_t last = floor_divide((column + pixels - 1) * edge->columns.step + edge->columns.last, edge->columns.over);
    return clip(last, wide.first, wide.first + wide.width - 1);
}

/* Sets the rows of a window and returns for how many pixels they hold; 0 if even one pixel's window does not lie in a row. */
static int32_t set_rows(const scene *s, const unetmm_operator *op, unetmm_block *block, int32_t row, const uint8_t **rows)
{
    const unetmm_edge *edge = &op->edges[0];
    const unetmm_map *map = &s->pass->maps[edge->map];
    const unetmm_columns wide = seen(map, held(s, map));
    const int32_t image = image_of(op, row);
    const int32_t first = floor_divide(block->column * edge->columns.step + edge->columns.first, edge->columns.over);
    int32_t longest = INT32_MAX;
    block->window_row = floor_divide(block->row * edge->rows.step + edge->rows.first, edge->rows.over);
    block->window_column = clip(first, wide.first, wide.first + wide.width - 1);
    block->rows = rows;
    for (int32_t i = 0; i < edge->taps; i++) {
        const int32_t tap = block->window_row + i * edge->dilation;
        rows[i] = NULL;
        if (tap >= 0 && tap < map->image_rows) {
            int32_t run;
            rows[i] = place_of(s, map, tap + image * map->image_rows, block->window_column, &run);
            longest = run < longest ? run : longest;
        }
    }
    int32_t pixels = block->pixels;
    while (pixels > 0 && last_column_of(edge, wide, block->column, pixels) - block->window_column >= longest) {
        pixels--;
    }
    return pixels;
}

/* Puts the rows of a window that do not lie in one piece together in a copy. */
static void gather(const scene *s, const unetmm_operator *op, const unetmm_block *block, int32_t row, const uint8_t **rows)
{
    const unetmm_edge *edge = &op->edges[0];
    const unetmm_map *map = &s->pass->maps[edge->map];
    const int32_t image = image_of(op, row);
    const int32_t last = last_column_of(edge, seen(map, held(s, map)), block->column, block->pixels);
    uint8_t *to = (uint8_t *)s->call->arena + s->pass->gather;
    for (int32_t i = 0; i < edge->taps; i++) {
        const int32_t tap = block->window_row + i * edge->dilation + image * map->image_rows;
        int32_t column = block->window_column;
        int32_t run = INT32_MAX;
        if (rows[i] != NULL) {
            (void)place_of(s, map, tap, column, &run);
        }
        if (run > last - column) {
            continue; /* it lies beyond the border, or in one piece */
        }
        rows[i] = to;
        while (column <= last) {
            const uint8_t *from = place_of(s, map, tap, column, &run);
            run = run < last + 1 - column ? run : last + 1 - column;
            memcpy(to, from, (size_t)(run - 1) * map->step + map->bytes);
            to += (size_t)run * map->step;
            column += run;
        }
    }
}

/* Points at the same place of a map, or at its beginning, and returns for how many pixels that holds. */
static int32_t point(const scene *s, const unetmm_map *map, uint8_t access, int32_t row, int32_t column, uint8_t **place)
{
    int32_t run = INT32_MAX;
    if (access == UNETMM_ALL) {
        *place = memory_of(s, map);
    } else {
        *place = place_of(s, map, row, column, &run);
    }
    return run;
}

/* Computes up to `pixels` pixels from a position on; returns how many, or a negative status. */
static int32_t compute(const scene *s, uint32_t index, int32_t row, int32_t column, int32_t pixels)
{
    const unetmm_operator *op = &s->pass->operators[index];
    const uint8_t *rows[UNETMM_TAPS];
    unetmm_block block;
    uint8_t *place = NULL;
    block.row = row - image_of(op, row) * op->image_rows;
    block.column = column;
    block.pixels = pixels;
    block.position = row * op->width + column;
    block.state = (uint8_t *)s->call->arena + op->state;
    block.scratch = (uint8_t *)s->call->arena + op->scratch;
    block.rows = NULL;
    for (uint32_t i = 0; i < op->inputs; i++) {
        const unetmm_map *map = &s->pass->maps[op->edges[i].map];
        block.input_stride[i] = (int32_t)map->step;
        if (op->edges[i].access != UNETMM_WINDOW) {
            const int32_t run = point(s, map, op->edges[i].access, row, column, &place);
            block.input[i] = place;
            block.pixels = run < block.pixels ? run : block.pixels;
        }
    }
    if (op->kind != UNETMM_WRITES) {
        const unetmm_map *map = &s->pass->maps[op->output];
        const int32_t run = point(s, map, op->accumulates != 0 ? UNETMM_ALL : UNETMM_SAME, row, column, &place);
        block.output = place;
        block.output_stride = (int32_t)map->step;
        block.pixels = run < block.pixels ? run : block.pixels;
    }
    if (op->kind == UNETMM_READS) {
        return s->call->read(s->call->context, (int)op->port, row, column, (int)block.pixels, block.output) == 0 ? block.pixels : -UNETMM_READ_FAILED;
    }
    if (op->kind == UNETMM_WRITES) {
        const unetmm_map *map = &s->pass->maps[op->edges[0].map];
        block.pixels = map->step == map->bytes ? block.pixels : 1;
        return s->call->write(s->call->context, (int)op->port, row, column, (int)block.pixels, block.input[0]) == 0 ? block.pixels
                                                                                                                       : -UNETMM_WRITE_FAILED;
    }
    if (op->inputs > 0 && op->edges[0].access == UNETMM_WINDOW) {
        const int32_t straight = set_rows(s, op, &block, row, rows);
        if (straight > 0) {
            block.pixels = straight;
        } else {
            block.pixels = block.pixels < op->gathered ? block.pixels : op->gathered;
            gather(s, op, &block, row, rows);
        }
    }
    op->kernel(op->parameters, &block);
    return block.pixels;
}

/* Puts an operator on the stack. */
static void push(const scene *s, uint32_t index, uint32_t target)
{
    entry *top = &s->stack[s->at->depth++];
    top->operator_index = (uint16_t)index;
    top->target = target;
    top->follower = 0;
}

/* What entries below know of an operator's edges does not hold for its next pixels. */
static void forget(const scene *s, uint32_t index)
{
    for (uint32_t i = 0; i < s->at->depth; i++) {
        if (s->stack[i].operator_index == index && s->stack[i].follower >= LOOKED) {
            s->stack[i].follower = 0;
        }
    }
    if (s->pass->sinks[s->at->sink] == index && s->at->follower >= LOOKED) {
        s->at->follower = 0;
    }
}

/* If a follower can compute its next whole block from what is there, puts it on the stack. */
static void follow(const scene *s, uint32_t index)
{
    const unetmm_operator *op = &s->pass->operators[index];
    const unetmm_columns wide = columns_of(s, index);
    const uint32_t at = s->positions[index];
    uint32_t target;
    uint32_t looked = 0;
    if (at < end_of(s, index)) {
        const int32_t row = (int32_t)(at / wide.width);
        const int32_t column = (int32_t)(at % wide.width);
        const int32_t left = wide.width - column;
        const int32_t pixels = op->block < left ? op->block : left;
        if (missing(s, op, row, wide.first + column, pixels, &looked, &target) == UNETMM_NOBODY) {
            forget(s, index);
            push(s, index, at + (uint32_t)pixels);
        }
    }
}

enum { WORKING = 0, IDLE = -1000 }; /* beside MACs and negative statuses: nothing computed; the sink is complete */

/* One look at the top of the stack: computes, or puts on the stack what must come first. Returns MACs, or a negative status. */
static int64_t advance(const scene *s)
{
    entry *top = s->at->depth > 0 ? &s->stack[s->at->depth - 1] : NULL;
    const uint32_t index = top != NULL ? top->operator_index : s->pass->sinks[s->at->sink];
    uint16_t *follower = top != NULL ? &top->follower : &s->at->follower;
    const uint32_t goal = top != NULL ? top->target : end_of(s, index);
    const unetmm_operator *op = &s->pass->operators[index];
    const uint32_t at = s->positions[index];
    uint32_t target;
    uint32_t looked = *follower >= LOOKED ? (uint32_t)*follower - LOOKED : 0;
    if (*follower > 0 && *follower < LOOKED) { /* it has computed: those that follow it may be able to */
        if (*follower <= op->follower_count) {
            const uint16_t depth = s->at->depth;
            follow(s, op->followers[*follower - 1]);
            if (s->at->depth == depth) {
                (*follower)++;
            }
            return WORKING;
        }
        *follower = 0;
    }
    if (at >= goal) {
        if (top == NULL) {
            return IDLE;
        }
        s->at->depth--;
        return WORKING;
    }
    const unetmm_columns wide = columns_of(s, index);
    const int32_t row = (int32_t)(at / wide.width);
    const int32_t column = wide.first + (int32_t)(at % wide.width);
    int32_t pixels = wide.width - (column - wide.first);
    pixels = pixels < op->block ? pixels : op->block;
    pixels = goal - at < (uint32_t)pixels ? (int32_t)(goal - at) : pixels;
    const uint32_t maker = missing(s, op, row, column, pixels, &looked, &target);
    if (maker != UNETMM_NOBODY) {
        *follower = (uint16_t)(LOOKED + looked);
        push(s, maker, target);
        return WORKING;
    }
    for (int32_t done = 0; done < pixels;) { /* in pieces where a ring begins again: nothing else runs in between */
        const int32_t piece = compute(s, index, row, column + done, pixels - done);
        if (piece < 0) {
            return piece;
        }
        done += piece;
    }
    s->positions[index] = at + (uint32_t)pixels;
    *follower = op->follower_count > 0 ? 1 : 0;
    if (top != NULL && *follower == 0 && at + (uint32_t)pixels >= goal) {
        s->at->depth--; /* as the next look would find */
    }
    return (int64_t)op->macs * pixels;
}

static scene look(const unetmm_network *network, unetmm_call *call)
{
    scene s;
    s.network = network;
    s.call = call;
    s.at = &call->progress;
    s.positions = network->most_operators > 1 ? (uint32_t *)(void *)((uint8_t *)call->arena + network->state_offset) : &s.at->position;
    s.stack = (entry *)(void *)(s.positions + network->most_operators);
    s.pass = s.at->pass < network->pass_count ? &network->passes[s.at->pass] : NULL;
    return s;
}

static void open_strip(const scene *s)
{
    memset(s->positions, 0, s->pass->count * sizeof(uint32_t));
    s->at->sink = 0;
    s->at->depth = 0;
    s->at->follower = 0;
}

/* Goes on to the next sink, strip or pass; returns whether there is one. */
static int proceed(scene *s)
{
    if (++s->at->sink < s->pass->sink_count) {
        return 1;
    }
    if (++s->at->strip == s->pass->strips) {
        s->at->strip = 0;
        s->at->pass++;
        if (s->at->pass == s->network->pass_count) {
            return 0;
        }
        s->pass = &s->network->passes[s->at->pass];
    }
    open_strip(s);
    return 1;
}

static unetmm_status check(const unetmm_network *network, const unetmm_call *call)
{
    if (network->version != UNETMM_VERSION) {
        return UNETMM_BAD_VERSION;
    }
    if (call == NULL || call->arena == NULL || call->read == NULL || call->write == NULL || (network->carried_bytes > 0 && call->carried == NULL)) {
        return UNETMM_BAD_ARGUMENT;
    }
    if (((uintptr_t)call->arena | (uintptr_t)call->carried) % UNETMM_ALIGNMENT != 0) {
        return UNETMM_BAD_ARGUMENT;
    }
    return UNETMM_DONE;
}

unetmm_status unetmm_reset(const unetmm_network *network, const unetmm_call *call)
{
    const unetmm_status status = check(network, call);
    for (uint32_t p = 0; status == UNETMM_DONE && p < network->pass_count; p++) {
        for (uint32_t i = 0; i < network->passes[p].count; i++) {
            const unetmm_operator *op = &network->passes[p].operators[i];
            if (op->kept > 0) {
                memset((uint8_t *)call->arena + op->state, 0, op->kept);
            }
        }
    }
    return status;
}

unetmm_status unetmm_begin(const unetmm_network *network, unetmm_call *call)
{
    const unetmm_status status = check(network, call);
    if (status != UNETMM_DONE) {
        return status;
    }
    call->progress.begun = BEGUN;
    call->progress.pass = 0;
    call->progress.strip = 0;
    const scene s = look(network, call);
    open_strip(&s);
    return UNETMM_MORE;
}

unetmm_status unetmm_step(const unetmm_network *network, unetmm_call *call, uint32_t macs)
{
    if (check(network, call) != UNETMM_DONE) {
        return UNETMM_NOT_BEGUN; /* no beginning has taken such a call */
    }
    scene s = look(network, call);
    if (s.at->begun != BEGUN || s.pass == NULL) {
        return UNETMM_NOT_BEGUN;
    }
    int64_t done = 0;
    do {
        const int64_t step = advance(&s);
        if (step == IDLE) {
            if (proceed(&s) == 0) {
                s.at->begun = 0;
                return UNETMM_DONE;
            }
        } else if (step < 0) {
            s.at->begun = 0;
            return (unetmm_status)-step;
        } else {
            done += step;
        }
    } while (done + s.network->largest_block <= (int64_t)macs || done == 0);
    return UNETMM_MORE;
}
