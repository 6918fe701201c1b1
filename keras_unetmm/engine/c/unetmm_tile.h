/* Products of weights with two pixels, two outputs at once, on cores with the DSP extension.
 *
 * The values of both pixels are widened once to 16 bits and used for all outputs: for every four values ("quad") of the two
 * pixels a and b four words lie together, a[0] and a[2], a[1] and a[3], b[0] and b[2], b[1] and b[3]. Four bytes of weights
 * are widened in the same way where they are used.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_TILE_H
#define UNETMM_TILE_H

#include "unetmm_dsp.h"
#include "unetmm_requantize.h"
#include "unetmm_taps.h"
#include "unetmm_tile_dsp.h"

#if UNETMM_DSP

enum {
    UNETMM_PAIRED = UNETMM_SMALL, /* what must be known of the sums */
    UNETMM_QUADS = 40, /* that are widened at once */
    UNETMM_NARROW = 4 * UNETMM_QUADS, /* bytes of them */
    UNETMM_WHOLE = UNETMM_NARROW, /* bytes of a window that is small */
    UNETMM_WIDENED = 4 * UNETMM_QUADS, /* words that hold them widened, of two pixels */
    UNETMM_GROUP = 20 /* outputs whose sums are kept where a window has more quads than that */
};

/* Sums of two outputs v and w of two pixels. */
typedef struct unetmm_tile {
    int32_t av;
    int32_t aw;
    int32_t bv;
    int32_t bw;
} unetmm_tile;

/* The same of one pixel. */
typedef struct unetmm_pair {
    int32_t av;
    int32_t aw;
} unetmm_pair;

/* Widens n bytes of one pixel to every other two words of `to`; what a last quad lacks is 0. */
static inline void unetmm_widen(const int8_t *from, int32_t n, uint32_t *to)
{
    const int32_t before = n >= 4; /* whether there are bytes before those of the last quad */
#if UNETMM_TILES
    for (; n >= 16; n -= 16) {
        unetmm_widen_four(&from, &to);
    }
#endif
    for (; n >= 4; n -= 4, from += 4, to += 4) {
        const uint32_t bytes = unetmm_load_quad(from);
        to[0] = unetmm_widen_even(bytes);
        to[1] = unetmm_widen_odd(bytes);
    }
    if (n > 0) {
        uint32_t bytes = 0;
        if (before != 0) {
            bytes = unetmm_load_quad(from + n - 4) >> 8 * (4 - n);
        } else {
            for (int32_t i = n - 1; i >= 0; i--) {
                bytes = bytes << 8 | (uint8_t)from[i];
            }
        }
        to[0] = unetmm_widen_even(bytes);
        to[1] = unetmm_widen_odd(bytes);
    }
}

#if defined(__ARM_FEATURE_DSP) && defined(__OPTIMIZE__)

/* The compiler, left to itself, keeps half of a tile on the stack. These are its instructions for four values. */
#define UNETMM_QUAD_OF_TWO \
    "ldrd %[a0], %[a1], [%[x]], #8\n\t" \
    "ldr %[s], [%[v]], #4\n\t" \
    "ldrd %[b0], %[b1], [%[x]], #8\n\t" \
    "sxtb16 %[e], %[s]\n\t" \
    "sxtb16 %[s], %[s], ror #8\n\t" \
    "smlad %[av], %[e], %[a0], %[av]\n\t" \
    "smlad %[bv], %[e], %[b0], %[bv]\n\t" \
    "smlad %[av], %[s], %[a1], %[av]\n\t" \
    "smlad %[bv], %[s], %[b1], %[bv]\n\t" \
    "ldr %[s], [%[w]], #4\n\t" \
    "sxtb16 %[e], %[s]\n\t" \
    "sxtb16 %[s], %[s], ror #8\n\t" \
    "smlad %[aw], %[e], %[a0], %[aw]\n\t" \
    "smlad %[bw], %[e], %[b0], %[bw]\n\t" \
    "smlad %[aw], %[s], %[a1], %[aw]\n\t" \
    "smlad %[bw], %[s], %[b1], %[bw]\n\t"
