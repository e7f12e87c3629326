/* Philox4x64-10 (J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, 2011), with the counters (block + 1, 0, 0, stream). */
#ifndef ARRAYINIT_PHILOX_H
#define ARRAYINIT_PHILOX_H

#include "vector.h"

#define ROUNDS 10
#define FIRST 0xD2E7470EE14C6C93ull
#define SECOND 0xCA5A826395121157ull
#define STEP_LOW 0x9E3779B97F4A7C15ull
#define STEP_HIGH 0xBB67AE8584CAA73Bull

typedef unsigned __int128 Wide;

/* The key words of each round. */
typedef struct {
    uint64_t low[ROUNDS], high[ROUNDS];
} Keys;

INLINE Keys keys_of(const uint64_t key[2]) {
    Keys keys;
    for (uint64_t r = 0; r < ROUNDS; r++) keys.low[r] = key[0] + r * STEP_LOW, keys.high[r] = key[1] + r * STEP_HIGH;
    return keys;
}

#if BYTES > 16
/* LANES_64 blocks, a block a lane. */
typedef struct {
    U64 a, b, c, d;
} Blocks;

#if defined(__AVX512IFMA__)
#define LOW_52 0xFFFFFFFFFFFFFull
/* Both halves of the product, by multiply-adds of 52 bits. */
INLINE void multiply(U64 x, uint64_t m, U64 *high, U64 *low) {
    __m512i zero = _mm512_setzero_si512(), a = (__m512i)x, rest = _mm512_srli_epi64(a, 52);
    __m512i m_low = _mm512_set1_epi64((long long)(m & LOW_52)), m_high = _mm512_set1_epi64((long long)(m >> 52));
    __m512i p = _mm512_madd52lo_epu64(_mm512_madd52hi_epu64(zero, a, m_low), a, m_high);
    __m512i p_rest = _mm512_madd52lo_epu64(zero, rest, m_low);
    __m512i q = _mm512_madd52hi_epu64(zero, a, m_high);
    __m512i q_rest = _mm512_madd52lo_epu64(_mm512_madd52hi_epu64(zero, rest, m_low), rest, m_high);
    *high = (((U64)p + (U64)p_rest) >> 12) + (((U64)q + (U64)q_rest) << 40);
    *low = (U64)_mm512_mullo_epi64(a, _mm512_set1_epi64((long long)m));
}
#else
#if BYTES == 64
#define MULTIPLY_LOW(x, y) ((U64)_mm512_mul_epu32((__m512i)(x), (__m512i)(y)))
#else
#define MULTIPLY_LOW(x, y) ((U64)_mm256_mul_epu32((__m256i)(x), (__m256i)(y)))
#endif
/* Both halves of the product, from halves of 32 bits. */
INLINE void multiply(U64 x, uint64_t m, U64 *high, U64 *low) {
    U64 x_high = x >> 32, m_low = ALL(U64, m), m_high = ALL(U64, m >> 32), p = MULTIPLY_LOW(x, m_low);
    U64 u = MULTIPLY_LOW(x_high, m_low) + (p >> 32), v = MULTIPLY_LOW(x, m_high) + (u & 0xffffffffu);
    *high = MULTIPLY_LOW(x_high, m_high) + (u >> 32) + (v >> 32);
#if BYTES == 64
    *low = (U64)_mm512_mask_blend_epi32(0xaaaa, (__m512i)p, (__m512i)(v << 32));
#else
    *low = (U64)_mm256_blend_epi32((__m256i)p, (__m256i)(v << 32), 0xaa);
#endif
}
#endif

/* The first two rounds need half of the multiplications: two of the words of the counter are 0. */
INLINE Blocks two_rounds(U64 counters, uint64_t stream, const Keys *keys) {
    Wide shared = (Wide)FIRST * keys->low[0];
    U64 c, d, high, low;
    multiply(counters, FIRST, &c, &d);
    multiply(c ^ (stream ^ keys->high[0]), SECOND, &high, &low);
    return (Blocks){
        high ^ keys->low[1],
        low,
        d ^ ((uint64_t)(shared >> 64) ^ keys->high[1]),
        ALL(U64, (uint64_t)shared),
    };
}

