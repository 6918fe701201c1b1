/* The device protocol. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "unetmm_board.h"
#include "unetmm_device.h"

enum {
    TRIES = 8, /* how often rows are asked for, or a result is sent, before a run is given up */
    STEP = 200000, /* multiply-accumulates between two looks at the clock */
    FIRST_PAINT = 0x5a,
    SECOND_PAINT = 0xa5,
    PIECE = 6 /* bytes before those of an image: port, 0, offset */
};

enum { WAITED = 0, CAME = 1, DAMAGED = 2, INTERRUPTED = 3 };

static void send(unetmm_device *d, uint8_t type, uint8_t sequence, const uint8_t *head, uint32_t head_bytes, const uint8_t *body,
    uint32_t body_bytes)
{
    unetmm_frame_send(type, sequence, head, (uint16_t)head_bytes, body, (uint16_t)body_bytes);
    d->spoken = board_ticks();
}

static void complain(unetmm_device *d, uint8_t code)
{
    const uint8_t said[2] = {code, d->frame.type};
    send(d, UNETMM_FRAME_ERROR, d->frame.sequence, said, sizeof said, NULL, 0);
}

/* Waits for a frame, for so many ticks or, with 0, for ever. */
static int wait(unetmm_device *d, uint64_t ticks)
{
    const uint64_t start = board_ticks();
    for (;;) {
        const int byte = board_receive();
        if (byte >= 0) {
            const int found = unetmm_parse(&d->parser, (uint8_t)byte, &d->frame);
            if (found == UNETMM_PARSER_FRAME) {
                return CAME;
            }
            if (found != UNETMM_PARSER_MORE) {
                if (found == UNETMM_PARSER_DAMAGED) {
                    d->frame.type = 0;
                    d->frame.sequence = 0;
                }
                complain(d, found == UNETMM_PARSER_FOREIGN ? UNETMM_FRAME_FOREIGN : UNETMM_FRAME_DAMAGED);
                return DAMAGED;
            }
        } else if (byte == BOARD_CLOSED) {
            d->closed = 1;
            return INTERRUPTED;
        } else if (ticks > 0 && board_ticks() - start > ticks) {
            return WAITED;
        }
    }
}

/* Sends a frame and waits for its answer, again and again; returns 0 once it is there. Whatever begins something new ends
 * the run: it is answered afterwards. */
static int ask(unetmm_device *d, uint8_t type, uint8_t answer, const uint8_t *head, uint32_t head_bytes, const uint8_t *body,
    uint32_t body_bytes)
{
    const uint8_t sequence = ++d->sequence;
    for (int i = 0; i < TRIES; i++) {
        send(d, type, sequence, head, head_bytes, body, body_bytes);
        int found = wait(d, board_tick_hz());
        while (found == CAME) {
            if (d->frame.type == answer) {
                if (d->frame.sequence == sequence) {
                    return 0;
                } /* else an answer that came late */
            } else if (d->frame.type == UNETMM_FRAME_PING) {
                send(d, UNETMM_FRAME_PING | 0x80, d->frame.sequence, d->frame.payload, d->frame.length, NULL, 0);
            } else if (d->frame.type != UNETMM_FRAME_ROWS && d->frame.type != UNETMM_FRAME_TAKEN) {
                d->pending = 1;
                return 1;
            }
            found = wait(d, board_tick_hz());
        }
        if (found == INTERRUPTED) {
            return 1;
        }
        d->retries++;
    }
    return 1;
}

static void place(uint8_t *head, int port, uint32_t offset)
{
    head[0] = (uint8_t)port;
    head[1] = 0;
    unetmm_put32(head + 2, offset);
}

/* The piece of an input that holds a byte, from the computer if it is not here; NULL if it does not come. */
static const unetmm_line *fetch(unetmm_device *d, int port, uint32_t offset)
{
    unetmm_line *oldest = &d->input[0];
    for (int i = 0; i < UNETMM_DEVICE_LINES; i++) {
        unetmm_line *line = &d->input[i];
        if (line->port == port && offset >= line->offset && offset - line->offset < line->count) {
            line->used = ++d->uses;
            return line;
        }
        oldest = line->used < oldest->used ? line : oldest;
    }
    const uint32_t left = d->test->input_ports[port].bytes - offset;
    const uint32_t count = left < UNETMM_DEVICE_LINE ? left : UNETMM_DEVICE_LINE;
    uint8_t head[PIECE + 2];
    place(head, port, offset);
    head[PIECE] = (uint8_t)count;
    head[PIECE + 1] = (uint8_t)(count >> 8);
    oldest->count = 0;
    const unetmm_frame *frame = &d->frame;
    for (int i = 0; i < TRIES; i++) {
        if (ask(d, UNETMM_FRAME_NEED, UNETMM_FRAME_ROWS, head, sizeof head, NULL, 0) != 0) {
            return NULL;
        }
        if (frame->length == sizeof head + count && memcmp(frame->payload, head, sizeof head) == 0) {
            memcpy(oldest->bytes, frame->payload + sizeof head, count);
            oldest->port = port;
            oldest->offset = offset;
            oldest->count = count;
            oldest->used = ++d->uses;
            return oldest;
        }
        complain(d, UNETMM_FRAME_MALFORMED);
        d->retries++;
    }
    return NULL;
}