#define UNETMM_QUAD_OF_ONE \
    "ldrd %[a0], %[a1], [%[x]], #16\n\t" \
    "ldr %[s], [%[v]], #4\n\t" \
    "sxtb16 %[e], %[s]\n\t" \
    "sxtb16 %[s], %[s], ror #8\n\t" \
    "smlad %[av], %[e], %[a0], %[av]\n\t" \
    "ldr %[u], [%[w]], #4\n\t" \
    "smlad %[av], %[s], %[a1], %[av]\n\t" \
    "sxtb16 %[e], %[u]\n\t" \
    "sxtb16 %[u], %[u], ror #8\n\t" \
    "smlad %[aw], %[e], %[a0], %[aw]\n\t" \
    "smlad %[aw], %[u], %[a1], %[aw]\n\t"

/* Adds the products of some quads of two pixels. */
static inline unetmm_tile unetmm_add_quads(const uint32_t *x, const int8_t *v, const int8_t *w, int32_t quads, unetmm_tile t)
{
    uint32_t a0, a1, b0, b1, s, e;
    const uint32_t *end = x + 4 * (quads & 3);
    while (x != end) {
        __asm__(UNETMM_QUAD_OF_TWO
                : [x] "+r"(x), [v] "+r"(v), [w] "+r"(w), [av] "+r"(t.av), [aw] "+r"(t.aw), [bv] "+r"(t.bv), [bw] "+r"(t.bw),
                  [a0] "=&r"(a0), [a1] "=&r"(a1), [b0] "=&r"(b0), [b1] "=&r"(b1), [s] "=&r"(s), [e] "=&r"(e)
                :
                : "memory");
    }
    for (end = x + 4 * (quads & ~3); x != end;) {
        __asm__(UNETMM_QUAD_OF_TWO UNETMM_QUAD_OF_TWO UNETMM_QUAD_OF_TWO UNETMM_QUAD_OF_TWO
                : [x] "+r"(x), [v] "+r"(v), [w] "+r"(w), [av] "+r"(t.av), [aw] "+r"(t.aw), [bv] "+r"(t.bv), [bw] "+r"(t.bw),
                  [a0] "=&r"(a0), [a1] "=&r"(a1), [b0] "=&r"(b0), [b1] "=&r"(b1), [s] "=&r"(s), [e] "=&r"(e)
                :
                : "memory");
    }
    return t;
}

/* The same of the first pixel alone. */
static inline unetmm_pair unetmm_add_quads_of_one(const uint32_t *x, const int8_t *v, const int8_t *w, int32_t quads, unetmm_pair t)
{
    uint32_t a0, a1, s, u, e;
    const uint32_t *end = x + 4 * (quads & 3);
    while (x != end) {
        __asm__(UNETMM_QUAD_OF_ONE
                : [x] "+r"(x), [v] "+r"(v), [w] "+r"(w), [av] "+r"(t.av), [aw] "+r"(t.aw), [a0] "=&r"(a0), [a1] "=&r"(a1),
                  [s] "=&r"(s), [u] "=&r"(u), [e] "=&r"(e)
                :
                : "memory");
    }
    for (end = x + 4 * (quads & ~3); x != end;) {
        __asm__(UNETMM_QUAD_OF_ONE UNETMM_QUAD_OF_ONE UNETMM_QUAD_OF_ONE UNETMM_QUAD_OF_ONE
                : [x] "+r"(x), [v] "+r"(v), [w] "+r"(w), [av] "+r"(t.av), [aw] "+r"(t.aw), [a0] "=&r"(a0), [a1] "=&r"(a1),
                  [s] "=&r"(s), [u] "=&r"(u), [e] "=&r"(e)
                :
                : "memory");
    }
    return t;
}

#undef UNETMM_QUAD_OF_TWO
#undef UNETMM_QUAD_OF_ONE

#else

/* Adds the products of some quads of the first pixel. */
static inline unetmm_pair unetmm_add_quads_of_one(const uint32_t *x, const int8_t *v, const int8_t *w, int32_t quads, unetmm_pair t)
{
    for (; quads > 0; quads--, x += 4, v += 4, w += 4) {
        const uint32_t v4 = unetmm_load_quad(v);
        const uint32_t w4 = unetmm_load_quad(w);
        t.av = unetmm_dot_pair(unetmm_widen_odd(v4), x[1], unetmm_dot_pair(unetmm_widen_even(v4), x[0], t.av));
        t.aw = unetmm_dot_pair(unetmm_widen_odd(w4), x[1], unetmm_dot_pair(unetmm_widen_even(w4), x[0], t.aw));
    }
    return t;
}

