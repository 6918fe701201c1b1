/* Frames of the device protocol. SPDX-License-Identifier: Apache-2.0 */
#include "unetmm_frame.h"
#include "unetmm_board.h"

enum { LONGEST_BLOCK = 0xff };

/* Puts a frame into blocks without zeros, each behind its length plus one. */
typedef struct stuffer {
    uint8_t block[LONGEST_BLOCK - 1];
    uint8_t count;
} stuffer;

uint32_t unetmm_crc32(uint32_t crc, const uint8_t *bytes, size_t count)
{
    crc = ~crc;
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u))); /* the polynomial of IEEE 802.3, its bits reversed */
        }
    }
    return ~crc;
}

uint32_t unetmm_get32(const uint8_t *from)
{
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

void unetmm_put32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

void unetmm_put64(uint8_t *to, uint64_t value)
{
    unetmm_put32(to, (uint32_t)value);
    unetmm_put32(to + 4, (uint32_t)(value >> 32));
}

static void flush(stuffer *s)
{
    board_send((uint8_t)(s->count + 1));
    for (uint32_t i = 0; i < s->count; i++) {
        board_send(s->block[i]);
    }
    s->count = 0;
}

static void stuff(stuffer *s, const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (bytes[i] == 0) {
            flush(s);
        } else {
            s->block[s->count++] = bytes[i];
            if (s->count == LONGEST_BLOCK - 1) {
                flush(s);
            }
        }
    }
}

void unetmm_frame_send(uint8_t type, uint8_t sequence, const uint8_t *head, uint16_t head_bytes, const uint8_t *body,
    uint16_t body_bytes)
{
    const uint32_t length = (uint32_t)head_bytes + body_bytes;
    const uint8_t header[UNETMM_FRAME_HEADER] = {
        UNETMM_FRAME_VERSION, type, sequence, (uint8_t)length, (uint8_t)(length >> 8),
    };
    uint8_t sum[4];
    unetmm_put32(sum, unetmm_crc32(unetmm_crc32(unetmm_crc32(0, header, sizeof header), head, head_bytes), body, body_bytes));
    stuffer s;
    s.count = 0;
    board_send(0);
    stuff(&s, header, sizeof header);
    stuff(&s, head, head_bytes);
    stuff(&s, body, body_bytes);
    stuff(&s, sum, sizeof sum);
    flush(&s);
    board_send(0);
}

static void take(unetmm_parser *parser, uint8_t byte)
{
    if (parser->count < UNETMM_FRAME_BYTES) {
        parser->bytes[parser->count++] = byte;
    } else {
        parser->overrun = 1;
    }
}

/* What stands between two zeros. */
static int ended(const unetmm_parser *parser, unetmm_frame *frame)
{
    if (parser->begun == 0) {
        return UNETMM_PARSER_MORE;
    }
    const uint8_t *bytes = parser->bytes;
    if (parser->left > 0 || parser->overrun != 0 || parser->count < UNETMM_FRAME_HEADER + 4) {
        return UNETMM_PARSER_DAMAGED;
    }
    const uint32_t checked = parser->count - 4;
    if (unetmm_crc32(0, bytes, checked) != unetmm_get32(bytes + checked)) {
        return UNETMM_PARSER_DAMAGED;
    }
    frame->type = bytes[1];
    frame->sequence = bytes[2];
    frame->length = (uint16_t)(bytes[3] | bytes[4] << 8);
    frame->payload = bytes + UNETMM_FRAME_HEADER;
    if (bytes[0] != UNETMM_FRAME_VERSION) {
        return UNETMM_PARSER_FOREIGN;
    }
    return frame->length == checked - UNETMM_FRAME_HEADER ? UNETMM_PARSER_FRAME : UNETMM_PARSER_DAMAGED;
}

int unetmm_parse(unetmm_parser *parser, uint8_t byte, unetmm_frame *frame)
{
    if (byte == 0) {
        const int found = ended(parser, frame);
        parser->count = 0;
        parser->left = 0;
        parser->zero = 0;
        parser->overrun = 0;
        parser->begun = 0;
        return found;
    }
    parser->begun = 1;
    if (parser->left > 0) {
        parser->left--;
        take(parser, byte);
        return UNETMM_PARSER_MORE;
    }
    if (parser->zero != 0) {
        take(parser, 0);
    }
    parser->left = (uint8_t)(byte - 1);
    parser->zero = byte != LONGEST_BLOCK;
    return UNETMM_PARSER_MORE;
}
