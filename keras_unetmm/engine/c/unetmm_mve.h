/* Products of weights with two pixels on cores with Helium (Cortex-M52, M55, M85): sixteen bytes at once.
 *
 * Bytes that lie together, of a pixel or of a whole window that was put together, are multiplied with the weights of two
 * outputs; sums of four outputs become values together. UNETMM_MVE is 1 where the compiler's target has such vectors.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_MVE_H
#define UNETMM_MVE_H

#include "unetmm_requantize.h"
#include "unetmm_taps.h"

#if defined(__ARM_FEATURE_MVE) && !defined(__ARM_BIG_ENDIAN)
#define UNETMM_MVE 1
#else
#define UNETMM_MVE 0
#endif

#if UNETMM_MVE

#include <arm_mve.h>

#include "unetmm_tile_mve.h"

enum {
    UNETMM_PAIRED = UNETMM_BELOW, /* what must be known of the multipliers */
    UNETMM_NARROW = INT16_MAX, /* bytes that may be read where they lie */
    UNETMM_WIDENED = 1, /* words that hold them widened: none */
    UNETMM_LANES = 16, /* bytes of a vector */
    UNETMM_FOUR = 4, /* outputs whose sums become values together */
    UNETMM_PART = 304, /* bytes of a window that are put together at once */
    UNETMM_WHOLE = UNETMM_PART, /* bytes of a window that is small */
    UNETMM_GROUP = 32 /* outputs whose sums are kept where a window has more bytes than that */
};

/* Adds n products of two pixels a and b with the weights of two outputs v and w to sums[0] (a, v), sums[1] (a, w),
 * sums[4] (b, v) and sums[5] (b, w), or to 0 where they are `fresh`. The loop's last turn takes only the bytes that are left. */
static inline void unetmm_add_bytes(const int8_t *a, const int8_t *b, const int8_t *v, const int8_t *w, int32_t n, int fresh, int32_t *sums)
{
    int32_t av = fresh != 0 ? 0 : sums[0];
    int32_t aw = fresh != 0 ? 0 : sums[1];
    int32_t bv = fresh != 0 ? 0 : sums[4];
    int32_t bw = fresh != 0 ? 0 : sums[5];
    __asm__("wlstp.8 lr, %[n], 2f\n\t"
            "1:\n\t"
            "vldrb.8 q0, [%[a]], #16\n\t"
            "vldrb.8 q1, [%[v]], #16\n\t"
            "vmladava.s8 %[av], q0, q1\n\t"
            "vldrb.8 q2, [%[w]], #16\n\t"
            "vmladava.s8 %[aw], q0, q2\n\t"
            "vldrb.8 q3, [%[b]], #16\n\t"
            "vmladava.s8 %[bv], q3, q1\n\t"
            "vmladava.s8 %[bw], q3, q2\n\t"
            "letp lr, 1b\n\t"
            "2:"
            : [a] "+r"(a), [b] "+r"(b), [v] "+r"(v), [w] "+r"(w), [av] "+Te"(av), [aw] "+Te"(aw), [bv] "+Te"(bv), [bw] "+Te"(bw)
            : [n] "r"(n)
            : "q0", "q1", "q2", "q3", "lr", "cc", "memory");
    sums[0] = av;
    sums[1] = aw;
    sums[4] = bv;
    sums[5] = bw;
}

/* The same of one pixel. */
static inline void unetmm_add_bytes_of_one(const int8_t *a, const int8_t *v, const int8_t *w, int32_t n, int fresh, int32_t *sums)
{
    int32_t av = fresh != 0 ? 0 : sums[0];
    int32_t aw = fresh != 0 ? 0 : sums[1];
    __asm__("wlstp.8 lr, %[n], 2f\n\t"
            "1:\n\t"
            "vldrb.8 q0, [%[a]], #16\n\t"
            "vldrb.8 q1, [%[v]], #16\n\t"
            "vmladava.s8 %[av], q0, q1\n\t"
            "vldrb.8 q2, [%[w]], #16\n\t"
            "vmladava.s8 %[aw], q0, q2\n\t"
            "letp lr, 1b\n\t"
            "2:"
            : [a] "+r"(a), [v] "+r"(v), [w] "+r"(w), [av] "+Te"(av), [aw] "+Te"(aw)
            : [n] "r"(n)
            : "q0", "q1", "q2", "lr", "cc", "memory");
    sums[0] = av;
    sums[1] = aw;
}

/* Copies n bytes. */
static inline void unetmm_copy_bytes(const int8_t *from, int32_t n, int8_t *to)
{
    __asm__ volatile("wlstp.8 lr, %[n], 2f\n\t"
            "1:\n\t"
            "vldrb.8 q0, [%[from]], #16\n\t"
            "vstrb.8 q0, [%[to]], #16\n\t"
            "letp lr, 1b\n\t"
            "2:"
            : [from] "+r"(from), [to] "+r"(to)
            : [n] "r"(n)
            : "q0", "lr", "cc", "memory");
}