/* The same of two pixels. */
static inline unetmm_tile unetmm_add_quads(const uint32_t *x, const int8_t *v, const int8_t *w, int32_t quads, unetmm_tile t)
{
    const unetmm_pair a = unetmm_add_quads_of_one(x, v, w, quads, (unetmm_pair){t.av, t.aw});
    const unetmm_pair b = unetmm_add_quads_of_one(x + 2, v, w, quads, (unetmm_pair){t.bv, t.bw});
    return (unetmm_tile){a.av, a.aw, b.av, b.aw};
}

#endif

/* Widens bytes `from` to `end` - 1 of a line, byte by byte; for borders and odd numbers of channels. */
static inline void unetmm_fill_slowly(const unetmm_taps *at, const uint8_t *row, int32_t from, int32_t end, uint32_t *to)
{
    uint32_t bytes = 0;
    for (int32_t k = from; k < end; k++) {
        int32_t value = at->zero;
        if (row != NULL && k >= at->low && k < at->high) {
            const int32_t inside = k - at->low;
            const int32_t piece = inside / at->depth;
            value = (int8_t)row[at->begin + piece * at->jump + inside - piece * at->depth];
        }
        bytes = bytes >> 8 | (uint32_t)(uint8_t)value << 24;
        if ((k & 3) == 3) {
            to[0] = unetmm_widen_even(bytes);
            to[1] = unetmm_widen_odd(bytes);
            to += 4;
        }
    }
    if ((end & 3) != 0) {
        bytes >>= 8 * (4 - (end & 3));
        to[0] = unetmm_widen_even(bytes);
        to[1] = unetmm_widen_odd(bytes);
    }
}

/* Puts the padding's value in the place of n bytes, a multiple of 4. */
static inline void unetmm_fill_padding(const unetmm_taps *at, int32_t n, uint32_t *to)
{
    const uint32_t value = (uint16_t)at->zero | (uint32_t)at->zero << 16;
    for (; n > 0; n -= 4, to += 4) {
        to[0] = value;
        to[1] = value;
    }
}

/* Widens bytes `from` to `end` - 1 of a line, which lie in pieces of `depth` bytes, a multiple of 4 but for the last one's. */
static inline void unetmm_fill_pieces(const unetmm_taps *at, const uint8_t *row, int32_t from, int32_t end, uint32_t *to)
{
    const int8_t *piece = (const int8_t *)row + at->begin;
    int32_t inside = from - at->low;
    for (; inside >= at->depth; inside -= at->depth) {
        piece += at->jump;
    }
    while (from < end) {
        const int32_t n = at->depth - inside < end - from ? at->depth - inside : end - from;
        unetmm_widen(piece + inside, n, to);
        to += n;
        from += n;
        piece += from < end ? at->jump : 0;
        inside = 0;
    }
}

/* Widens bytes `from` to `end` - 1 of a line; `from` is a multiple of 4. */
static inline void unetmm_fill_line(const unetmm_taps *at, const uint8_t *row, int32_t from, int32_t end, uint32_t *to)
{
    if (row == NULL) {
        unetmm_fill_padding(at, end - from, to);
    } else if (at->low == 0 && at->high == at->filled && at->depth >= at->filled) {
        unetmm_widen((const int8_t *)row + at->begin + from, (end < at->filled ? end : at->filled) - from, to);
    } else if (((at->low | at->depth) & 3) != 0 || ((at->high & 3) != 0 && at->high < at->filled)) {
        unetmm_fill_slowly(at, row, from, end, to);
    } else {
        const int32_t first = unetmm_clamp(at->low, from, end);
        const int32_t last = unetmm_clamp(at->high, first, end);
        const int32_t rest = (last + 3) & ~3; /* what a last quad lacks meets weights of 0 */
        unetmm_fill_padding(at, first - from, to);
        unetmm_fill_pieces(at, row, first, last, to + (first - from));
        unetmm_fill_padding(at, end - rest, to + (rest - from));
    }
}

/* Widens bytes `from` to `end` - 1 of a window; `from` is a multiple of 4. */
static inline void unetmm_fill(const unetmm_taps *at, int32_t from, int32_t end, uint32_t *to)
{
    int32_t row = from / at->line;
    int32_t begin = from - row * at->line;
    while (from < end) {
        const int32_t n = at->line - begin < end - from ? at->line - begin : end - from;
        unetmm_fill_line(at, at->rows[row], begin, begin + n, to);
        to += n;
        from += n;
        row++;
        begin = 0;
    }
}

