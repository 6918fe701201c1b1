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

static int meet(const void *a, size_t a_bytes, const void *b, size_t b_bytes)
{
    return (uintptr_t)a < (uintptr_t)b + b_bytes && (uintptr_t)b < (uintptr_t)a + a_bytes;
}

int unetmm_images_clash(const unetmm_port *input_ports, int input_count, const void *const *inputs,
    const unetmm_port *output_ports, int output_count, void *const *outputs, int over)
{
    for (int i = 0; i < input_count; i++) {
        if (inputs[i] == NULL) {
            return 1;
        }
    }
    for (int o = 0; o < output_count; o++) {
        if (outputs[o] == NULL) {
            return 1;
        }
        for (int i = 0; i < input_count; i++) {
            if ((over == 0 || inputs[i] != outputs[o]) && meet(inputs[i], input_ports[i].bytes, outputs[o], output_ports[o].bytes)) {
                return 1;
            }
        }
        for (int other = 0; other < o; other++) {
            if (meet(outputs[other], output_ports[other].bytes, outputs[o], output_ports[o].bytes)) {
                return 1;
            }
        }
    }
    return 0;
}

void unetmm_from_uint8(const uint8_t *source, size_t count, int8_t *destination)
{
    for (size_t i = 0; i < count; i++) {
        destination[i] = (int8_t)(source[i] - 128);
    }
}

void unetmm_to_uint8(const int8_t *source, size_t count, uint8_t *destination)
{
    for (size_t i = 0; i < count; i++) {
        destination[i] = (uint8_t)(source[i] + 128);
    }
}

/* The highest bits are repeated below, so that all ones are 255. */
void unetmm_from_rgb565(const uint16_t *source, size_t pixels, int8_t *destination)
{
    for (size_t i = 0; i < pixels; i++) {
        const uint32_t pixel = source[i];
        const uint32_t red = pixel >> 11;
        const uint32_t green = pixel >> 5 & 63u;
        const uint32_t blue = pixel & 31u;
        destination[3 * i] = (int8_t)((int32_t)(red << 3 | red >> 2) - 128);
        destination[3 * i + 1] = (int8_t)((int32_t)(green << 2 | green >> 4) - 128);
        destination[3 * i + 2] = (int8_t)((int32_t)(blue << 3 | blue >> 2) - 128);
    }
}

void unetmm_to_rgb565(const int8_t *source, size_t pixels, uint16_t *destination)
{
    for (size_t i = 0; i < pixels; i++) {
        const uint32_t red = (uint32_t)(source[3 * i] + 128);
        const uint32_t green = (uint32_t)(source[3 * i + 1] + 128);
        const uint32_t blue = (uint32_t)(source[3 * i + 2] + 128);
        destination[i] = (uint16_t)(red >> 3 << 11 | green >> 2 << 5 | blue >> 3);
    }
}

unetmm_status unetmm_begin_within(const unetmm_network *network, unetmm_call *call, size_t arena_bytes, size_t carried_bytes)
{
    if (arena_bytes < network->arena_bytes || carried_bytes < network->carried_bytes) {
        return UNETMM_TOO_SMALL;
    }
    return unetmm_begin(network, call);
}

unetmm_status unetmm_finish(const unetmm_network *network, unetmm_call *call, unetmm_status begun)
{
    while (begun == UNETMM_MORE) {
        begun = unetmm_step(network, call, UINT32_MAX);
    }
    return begun;
}