static uint32_t offset_of(const unetmm_port *port, int row, int column)
{
    return ((uint32_t)row * port->width + (uint32_t)column) * port->pixel_bytes;
}

static int give(void *context, int input, int row, int column, int pixels, void *destination)
{
    unetmm_device *d = (unetmm_device *)context;
    const unetmm_port *port = &d->test->input_ports[input];
    const uint64_t start = board_ticks();
    uint32_t offset = offset_of(port, row, column);
    uint32_t left = (uint32_t)pixels * port->pixel_bytes;
    uint8_t *to = (uint8_t *)destination;
    while (left > 0) {
        const unetmm_line *line = fetch(d, input, offset);
        if (line == NULL) {
            return 1;
        }
        const uint32_t here = line->offset + line->count - offset;
        const uint32_t count = here < left ? here : left;
        memcpy(to, line->bytes + (offset - line->offset), count);
        to += count;
        offset += count;
        left -= count;
    }
    d->transfer += board_ticks() - start;
    return 0;
}

/* Sends what has gathered of an output. */
static int flush(unetmm_device *d)
{
    unetmm_line *line = &d->output;
    if (line->count == 0) {
        return 0;
    }
    uint8_t head[PIECE];
    place(head, line->port, line->offset);
    const uint32_t count = line->count;
    line->count = 0;
    return ask(d, UNETMM_FRAME_RESULT, UNETMM_FRAME_TAKEN, head, sizeof head, line->bytes, count);
}

static int take(void *context, int output, int row, int column, int pixels, const void *source)
{
    unetmm_device *d = (unetmm_device *)context;
    unetmm_line *line = &d->output;
    const unetmm_port *port = &d->test->output_ports[output];
    const uint64_t start = board_ticks();
    uint32_t offset = offset_of(port, row, column);
    uint32_t left = (uint32_t)pixels * port->pixel_bytes;
    const uint8_t *from = (const uint8_t *)source;
    while (left > 0) {
        const int follows = line->port == output && offset == line->offset + line->count;
        if (line->count == UNETMM_DEVICE_LINE || (line->count > 0 && !follows)) {
            if (flush(d) != 0) {
                return 1;
            }
        }
        if (line->count == 0) {
            line->port = output;
            line->offset = offset;
        }
        const uint32_t room = UNETMM_DEVICE_LINE - line->count;
        const uint32_t count = room < left ? room : left;
        memcpy(line->bytes + line->count, from, count);
        line->count += count;
        from += count;
        offset += count;
        left -= count;
    }
    d->transfer += board_ticks() - start;
    return 0;
}

/* Goes on with a run to its end, and says eight times a second that it does. */
static unetmm_status finish(unetmm_device *d, unetmm_call *call, unetmm_status status)
{
    while (status == UNETMM_MORE) {
        status = unetmm_step(d->test->network, call, STEP);
        const uint64_t now = board_ticks();
        if (now - d->spoken > board_tick_hz() / 8) {
            uint8_t said[8];
            unetmm_put64(said, now - d->begun);
            send(d, UNETMM_FRAME_ALIVE, d->sequence, said, sizeof said, NULL, 0);
        }
    }
    return status;
}

static void paint(const unetmm_device *d, const unetmm_call *call, size_t bytes, size_t carried)
{
    memset(call->arena, d->paint, bytes);
    if (call->carried != NULL) {
        memset(call->carried, d->paint, carried);
    }
}

static uint32_t high_water(const uint8_t *memory, uint32_t bytes, uint8_t paint)
{
    while (memory != NULL && bytes > 0 && memory[bytes - 1] == paint) {
        bytes--;
    }
    return memory == NULL ? 0 : bytes;
}

static void run(unetmm_device *d, uint8_t sequence, int fresh)
{
    const unetmm_selftest *test = d->test;
    const unetmm_network *network = test->network;
    unetmm_call call = {
        test->arena + UNETMM_SELFTEST_GUARD, test->carried == NULL ? NULL : test->carried + UNETMM_SELFTEST_GUARD, give, take, d, {0},
    };
    unetmm_status status = UNETMM_MORE;
    if (fresh || d->ran == 0) {
        d->paint = d->paint == FIRST_PAINT ? SECOND_PAINT : FIRST_PAINT;
        paint(d, &call, network->arena_bytes, network->carried_bytes);
        (void)unetmm_reset(network, &call); /* if it cannot, it cannot begin */
        d->ran = 1;
    }
    for (int i = 0; i < UNETMM_DEVICE_LINES; i++) {
        d->input[i].count = 0;
    }
    d->output.count = 0;
    d->transfer = 0;
    d->retries = 0;
    d->begun = board_ticks();
    d->spoken = d->begun;
    status = finish(d, &call, unetmm_begin(network, &call));
    if (status == UNETMM_DONE) {
        const uint64_t start = board_ticks();
        status = flush(d) == 0 ? UNETMM_DONE : UNETMM_WRITE_FAILED;
        d->transfer += board_ticks() - start;
    }
    if (d->closed) {
        return;
    }
    uint8_t said[36];
    unetmm_put64(said, board_ticks() - d->begun);
    unetmm_put64(said + 8, d->transfer);
    unetmm_put32(said + 16, (uint32_t)status);
    unetmm_put32(said + 20, high_water((const uint8_t *)call.arena, network->arena_bytes, d->paint));
    unetmm_put32(said + 24, high_water((const uint8_t *)call.carried, network->carried_bytes, d->paint));
    unetmm_put32(said + 28, board_stack_used());
    unetmm_put32(said + 32, d->retries);
    send(d, UNETMM_FRAME_DONE, sequence, said, sizeof said, NULL, 0);
}