/* How sums become values; a copy of its own, so that it stays in registers while bytes are written. */
typedef struct unetmm_rounding {
    int32_t offset; /* twice the zero point, and 1 for the last rounding */
    int32_t negative; /* whether values below the zero point are kept */
    int32_t limited; /* whether there are other limits than those of a byte or the zero point */
    uint32_t low; /* in each byte */
    uint32_t high;
} unetmm_rounding;

static inline unetmm_rounding unetmm_rounding_of(int32_t zero, int32_t low, int32_t high)
{
    const int32_t rectified = low == zero;
    const int32_t limited = (rectified == 0 && low > INT8_MIN) || high < INT8_MAX;
    return (unetmm_rounding){2 * zero + 1, rectified == 0, limited, (uint8_t)low * 0x01010101u, (uint8_t)high * 0x01010101u};
}

/* Rounds four sums, which are below 2^30, as unetmm_rescale_small does; each has a bias, a multiplier and a shift at its
 * pointer. A value that is less than 0 before the last halving is below the zero point, so that a rectification costs one
 * instruction. */
static inline unetmm_tile unetmm_round(unetmm_rounding r, const int32_t *av, const int32_t *aw, const int32_t *bv, const int32_t *bw, unetmm_tile t)
{
    t.av = unetmm_multiply_top(2 * t.av, av[1]);
    t.aw = unetmm_multiply_top(2 * t.aw, aw[1]);
    t.bv = unetmm_multiply_top(2 * t.bv, bv[1]);
    t.bw = unetmm_multiply_top(2 * t.bw, bw[1]);
    t.av = (t.av + (t.av >> 31)) >> ~av[2];
    t.aw = (t.aw + (t.aw >> 31)) >> ~aw[2];
    t.bv = (t.bv + (t.bv >> 31)) >> ~bv[2];
    t.bw = (t.bw + (t.bw >> 31)) >> ~bw[2];
    if (r.negative == 0) {
        t.av &= ~(t.av >> 31);
        t.aw &= ~(t.aw >> 31);
        t.bv &= ~(t.bv >> 31);
        t.bw &= ~(t.bw >> 31);
    }
    t.av = unetmm_saturate_half(t.av + r.offset);
    t.aw = unetmm_saturate_half(t.aw + r.offset);
    t.bv = unetmm_saturate_half(t.bv + r.offset);
    t.bw = unetmm_saturate_half(t.bw + r.offset);
    return t;
}

/* Four values as bytes, av in the lowest, within the limits. */
static inline uint32_t unetmm_bytes_of(unetmm_rounding r, unetmm_tile t)
{
    const uint32_t bytes = (uint32_t)(uint8_t)t.av | (uint32_t)(uint8_t)t.aw << 8 | (uint32_t)(uint8_t)t.bv << 16 | (uint32_t)(uint8_t)t.bw << 24;
    return r.limited != 0 ? unetmm_limit_bytes(bytes, r.low, r.high) : bytes;
}

/* Rounds the sums of two outputs, v and w, of two pixels. */
static inline unetmm_tile unetmm_round_tile(unetmm_rounding r, const int32_t *v, const int32_t *w, unetmm_tile t)
{
    return unetmm_round(r, v, w, v, w, t);
}

/* Rounds the sums of four outputs that follow each other. */
static inline unetmm_tile unetmm_round_four(unetmm_rounding r, const int32_t *channel, unetmm_tile t)
{
    return unetmm_round(r, channel, channel + 3, channel + 6, channel + 9, t);
}

/* Writes the values of two outputs, `step` apart: 1, or 0 where an odd last output is computed twice. */
static inline void unetmm_write_tile(unetmm_rounding r, unetmm_tile t, int8_t *a, int8_t *b, int32_t step)
{
    const uint32_t bytes = unetmm_bytes_of(r, t);
    const uint16_t first = (uint16_t)bytes;
    const uint16_t second = (uint16_t)(bytes >> 16);
    if (step != 0) {
        memcpy(a, &first, sizeof first);
        memcpy(b, &second, sizeof second);
    } else {
        a[0] = (int8_t)first;
        b[0] = (int8_t)second;
    }
}

#if UNETMM_TILES
/* As many outputs as there are whole tiles of; returns how many that are. */
static inline int32_t unetmm_compute_tiles(const unetmm_outputs *p, const uint32_t *x, int32_t quads)
{
    const int32_t step = p->b != NULL ? 2 : 4;
    const int32_t limited = p->low > INT8_MIN || p->high < INT8_MAX;
    const uint32_t *end = x + 4 * (quads & 3);
    const uint32_t *last = x + 4 * quads;
    const unetmm_tiles tiles = {p->channels, p->a, p->b, p->count / step, x, end, last, p->size, p->size - 4 * quads, 2 * p->zero + 1,
                                (uint8_t)p->low * 0x01010101u, (uint8_t)p->high * 0x01010101u, p->weights, limited};
    if (tiles.count > 0) {
        if (step == 2) {
            unetmm_tiles_of_two(&tiles);
        } else {
            unetmm_tiles_of_one(&tiles);
        }
    }
    return tiles.count * step;
}

