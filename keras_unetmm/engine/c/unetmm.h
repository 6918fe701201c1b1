/* The engine: what a generated network, the driver and the kernels share.
 *
 * A network is a list of passes. A pass is a list of operators that stream together: each walks over its rows in raster
 * order, a few pixels at a time, and reads pixels that others made before. A map is stored whole, or as a ring of its last
 * pixels, sized when the network was generated. Nothing is allocated; nothing is computed in floating point.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_H
#define UNETMM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UNETMM_VERSION 3 /* of the tables and kernels together; a network's table names the one it was made for */
#define UNETMM_ALIGNMENT 16 /* bytes, of the memory that the caller gives */
#define UNETMM_INPUTS 10 /* most maps that one operator reads */
#define UNETMM_TAPS 64 /* most rows of one window */

typedef enum unetmm_status {
    UNETMM_DONE = 0, /* the output is complete */
    UNETMM_MORE = 1, /* there is more to do: call the step again */
    UNETMM_BAD_ARGUMENT = 2, /* a null pointer, or memory that is not aligned */
    UNETMM_TOO_SMALL = 3, /* fewer bytes than the network needs */
    UNETMM_BAD_VERSION = 4, /* the network was generated for another version of the engine */
    UNETMM_NOT_BEGUN = 5, /* a step without a beginning, or after the end */
    UNETMM_READ_FAILED = 6, /* the caller's read returned something else than 0 */
    UNETMM_WRITE_FAILED = 7 /* the caller's write returned something else than 0 */
} unetmm_status;

/* Fetches `pixels` pixels of input number `input`, from `column` on in `row`, to `destination`. Returns 0, or an error. */
typedef int unetmm_read(void *context, int input, int row, int column, int pixels, void *destination);

/* Takes `pixels` pixels of output number `output`, which belong from `column` on into `row`. Returns 0, or an error. */
typedef int unetmm_write(void *context, int output, int row, int column, int pixels, const void *source);

/* How far a run is: the engine's alone. */
typedef struct unetmm_progress {
    uint32_t position; /* of a pass's only operator; several have theirs in the arena */
    uint16_t begun;
    uint16_t pass;
    uint16_t strip;
    uint16_t sink; /* the operator at the bottom of the stack: it must get to its end */
    uint16_t depth; /* entries above it */
    uint16_t follower; /* the bottom's */
} unetmm_progress;

/* What the caller gives to a run; it must not change from the beginning to the end. */
typedef struct unetmm_call {
    void *arena; /* the memory that is touched all the time, aligned to UNETMM_ALIGNMENT */
    void *carried; /* the memory of the maps that are kept whole, aligned too; NULL where the arena holds them */
    unetmm_read *read;
    unetmm_write *write;
    void *context; /* handed on to read and write */
    unetmm_progress progress; /* filled in by the engine */
} unetmm_call;

/* One unit of work of one operator: some pixels of one row. */
typedef struct unetmm_block {
    int32_t row; /* inside its image */
    int32_t column; /* of the first pixel */
    int32_t pixels; /* 1 or more */
    int32_t position; /* of the first pixel, counted over the rows of all images: row * width + column */
    uint8_t *output; /* the first pixel; an operator that accumulates has the first byte of its whole output here */
    const uint8_t *input[UNETMM_INPUTS]; /* the pixel at the same place, or the first byte of a map that is read whole */
    const uint8_t *const *rows; /* of the window over input 0: a pointer for each tap; NULL where the row is beyond the border */
    uint8_t *state; /* the operator's own bytes, kept through its pass */
    uint8_t *scratch; /* bytes that are its own during this block only */
    int32_t output_stride; /* bytes from one pixel to the next */
    int32_t input_stride[UNETMM_INPUTS];
    int32_t window_row; /* the row of input 0, inside its image, of the first tap; may be negative */
    int32_t window_column; /* the column of input 0 that `rows` point to; 0 or more */
} unetmm_block;

typedef void unetmm_kernel(const void *parameters, const unetmm_block *block);

/* Where a walk along one axis reads: place p needs the places floor((p * step + first) / over) to floor((p * step + last) / over). */
typedef struct unetmm_axis {
    int16_t step;
    int16_t over;
    int16_t first;
    int16_t last;
} unetmm_axis;

enum { UNETMM_SAME = 0, UNETMM_WINDOW = 1, UNETMM_ALL = 2 };