INLINE void round_of(Blocks *x, const Keys *keys, int r) {
    U64 high_a, low_a, high_c, low_c;
    multiply(x->a, FIRST, &high_a, &low_a);
    multiply(x->c, SECOND, &high_c, &low_c);
    *x = (Blocks){high_c ^ x->b ^ keys->low[r], low_c, high_a ^ x->d ^ keys->high[r], low_a};
}

/* Store the four words of each block together. */
INLINE void store_blocks(const Blocks *x, uint64_t *out) {
#if BYTES == 64
    __m512i a = (__m512i)x->a, b = (__m512i)x->b, c = (__m512i)x->c, d = (__m512i)x->d;
    __m512i ab = _mm512_unpacklo_epi64(a, b), cd = _mm512_unpacklo_epi64(c, d);
    __m512i p = _mm512_shuffle_i64x2(ab, cd, 0x88), r = _mm512_shuffle_i64x2(ab, cd, 0xdd);
    ab = _mm512_unpackhi_epi64(a, b), cd = _mm512_unpackhi_epi64(c, d);
    __m512i q = _mm512_shuffle_i64x2(ab, cd, 0x88), s = _mm512_shuffle_i64x2(ab, cd, 0xdd);
    _mm512_storeu_si512(out, _mm512_shuffle_i64x2(p, q, 0x88));
    _mm512_storeu_si512(out + 8, _mm512_shuffle_i64x2(r, s, 0x88));
    _mm512_storeu_si512(out + 16, _mm512_shuffle_i64x2(p, q, 0xdd));
    _mm512_storeu_si512(out + 24, _mm512_shuffle_i64x2(r, s, 0xdd));
#else
    __m256i a = (__m256i)x->a, b = (__m256i)x->b, c = (__m256i)x->c, d = (__m256i)x->d, *to = (__m256i *)out;
    __m256i ab = _mm256_unpacklo_epi64(a, b), cd = _mm256_unpacklo_epi64(c, d);
    __m256i next_ab = _mm256_unpackhi_epi64(a, b), next_cd = _mm256_unpackhi_epi64(c, d);
    _mm256_storeu_si256(to, _mm256_permute2x128_si256(ab, cd, 0x20));
    _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(next_ab, next_cd, 0x20));
    _mm256_storeu_si256(to + 2, _mm256_permute2x128_si256(ab, cd, 0x31));
    _mm256_storeu_si256(to + 3, _mm256_permute2x128_si256(next_ab, next_cd, 0x31));
#endif
}

/* The words of some blocks; ``blocks`` and ``out`` have room for a multiple of 2 LANES_64 blocks. */
INLINE void words_of(const uint64_t *blocks, uint32_t count, uint64_t stream, const Keys *keys, uint64_t *out) {
    for (uint32_t k = 0; k < count; k += 2 * LANES_64) {
        Blocks x = two_rounds(LOAD(U64, blocks + k) + 1, stream, keys);
        Blocks y = two_rounds(LOAD(U64, blocks + k + LANES_64) + 1, stream, keys);
        for (int r = 2; r < ROUNDS; r++) round_of(&x, keys, r), round_of(&y, keys, r);
        store_blocks(&x, out + 4 * k);
        store_blocks(&y, out + 4 * (k + LANES_64));
    }
}

#else
/* A multiplication of 64 bits is faster than vectors of two lanes. */
INLINE void words_of(const uint64_t *blocks, uint32_t count, uint64_t stream, const Keys *keys, uint64_t *out) {
    for (uint32_t k = 0; k < count; k++) {
        uint64_t a = blocks[k] + 1, b = 0, c = 0, d = stream;
        for (int r = 0; r < ROUNDS; r++) {
            Wide p = (Wide)FIRST * a, q = (Wide)SECOND * c;
            a = (uint64_t)(q >> 64) ^ b ^ keys->low[r], b = (uint64_t)q;
            c = (uint64_t)(p >> 64) ^ d ^ keys->high[r], d = (uint64_t)p;
        }
        out[4 * k] = a, out[4 * k + 1] = b, out[4 * k + 2] = c, out[4 * k + 3] = d;
    }
}
#endif

#endif