/* All outputs of eight pixels, `stride` bytes apart, whose quads are few enough that x has place for all; the outputs of the
 * first go to p->a, those of the others `output_stride` bytes from there on. */
static inline void unetmm_compute_eight(const unetmm_outputs *p, const int8_t *from, int32_t stride, int32_t output_stride, int32_t quads, uint32_t *x)
{
    const int32_t limited = p->low > INT8_MIN || p->high < INT8_MAX;
    const unetmm_tiles tiles = {p->channels, p->a, (int8_t *)(uintptr_t)output_stride, p->count, x, x + 16 * (quads & 1), x + 16 * quads, p->size,
                                p->size - 4 * quads, 2 * p->zero + 1, (uint8_t)p->low * 0x01010101u, (uint8_t)p->high * 0x01010101u, p->weights, limited};
    for (int32_t k = 0; k < 8; k++) {
        unetmm_widen_apart(from + k * stride, quads, x + 2 * k);
    }
    unetmm_tiles_of_eight(&tiles);
}
#else
static inline int32_t unetmm_compute_tiles(const unetmm_outputs *p, const uint32_t *x, int32_t quads)
{
    (void)p;
    (void)x;
    (void)quads;
    return 0;
}
#endif

/* The outputs from o on where the whole window is in x. */
static __attribute__((noinline, unused)) void unetmm_compute_two(const unetmm_outputs *p, const uint32_t *x, int32_t quads, int32_t o)
{
    const unetmm_rounding r = unetmm_rounding_of(p->zero, p->low, p->high);
    const unetmm_outputs copy = *p;
    for (; o < copy.count; o += 2) {
        const int32_t step = o + 1 < copy.count;
        const int32_t *first = copy.channels + 3 * o;
        const int32_t *second = first + 3 * step;
        const int8_t *v = copy.weights + o * copy.size;
        const unetmm_tile t = {first[0], second[0], first[0], second[0]};
        const unetmm_tile sums = unetmm_add_quads(x, v, v + step * copy.size, quads, t);
        unetmm_write_tile(r, unetmm_round_tile(r, first, second, sums), copy.a + o, copy.b + o, step);
    }
}

/* The same of the first pixel alone. */
static __attribute__((noinline, unused)) void unetmm_compute_one(const unetmm_outputs *p, const uint32_t *x, int32_t quads, int32_t o)
{
    const unetmm_outputs copy = *p;
    for (; o < copy.count; o += 2) {
        const int32_t second = o + 1 < copy.count ? o + 1 : o;
        const int32_t *v = copy.channels + 3 * o;
        const int32_t *w = copy.channels + 3 * second;
        unetmm_pair t = {v[0], w[0]};
        t = unetmm_add_quads_of_one(x, copy.weights + o * copy.size, copy.weights + second * copy.size, quads, t);
        t.av = unetmm_clamp(unetmm_rescale_small(t.av, v[1], v[2], copy.zero), copy.low, copy.high);
        t.aw = unetmm_clamp(unetmm_rescale_small(t.aw, w[1], w[2], copy.zero), copy.low, copy.high);
        copy.a[o] = (int8_t)t.av;
        copy.a[second] = (int8_t)t.aw;
    }
}

/* All outputs of one pixel or two, where the whole window is in x. */
static inline void unetmm_compute_filled(const unetmm_outputs *p, const uint32_t *x, int32_t quads)
{
    const int32_t o = unetmm_compute_tiles(p, x, quads);
    if (o < p->count && p->b != NULL) {
        unetmm_compute_two(p, x, quads, o);
    } else if (o < p->count) {
        unetmm_compute_one(p, x, quads, o);
    }
}

/* All outputs of one pixel or two, of n bytes that lie together; x has place for them, widened. */
static inline void unetmm_compute_narrow(const unetmm_outputs *p, const int8_t *a, const int8_t *b, int32_t n, uint32_t *x)
{
    unetmm_widen(a, n, x);
    if (p->b != NULL) {
        unetmm_widen(b, n, x + 2);
    }
    unetmm_compute_filled(p, x, (n + 3) / 4);
}