/* Puts the padding's value in n places. */
static inline void unetmm_fill_bytes(int32_t value, int32_t n, int8_t *to)
{
    for (int32_t i = 0; i < n; i += UNETMM_LANES) {
        vstrbq_p_s8(to + i, vdupq_n_s8((int8_t)value), vctp8q((uint32_t)(n - i)));
    }
}

/* The same of whole lines that lie in one piece. */
static inline void unetmm_gather_lines(const unetmm_taps *at, int32_t row, int32_t end, int8_t *to)
{
    for (; row < end; row++, to += at->line) {
        if (at->rows[row] == NULL) {
            unetmm_fill_bytes(at->zero, at->line, to);
        } else {
            unetmm_copy_bytes((const int8_t *)at->rows[row] + at->begin, at->line, to);
        }
    }
}

/* Puts bytes `from` to `end` - 1 of a window together. */
static inline void unetmm_gather(const unetmm_taps *at, int32_t from, int32_t end, int8_t *to)
{
    int32_t row = from / at->line;
    int32_t begin = from - row * at->line;
    if (begin == 0 && at->low == 0 && at->high == at->line && at->depth >= at->line && end % at->line == 0) {
        unetmm_gather_lines(at, row, end / at->line, to);
        return;
    }
    while (from < end) {
        const int32_t n = at->line - begin < end - from ? at->line - begin : end - from;
        const uint8_t *map = at->rows[row];
        const int32_t first = map == NULL ? begin + n : unetmm_clamp(at->low, begin, begin + n);
        const int32_t last = map == NULL ? begin + n : unetmm_clamp(at->high, first, begin + n);
        unetmm_fill_bytes(at->zero, first - begin, to);
        int32_t inside = first - at->low;
        int32_t offset = at->begin;
        for (; first < last && inside >= at->depth; inside -= at->depth) {
            offset += at->jump;
        }
        for (int32_t k = first; k < last;) {
            const int32_t piece = at->depth - inside < last - k ? at->depth - inside : last - k;
            unetmm_copy_bytes((const int8_t *)map + offset + inside, piece, to + (k - begin));
            k += piece;
            offset += at->jump;
            inside = 0;
        }
        unetmm_fill_bytes(at->zero, begin + n - last, to + (last - begin));
        to += n;
        from += n;
        row++;
        begin = 0;
    }
}

/* Turns four sums, which have no bias yet, of one pixel into values. Rounds as unetmm_rescale_down does: the product is
 * doubled and rounded in one instruction, and the shift rounds. */
static inline int32x4_t unetmm_values_of(const unetmm_outputs *p, int32x4_t sums, int32x4_t bias, int32x4_t multiplier, int32x4_t shift)
{
    int32x4_t h = vqrdmulhq_s32(vaddq_s32(sums, bias), multiplier);
    h = vrshlq_s32(vaddq_s32(h, vshrq_n_s32(h, 31)), shift);
    h = vaddq_n_s32(h, p->zero);
    return vminq_s32(vmaxq_s32(h, vdupq_n_s32(p->low)), vdupq_n_s32(p->high));
}

/* Writes four outputs from o on of one pixel or two, from their sums. */
static inline void unetmm_finish_all(const unetmm_outputs *p, int32_t o, const int32_t *sums)
{
    const int32_t *channel = p->channels + 3 * o;
    const uint32x4_t places = vmulq_n_u32(vidupq_n_u32(0, 4), 3); /* 0, 12, 24 and 36 bytes */
    const int32x4_t bias = vldrwq_gather_offset_s32(channel, places);
    const int32x4_t multiplier = vldrwq_gather_offset_s32(channel + 1, places);
    const int32x4_t shift = vldrwq_gather_offset_s32(channel + 2, places);
    vstrbq_s32(p->a + o, unetmm_values_of(p, vldrwq_s32(sums), bias, multiplier, shift));
    if (p->b != NULL) {
        vstrbq_s32(p->b + o, unetmm_values_of(p, vldrwq_s32(sums + UNETMM_FOUR), bias, multiplier, shift));
    }
}

/* The same of those that are left. */
static inline void unetmm_finish_rest(const unetmm_outputs *p, int32_t o, const int32_t *sums)
{
    const int32_t *channel = p->channels + 3 * o;
    const mve_pred16_t lanes = vctp32q((uint32_t)(p->count - o));
    const uint32x4_t places = vmulq_n_u32(vidupq_n_u32(0, 4), 3);
    const int32x4_t bias = vldrwq_gather_offset_z_s32(channel, places, lanes);
    const int32x4_t multiplier = vldrwq_gather_offset_z_s32(channel + 1, places, lanes);
    const int32x4_t shift = vldrwq_gather_offset_z_s32(channel + 2, places, lanes);
    vstrbq_p_s32(p->a + o, unetmm_values_of(p, vldrwq_s32(sums), bias, multiplier, shift), lanes);
    if (p->b != NULL) {
        vstrbq_p_s32(p->b + o, unetmm_values_of(p, vldrwq_s32(sums + UNETMM_FOUR), bias, multiplier, shift), lanes);
    }
}

static inline void unetmm_finish(const unetmm_outputs *p, int32_t o, const int32_t *sums)
{
    if (p->count - o >= UNETMM_FOUR) {
        unetmm_finish_all(p, o, sums);
    } else {
        unetmm_finish_rest(p, o, sums);
    }
}

