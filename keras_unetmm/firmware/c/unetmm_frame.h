/* Frames of the device protocol: what goes over the wire between a board and a computer.
 *
 * A frame is version, type, sequence, length of the payload (16 bits), payload, CRC-32 (of IEEE 802.3, over all before it);
 * numbers are little-endian. On the wire it is stuffed by COBS (Cheshire and Baker, IEEE/ACM Transactions on Networking 7(2),
 * 1999), so that it holds no zero, and stands between two zeros. A reader that has lost its place finds it at the next zero.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_FRAME_H
#define UNETMM_FRAME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UNETMM_FRAME_VERSION 1
#define UNETMM_FRAME_PAYLOAD 528 /* most bytes of a payload */
#define UNETMM_FRAME_HEADER 5
#define UNETMM_FRAME_BYTES (UNETMM_FRAME_HEADER + UNETMM_FRAME_PAYLOAD + 4)

/* Of what the computer sends, and of what the board sends: its answer to X has the type 0x80 + X. */
enum {
    UNETMM_FRAME_HELLO = 0x01, /* asks for a piece of the description; offset of it, 32 bits */
    UNETMM_FRAME_PING = 0x02, /* any payload, which comes back */
    UNETMM_FRAME_RUN = 0x03, /* begins a run; 1: forget earlier runs, 0: go on from them */
    UNETMM_FRAME_SELFTEST = 0x04, /* runs one input of the self-test; its number, and the byte to fill the memory with */
    UNETMM_FRAME_STOP = 0x05, /* ends a run */
    UNETMM_FRAME_ROWS = 0x06, /* answers NEED: the same payload, and the bytes */
    UNETMM_FRAME_TAKEN = 0x07, /* answers RESULT */
    UNETMM_FRAME_DONE = 0x83, /* the end of a run */
    UNETMM_FRAME_NEED = 0x86, /* asks for bytes of an input: its number, offset (32 bits), count (16 bits) */
    UNETMM_FRAME_RESULT = 0x87, /* bytes of an output: its number, offset (32 bits), the bytes */
    UNETMM_FRAME_ALIVE = 0x88, /* still computing: ticks since the beginning, 64 bits */
    UNETMM_FRAME_ERROR = 0xff /* one of the codes below, and the type of the frame that it is about */
};

enum {
    UNETMM_FRAME_DAMAGED = 1, /* cut, too long, or with a wrong checksum */
    UNETMM_FRAME_FOREIGN = 2, /* of another version of the protocol */
    UNETMM_FRAME_UNKNOWN = 3, /* of a type that nobody knows, or that makes no sense now */
    UNETMM_FRAME_MALFORMED = 4 /* with a payload that its type does not have */
};

typedef struct unetmm_frame {
    uint8_t type;
    uint8_t sequence;
    uint16_t length;
    const uint8_t *payload; /* in the parser's buffer, until it takes the next byte */
} unetmm_frame;

/* Takes bytes and puts frames together; all zero at the beginning. */
typedef struct unetmm_parser {
    uint8_t bytes[UNETMM_FRAME_BYTES];
    uint32_t count;
    uint8_t left; /* bytes of the block that are still to come */
    uint8_t zero; /* whether a zero follows the block */
    uint8_t overrun; /* whether there were more bytes than a frame has */
    uint8_t begun; /* whether something came since the last zero */
} unetmm_parser;

enum { UNETMM_PARSER_MORE = 0, UNETMM_PARSER_FRAME = 1, UNETMM_PARSER_DAMAGED = 2, UNETMM_PARSER_FOREIGN = 3 };

/* Takes one byte. UNETMM_PARSER_FRAME: `frame` is whole; DAMAGED or FOREIGN: something else has ended. */
int unetmm_parse(unetmm_parser *parser, uint8_t byte, unetmm_frame *frame);

/* Continues a checksum; it begins with 0. */
uint32_t unetmm_crc32(uint32_t crc, const uint8_t *bytes, size_t count);

/* Sends a frame through `board_send`; its payload is `head`, then `body`, UNETMM_FRAME_PAYLOAD bytes at most. */
void unetmm_frame_send(uint8_t type, uint8_t sequence, const uint8_t *head, uint16_t head_bytes, const uint8_t *body,
    uint16_t body_bytes);

/* Little-endian numbers. */
uint32_t unetmm_get32(const uint8_t *from);
void unetmm_put32(uint8_t *to, uint32_t value);
void unetmm_put64(uint8_t *to, uint64_t value);

#ifdef __cplusplus
}
#endif

#endif