/* All outputs of one pixel or two with small windows; `begin` are the bytes from the rows' pointers to the first one. */
static __attribute__((noinline, unused)) void unetmm_compute_lines(const unetmm_outputs *p, const unetmm_lines *lines, int32_t begin)
{
    uint32_t x[4 * UNETMM_QUADS];
    uint32_t *to = x;
    for (int32_t i = 0; i < lines->count; i++, to += lines->line) {
        const int8_t *row = (const int8_t *)lines->rows[i] + begin;
        unetmm_widen(row, lines->filled, to);
        if (p->b != NULL) {
            unetmm_widen(row + lines->second, lines->filled, to + 2);
        }
    }
    unetmm_compute_filled(p, x, lines->count * lines->line / 4);
}

/* Adds what is in x, which begins at byte `from` of the window, to the sums of a group of outputs. */
static inline void unetmm_add_part(const unetmm_outputs *p, const uint32_t *x, int32_t quads, int32_t from, int32_t first, int32_t end,
                                   unetmm_tile *sums)
{
#if UNETMM_TILES
    const int32_t step = p->b != NULL ? 2 : 4;
    const int8_t *weights = p->weights + first * p->size + from;
    const unetmm_adding adding = {&sums->av, (end - first) / step, x, x + 4 * (quads & 3), x + 4 * quads, p->size, p->size - 4 * quads, weights};
    if (adding.count > 0) {
        if (step == 2) {
            unetmm_add_to_two(&adding);
        } else {
            unetmm_add_to_one(&adding);
        }
        sums += adding.count * step / 2;
        first += adding.count * step;
    }
#endif
    for (int32_t o = first; o < end; o += 2, sums++) {
        const int8_t *v = p->weights + o * p->size + from;
        const int8_t *w = o + 1 < p->count ? v + p->size : v;
        if (p->b != NULL) {
            *sums = unetmm_add_quads(x, v, w, quads, *sums);
        } else {
            const unetmm_pair t = unetmm_add_quads_of_one(x, v, w, quads, (unetmm_pair){sums->av, sums->aw});
            *sums = (unetmm_tile){t.av, t.aw, t.av, t.aw};
        }
    }
}

/* All outputs of one pixel or two, whose windows are of `bytes` bytes. Not inlined, so that its buffers are on the stack once. */
static __attribute__((noinline, unused)) void unetmm_compute_outputs(const unetmm_outputs *p, const unetmm_taps *a, const unetmm_taps *b, int32_t bytes)
{
    uint32_t x[4 * UNETMM_QUADS];
    unetmm_tile sums[UNETMM_GROUP / 2];
    if (bytes <= 4 * UNETMM_QUADS) {
        unetmm_fill(a, 0, bytes, x);
        if (p->b != NULL) {
            unetmm_fill(b, 0, bytes, x + 2);
        }
        unetmm_compute_filled(p, x, (bytes + 3) / 4);
        return;
    }
    const unetmm_rounding r = unetmm_rounding_of(p->zero, p->low, p->high);
    for (int32_t first = 0; first < p->count; first += UNETMM_GROUP) {
        const int32_t end = p->count - first < UNETMM_GROUP ? p->count : first + UNETMM_GROUP;
        for (int32_t o = first; o < end; o += 2) {
            const int32_t second = o + 1 < end ? o + 1 : o;
            sums[(o - first) / 2] = (unetmm_tile){p->channels[3 * o], p->channels[3 * second], p->channels[3 * o], p->channels[3 * second]};
        }
        for (int32_t from = 0; from < bytes; from += 4 * UNETMM_QUADS) {
            const int32_t to = bytes - from < 4 * UNETMM_QUADS ? bytes : from + 4 * UNETMM_QUADS;
            unetmm_fill(a, from, to, x);
            if (p->b != NULL) {
                unetmm_fill(b, from, to, x + 2);
            }
            unetmm_add_part(p, x, (to - from + 3) / 4, from, first, end, sums);
        }
        for (int32_t o = first; o < end; o += 2) {
            const int32_t step = o + 1 < end;
            const unetmm_tile t = unetmm_round_tile(r, p->channels + 3 * o, p->channels + 3 * (o + step), sums[(o - first) / 2]);
            unetmm_write_tile(r, t, p->a + o, p->b != NULL ? p->b + o : p->a + o, step);
        }
    }
}

#endif

#endif
