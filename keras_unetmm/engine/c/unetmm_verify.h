/* What the verifier knows of a network: see unetmm_verify.c. SPDX-License-Identifier: Apache-2.0 */
#ifndef UNETMM_VERIFY_H
#define UNETMM_VERIFY_H

#include "unetmm.h"

/* A map, as places in the bytes of the map that holds it: its root. */
typedef struct verify_map {
    uint32_t root;
    uint32_t rows; /* of all images */
    uint32_t image_rows;
    uint32_t width;
    uint32_t bytes; /* of a pixel */
    uint32_t stride; /* of the root, from one stored pixel to the next */
    uint32_t offset; /* of the first byte in a stored pixel */
    uint32_t down; /* rows and columns of the map that one stored pixel holds, `step` bytes apart */
    uint32_t across;
    uint32_t step;
} verify_map;

typedef struct verify_edge {
    uint32_t map;
    int access;
    int32_t taps;
    int32_t dilation;
    unetmm_axis rows;
    unetmm_axis columns;
} verify_edge;

typedef struct verify_operator {
    uint32_t number; /* in the network */
    uint32_t output; /* map */
    uint32_t edge_count;
    uint32_t width; /* of its walk */
    uint32_t image_rows; /* of its walk */
    uint32_t state; /* bytes */
    uint32_t scratch_fixed; /* bytes, and so many more for each pixel of a block */
    uint32_t scratch_pixel;
    int accumulates;
    int kept;
    int in_place;
    verify_edge edges[UNETMM_INPUTS];
} verify_operator;

extern const verify_map verify_maps[];
extern const uint32_t verify_inputs[]; /* maps */
extern const uint32_t verify_outputs[];
extern const unetmm_network verify_network;

/* Stands in for the kernel of every operator; its parameters are a `verify_operator`. */
unetmm_kernel unetmm_verify;

#endif
