/* Copies of elements from a whole map: TRANSPOSE, slices, padding, tiles and the like where they cannot stream. Along each
 * axis a table says what a place adds to the index of the element.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_gather.h"

#include <string.h>

/* A place in the output: its index along each axis. */
typedef struct place {
    int32_t index[UNETMM_GATHER_AXES];
    const int32_t *table[UNETMM_GATHER_AXES];
} place;

static void find(place *at, const unetmm_gather *p, int32_t element)
{
    const int32_t *table = p->offsets;
    for (int32_t axis = 0; axis < p->axes; axis++) {
        at->table[axis] = table;
        table += p->sizes[axis];
    }
    for (int32_t axis = p->axes - 1; axis >= 0; axis--) {
        at->index[axis] = element % p->sizes[axis];
        element /= p->sizes[axis];
    }
}

/* The sum over all axes but the innermost, or -1 for padding. */
static int32_t outer(const place *at, const unetmm_gather *p)
{
    int32_t sum = 0;
    for (int32_t axis = 0; axis < p->axes - 1; axis++) {
        const int32_t offset = at->table[axis][at->index[axis]];
        if (offset < 0) {
            return -1;
        }
        sum += offset;
    }
    return sum;
}

/* Goes on to the next place of the outer axes. */
static void carry(place *at, const unetmm_gather *p)
{
    for (int32_t axis = p->axes - 2; axis >= 0; axis--) {
        at->index[axis]++;
        if (at->index[axis] < p->sizes[axis]) {
            return;
        }
        at->index[axis] = 0;
    }
}

void unetmm_gather_any(const void *parameters, const unetmm_block *block)
{
    const unetmm_gather *p = parameters;
    const uint8_t *input = p->constant != NULL ? p->constant : block->input[0];
    const size_t element = (size_t)p->element;
    const size_t stride = p->constant != NULL ? (size_t)p->input_channels * element : (size_t)block->input_stride[0];
    const int32_t gapless = stride == (size_t)p->input_channels * element;
    const int32_t inner = p->axes - 1;
    place at;
    find(&at, p, block->position * p->channels);
    int32_t base = outer(&at, p);
    for (int32_t pixel = 0; pixel < block->pixels; pixel++) {
        uint8_t *output = block->output + (size_t)pixel * (size_t)block->output_stride;
        for (int32_t i = 0; i < p->channels; i++) {
            const int32_t offset = at.table[inner][at.index[inner]];
            const uint8_t *from = p->fill;
            if (base >= 0 && offset >= 0) {
                const size_t index = (size_t)(base + offset);
                const size_t channels = (size_t)p->input_channels;
                from = input + (gapless != 0 ? index * element : index / channels * stride + index % channels * element);
            }
            memcpy(output + (size_t)i * element, from, element);
            at.index[inner]++;
            if (at.index[inner] == p->sizes[inner]) {
                at.index[inner] = 0;
                carry(&at, p);
                base = outer(&at, p);
            }
        }
    }
}