/* How an operator reads one of its maps. */
typedef struct unetmm_edge {
    uint16_t map;
    uint8_t access; /* UNETMM_SAME: the same place; UNETMM_WINDOW: by the axes below; UNETMM_ALL: the whole map */
    uint8_t look; /* the edge to look at in this place of the order in which makers are asked */
    uint8_t taps; /* rows of the window */
    uint8_t dilation; /* rows from one tap to the next */
    unetmm_axis rows;
    unetmm_axis columns;
} unetmm_edge;

/* A map, or a view of one. The stored map has its pixels in raster order, whole or as a ring. A view sees some channels of
 * each stored pixel, or takes each stored pixel for `down` rows of `across` smaller ones (a depth-to-space that is not copied).
 */
typedef struct unetmm_map {
    uint32_t offset; /* bytes, of its first pixel in its memory */
    uint32_t capacity; /* stored pixels: a ring's, or all */
    uint32_t stride; /* bytes from one stored pixel to the next */
    uint32_t step; /* bytes from one pixel of the view to the next, within a stored pixel or, if it is not shuffled, a row */
    uint32_t bytes; /* of one pixel of the view */
    uint16_t maker; /* the operator, counted inside the pass, that makes it; UNETMM_NOBODY if an earlier pass did */
    uint16_t width; /* pixels of the view in a row */
    uint16_t image_rows; /* rows of the view in one image */
    uint8_t down;
    uint8_t across;
    uint8_t memory; /* 0: arena, 1: carried */
    uint8_t ring; /* whether it holds the columns of one strip only */
    uint8_t phase; /* stored pixels by which it is turned: position p lies at (p + phase) % capacity; 0 if it is whole */
} unetmm_map;

#define UNETMM_NOBODY 0xffffu

enum { UNETMM_COMPUTES = 0, UNETMM_READS = 1, UNETMM_WRITES = 2 };

typedef struct unetmm_operator {
    unetmm_kernel *kernel; /* NULL for what reads the image or writes the result */
    const void *parameters;
    const unetmm_edge *edges;
    const uint16_t *followers; /* operators of the pass that run as soon as this one has made what they need */
    uint32_t macs; /* multiply-accumulates of one pixel, at least 1 */
    uint32_t state; /* bytes, offset in the arena */
    uint32_t kept; /* bytes of the state that live from one run to the next; 0 where it is none's but the run's own */
    uint32_t scratch; /* bytes, offset in the arena */
    uint32_t rows; /* of its walk, over all images */
    uint16_t width; /* of its walk */
    uint16_t image_rows;
    uint16_t output; /* map */
    uint16_t block; /* most pixels at once */
    uint16_t gathered; /* most pixels at once whose window is put together in a copy */
    uint8_t port; /* the number of the network's input or output that it reads or writes */
    uint8_t inputs;
    uint8_t kind; /* UNETMM_COMPUTES, UNETMM_READS, UNETMM_WRITES */
    uint8_t accumulates; /* its output is complete when its walk has ended */
    uint16_t follower_count;
} unetmm_operator;

/* The columns that an operator walks over in one strip. */
typedef struct unetmm_columns {
    uint16_t first;
    uint16_t width;
} unetmm_columns;

typedef struct unetmm_pass {
    const unetmm_operator *operators;
    const unetmm_map *maps;
    const unetmm_columns *columns; /* of every operator for each strip, strip by strip; NULL for one strip */
    uint32_t gather; /* bytes, offset in the arena of the place where a window that wraps around its ring is put together */
    const uint16_t *sinks; /* the operators that the pass is run for, one after the other */
    uint16_t count; /* operators */
    uint16_t strips;
    uint16_t sink_count;
} unetmm_pass;

typedef struct unetmm_network {
    const unetmm_pass *passes;
    uint32_t arena_bytes;
    uint32_t carried_bytes;
    uint32_t state_offset; /* bytes, of the positions and the stack of passes of several operators, in the arena */
    uint32_t largest_block; /* multiply-accumulates of the largest unit of work */
    uint16_t most_operators; /* of a pass */
    uint16_t pass_count;
    uint16_t version;
} unetmm_network;

/* Forgets what earlier runs left for later ones. A network that keeps something needs this before its first run, and then the
 * same arena, untouched, from run to run. */
unetmm_status unetmm_reset(const unetmm_network *network, const unetmm_call *call);

/* Begins a run: the memory is the engine's until the run ends. */
unetmm_status unetmm_begin(const unetmm_network *network, unetmm_call *call);

/* Computes at most `macs` multiply-accumulates, but at least one unit of work. UNETMM_NOT_BEGUN for a call that no beginning
 * has taken. */
unetmm_status unetmm_step(const unetmm_network *network, unetmm_call *call, uint32_t macs);

#ifdef __cplusplus
}
#endif

#endif