/* Runs one input of the self-test: ticks, status, what is wrong, high-water marks, the checksum of every output. */
static void selftest(unetmm_device *d, uint8_t sequence, int input_case, int filled)
{
    const unetmm_selftest *test = d->test;
    unetmm_selftest_run run;
    size_t arena = 0;
    size_t carried = 0;
    d->ran = 0; /* what earlier runs left is gone */
    d->begun = board_ticks();
    d->spoken = d->begun;
    const unetmm_status status = finish(d, &run.call, unetmm_selftest_begin(&run, test, input_case, filled));
    const uint64_t ticks = board_ticks() - d->begun;
    const int wrong = status == UNETMM_DONE ? unetmm_selftest_end(&run, &arena, &carried) : 0;
    uint8_t said[28];
    uint8_t sums[UNETMM_DEVICE_LINE - sizeof said];
    const uint32_t most = sizeof sums / 4;
    const uint32_t count = (uint32_t)test->outputs < most ? (uint32_t)test->outputs : most;
    unetmm_put64(said, ticks);
    unetmm_put32(said + 8, (uint32_t)status);
    unetmm_put32(said + 12, (uint32_t)wrong);
    unetmm_put32(said + 16, (uint32_t)arena);
    unetmm_put32(said + 20, (uint32_t)carried);
    unetmm_put32(said + 24, board_stack_used());
    for (uint32_t i = 0; i < count; i++) {
        unetmm_put32(sums + 4 * i, test->sums[i]);
    }
    send(d, UNETMM_FRAME_SELFTEST | 0x80, sequence, said, sizeof said, sums, 4 * count);
}

static void hello(unetmm_device *d, uint8_t sequence, uint32_t offset)
{
    const uint32_t all = d->description_bytes;
    const uint32_t left = offset < all ? all - offset : 0;
    const uint32_t count = left < UNETMM_DEVICE_LINE ? left : UNETMM_DEVICE_LINE;
    uint8_t head[16];
    unetmm_put32(head, board_clock_hz());
    unetmm_put32(head + 4, board_tick_hz());
    unetmm_put32(head + 8, all);
    unetmm_put32(head + 12, offset);
    send(d, UNETMM_FRAME_HELLO | 0x80, sequence, head, sizeof head, d->description + (all - left), count);
}

static void answer(unetmm_device *d)
{
    const unetmm_frame frame = d->frame;
    const uint8_t *payload = frame.payload;
    if (frame.type == UNETMM_FRAME_PING) {
        send(d, UNETMM_FRAME_PING | 0x80, frame.sequence, payload, frame.length, NULL, 0);
    } else if (frame.type == UNETMM_FRAME_STOP) {
        send(d, UNETMM_FRAME_STOP | 0x80, frame.sequence, NULL, 0, NULL, 0);
    } else if (frame.type == UNETMM_FRAME_HELLO && frame.length == 4) {
        hello(d, frame.sequence, unetmm_get32(payload));
    } else if (frame.type == UNETMM_FRAME_RUN && frame.length == 1 && payload[0] <= 1) {
        run(d, frame.sequence, payload[0]);
    } else if (frame.type == UNETMM_FRAME_SELFTEST && frame.length == 2 && payload[0] < UNETMM_SELFTEST_CASES) {
        selftest(d, frame.sequence, payload[0], payload[1]);
    } else if (frame.type >= UNETMM_FRAME_HELLO && frame.type <= UNETMM_FRAME_SELFTEST) {
        complain(d, UNETMM_FRAME_MALFORMED);
    } else if (frame.type != UNETMM_FRAME_ROWS && frame.type != UNETMM_FRAME_TAKEN) { /* these came late */
        complain(d, UNETMM_FRAME_UNKNOWN);
    }
}

void unetmm_device_serve(unetmm_device *d)
{
    d->paint = SECOND_PAINT;
    while (d->closed == 0) {
        if (d->pending != 0 || wait(d, 0) == CAME) {
            d->pending = 0;
            answer(d);
        }
    }
}
