/* Whole images in memory. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "unetmm_image.h"

static size_t place(const unetmm_port *port, int row, int column)
{
    return ((size_t)row * port->width + (size_t)column) * port->pixel_bytes;
}

int unetmm_image_read(void *context, int input, int row, int column, int pixels, void *destination)
{
    const unetmm_images *images = (const unetmm_images *)context;
    const unetmm_port *port = &images->input_ports[input];
    memcpy(destination, (const uint8_t *)images->inputs[input] + place(port, row, column), (size_t)pixels * port->pixel_bytes);
    return 0;
}

int unetmm_image_write(void *context, int output, int row, int column, int pixels, const void *source)
{
    const unetmm_images *images = (const unetmm_images *)context;
    const unetmm_port *port = &images->output_ports[output];
    memcpy((uint8_t *)images->outputs[output] + place(port, row, column), source, (size_t)pixels * port->pixel_bytes);
    return 0;
}

unetmm_status unetmm_begin_within(const unetmm_network *network, const unetmm_call *call, size_t arena_bytes, size_t carried_bytes)
{
    if (arena_bytes < network->arena_bytes || carried_bytes < network->carried_bytes) {
        return UNETMM_TOO_SMALL;
    }
    return unetmm_begin(network, call);
}

unetmm_status unetmm_finish(const unetmm_network *network, const unetmm_call *call, unetmm_status begun)
{
    while (begun == UNETMM_MORE) {
        begun = unetmm_step(network, call, UINT32_MAX);
    }
    return begun;
}
