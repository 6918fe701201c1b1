/* Runs kernels without the driver: in blocks of any length, over maps with gaps between pixels, with exactly those pixels
 * of a window that the kernel may touch. Every map is an allocation of its own, so that a sanitizer sees every byte too far.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

static FILE *input_file;
static FILE *output_file;
static unsigned seed = 1;

static int drawn(int most)
{
    seed = seed * 1103515245u + 12345u;
    return (int)((seed >> 16) % (unsigned)most) + 1;
}

static int floor_divide(int a, int b)
{
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}

static int clip(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

/* Without the gap behind the last pixel. */
static size_t bytes_of(const layout *map, size_t pixels)
{
    return pixels * (size_t)map->stride - (size_t)(map->stride - map->bytes);
}

static uint8_t *read_map(const layout *map)
{
    const size_t pixels = (size_t)map->rows * (size_t)map->width;
    uint8_t *to = malloc(bytes_of(map, pixels));
    for (size_t i = 0; i < pixels; i++) {
        if (fread(to + i * (size_t)map->stride, 1, (size_t)map->bytes, input_file) != (size_t)map->bytes) {
            exit(2);
        }
    }
    return to;
}

/* Copies the pixels of the window, each row into an allocation of its own. */
static void open_window(const kernel_case *k, unetmm_block *block, int row, const uint8_t *map, uint8_t **copies)
{
    const unetmm_axis *rows = &k->rows;
    const unetmm_axis *columns = &k->columns;
    const layout *in = &k->inputs[0];
    const int image = row / k->walk_image_rows;
    block->window_row = floor_divide(block->row * rows->step + rows->first, rows->over);
    block->window_column = clip(floor_divide(block->column * columns->step + columns->first, columns->over), 0, in->width - 1);
    int last = floor_divide((block->column + block->pixels - 1) * columns->step + columns->last, columns->over);
    last = clip(last, 0, in->width - 1);
    for (int i = 0; i < k->taps; i++) {
        const int tap = block->window_row + i * k->dilation;
        copies[i] = NULL;
        if (tap >= 0 && tap < in->image_rows) {
            const int count = last - block->window_column + 1; /* 0 where nothing is under the kernel */
            const size_t bytes = count > 0 ? bytes_of(in, (size_t)count) : 0;
            const size_t from = (size_t)(tap + image * in->image_rows) * (size_t)in->width + (size_t)block->window_column;
            copies[i] = malloc(bytes > 0 ? bytes : 1);
            memcpy(copies[i], map + from * (size_t)in->stride, bytes);
        }
    }
    block->rows = (const uint8_t *const *)copies;
}

static void run_block(const kernel_case *k, uint8_t *const *maps, uint8_t *output, uint8_t *state, int row, int column, int pixels)
{
    uint8_t *copies[UNETMM_TAPS] = {NULL};
    unetmm_block block;
    memset(&block, 0, sizeof block);
    block.row = row % k->walk_image_rows;
    block.column = column;
    block.pixels = pixels;
    block.position = row * k->walk_width + column;
    block.output = k->accumulates ? output : output + (size_t)block.position * (size_t)k->output.stride;
    block.output_stride = k->output.stride;
    block.state = state;
    block.scratch = malloc((size_t)(k->scratch_fixed + k->scratch_pixel * pixels) + 1);
    for (int i = 0; i < k->input_count; i++) {
        block.input_stride[i] = k->inputs[i].stride;
        block.input[i] = maps[i] + (k->inputs[i].access == UNETMM_SAME ? (size_t)block.position * (size_t)k->inputs[i].stride : 0);
        if (k->inputs[i].access == UNETMM_WINDOW) {
            block.input[i] = NULL;
            open_window(k, &block, row, maps[i], copies);
        }
    }
    k->function(k->parameters, &block);
    for (int i = 0; i < UNETMM_TAPS; i++) {
        free(copies[i]);
    }
    free(block.scratch);
}

static void run_case(const kernel_case *k)
{
    uint8_t *maps[UNETMM_INPUTS] = {NULL};
    const size_t pixels = (size_t)k->output.rows * (size_t)k->output.width;
    for (int i = 0; i < k->input_count; i++) {
        maps[i] = read_map(&k->inputs[i]);
    }
    uint8_t *output = malloc(bytes_of(&k->output, pixels));
    uint8_t *state = malloc((size_t)k->state + 1);
    memset(output, 0x5a, bytes_of(&k->output, pixels));
    memset(state, 0xa5, (size_t)k->state + 1);
    for (int row = 0; row < k->walk_rows; row++) {
        for (int column = 0; column < k->walk_width;) {
            const int left = k->walk_width - column;
            const int most = drawn(3) == 1 ? left : drawn(7);
            const int count = most < left ? most : left;
            run_block(k, maps, output, state, row, column, count);
            column += count;
        }
    }
    for (size_t i = 0; i < pixels; i++) {
        fwrite(output + i * (size_t)k->output.stride, 1, (size_t)k->output.bytes, output_file);
    }
    for (int i = 0; i < UNETMM_INPUTS; i++) {
        free(maps[i]);
    }
    free(output);
    free(state);
}

int main(int count, char **arguments)
{
    input_file = count > 2 ? fopen(arguments[1], "rb") : NULL;
    output_file = count > 2 ? fopen(arguments[2], "wb") : NULL;
    if (input_file == NULL || output_file == NULL) {
        return 1;
    }
    for (int i = 0; i < CASES; i++) {
        run_case(&cases[i]);
    }
    return fclose(output_file);
}