/* Adds n bytes, which begin at byte `from` of the windows, to the sums of four outputs from o on, or to 0. */
static inline void unetmm_add_four(const unetmm_outputs *p, int32_t o, const int8_t *a, const int8_t *b, int32_t from, int32_t n, int fresh,
                                   int32_t *sums)
{
    const int8_t *v = p->weights + o * p->size + from;
    const int32_t left = p->count - o < UNETMM_FOUR ? p->count - o : UNETMM_FOUR;
    for (int32_t i = 0; i < left; i += 2) {
        const int8_t *w = v + (i + 1 < left ? p->size : 0);
        if (p->b != NULL) {
            unetmm_add_bytes(a, b, v, w, n, fresh, sums + i);
        } else {
            unetmm_add_bytes_of_one(a, v, w, n, fresh, sums + i);
        }
        v = w + (i + 2 < left ? p->size : 0);
    }
}

/* All outputs of one pixel or two, of n bytes that lie together. */
static __attribute__((noinline, unused)) void unetmm_compute_narrow(const unetmm_outputs *p, const int8_t *a, const int8_t *b, int32_t n, uint32_t *x)
{
    (void)x;
    unetmm_tiles tiles;
    tiles.count = p->count / UNETMM_FOUR;
    if (tiles.count > 0) {
        vstrhq_s16(tiles.low, vdupq_n_s16((int16_t)p->low));
        vstrhq_s16(tiles.high, vdupq_n_s16((int16_t)p->high));
        tiles.channels = p->channels;
        tiles.to_a = p->a;
        tiles.to_b = p->b;
        tiles.zero = p->zero;
        tiles.size = p->size;
        tiles.weights = p->weights;
        tiles.n = n;
        tiles.a = a;
        tiles.b = b;
        if (p->b != NULL) {
            unetmm_tiles_of_two(&tiles);
        } else {
            unetmm_tiles_of_one(&tiles);
        }
    }
    const int32_t o = p->count & ~(UNETMM_FOUR - 1);
    if (o < p->count) {
        int32_t sums[2 * UNETMM_FOUR];
        unetmm_add_four(p, o, a, b, 0, n, 1, sums);
        unetmm_finish_rest(p, o, sums);
    }
}

/* All outputs of one pixel or two with small windows; `begin` are the bytes from the rows' pointers to the first one. */
static __attribute__((noinline, unused)) void unetmm_compute_lines(const unetmm_outputs *p, const unetmm_lines *lines, int32_t begin)
{
    int8_t x[2 * UNETMM_PART]; /* what fills a line up meets weights of 0 */
    int8_t *to = x;
    for (int32_t i = 0; i < lines->count; i++, to += lines->line) {
        const int8_t *row = (const int8_t *)lines->rows[i] + begin;
        unetmm_copy_bytes(row, lines->filled, to);
        if (p->b != NULL) {
            unetmm_copy_bytes(row + lines->second, lines->filled, to + UNETMM_PART);
        }
    }
    unetmm_compute_narrow(p, x, x + UNETMM_PART, lines->count * lines->line, NULL);
}

/* All outputs of one pixel or two, whose windows are of `bytes` bytes. Not inlined, so that its buffers are on the stack once. */
static __attribute__((noinline, unused)) void unetmm_compute_outputs(const unetmm_outputs *p, const unetmm_taps *a, const unetmm_taps *b, int32_t bytes)
{
    int8_t x[2 * UNETMM_PART];
    int32_t sums[2 * UNETMM_GROUP];
    const int32_t part = a->line <= UNETMM_PART ? UNETMM_PART / a->line * a->line : UNETMM_PART; /* whole lines if possible */
    for (int32_t first = 0; first < p->count; first += UNETMM_GROUP) {
        const int32_t end = p->count - first < UNETMM_GROUP ? p->count : first + UNETMM_GROUP;
        for (int32_t from = 0; from < bytes; from += part) {
            const int32_t n = bytes - from < part ? bytes - from : part;
            if (first == 0 || bytes > part) {
                unetmm_gather(a, from, from + n, x);
                if (p->b != NULL) {
                    unetmm_gather(b, from, from + n, x + UNETMM_PART);
                }
            }
            const int32_t whole = (end - first) / UNETMM_FOUR;
            if (from == 0) {
                memset(sums, 0, sizeof sums);
            }
            if (whole > 0) {
                const unetmm_adding adding = {sums, whole, p->size, n, p->weights + first * p->size + from, x, x + UNETMM_PART};
                if (p->b != NULL) {
                    unetmm_add_to_two(&adding);
                } else {
                    unetmm_add_to_one(&adding);
                }
            }
            if (first + UNETMM_FOUR * whole < end) {
                unetmm_add_four(p, first + UNETMM_FOUR * whole, x, x + UNETMM_PART, from, n, 0, sums + 2 * UNETMM_FOUR * whole);
            }
        }
        for (int32_t o = first; o < end; o += UNETMM_FOUR) {
            unetmm_finish(p, o, sums + 2 * (o - first));
        }
    }
}

#endif

#endif
