/* The device protocol: a network answers a computer over a serial port.
 *
 * The computer asks, the board answers. During a run the board asks for the rows that it needs and waits for them, so a
 * port without flow control loses nothing. docs/device-protocol.md says all of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_DEVICE_H
#define UNETMM_DEVICE_H

#include "unetmm_frame.h"
#include "unetmm_selftest.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef UNETMM_DEVICE_LINE
#define UNETMM_DEVICE_LINE 512 /* bytes of an image that are asked for at once, 32 to 512 */
#endif
#define UNETMM_DEVICE_LINES 4 /* so many pieces of inputs are kept, for passes that read at several places */

/* A piece of an image. */
typedef struct unetmm_line {
    uint32_t offset;
    uint32_t count; /* 0: there is none */
    uint32_t used; /* when, for the one that was used longest ago is the next to go */
    int port;
    uint8_t bytes[UNETMM_DEVICE_LINE];
} unetmm_line;

/* A network that answers; all zero but for the first three when it begins. */
typedef struct unetmm_device {
    const unetmm_selftest *test; /* the network, its memory and its self-test */
    const uint8_t *description; /* JSON */
    uint32_t description_bytes;
    unetmm_parser parser;
    unetmm_frame frame; /* the last one */
    unetmm_line input[UNETMM_DEVICE_LINES];
    unetmm_line output;
    uint64_t begun; /* ticks */
    uint64_t spoken; /* ticks, of the last frame that was sent */
    uint64_t transfer; /* ticks that went into waiting for rows and sending them */
    uint32_t uses;
    uint32_t retries;
    uint8_t sequence;
    uint8_t paint;
    uint8_t pending; /* whether `frame` is to be answered yet */
    uint8_t closed;
    uint8_t ran;
} unetmm_device;

/* Answers until the port is closed, which a board's never is. */
void unetmm_device_serve(unetmm_device *device);

#ifdef __cplusplus
}
#endif

#endif
