/* Vectors of BYTES bytes, and the operations of the printed programs on them.
 *
 * The arithmetic of GCC's and Clang's vector types is that of IEEE 754, one rounding each. This file adds what they lack.
 * ISA names the instruction set that a file is compiled for: base, avx2 or avx512. */
#ifndef ARRAYINIT_VECTOR_H
#define ARRAYINIT_VECTOR_H

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX2__)
#define BYTES 32
#else
#define BYTES 16
#endif

#define LANES_32 (BYTES / 4)
#define LANES_64 (BYTES / 8)

#define INLINE static inline __attribute__((always_inline, unused))
#define JOINED_(a, b) a##_##b
#define JOINED(a, b) JOINED_(a, b)
#define OF_ISA(name) JOINED(name, ISA)

/* Any address may be read and written as a vector. */
#define VECTOR(scalar, name) \
    typedef scalar name __attribute__((vector_size(BYTES))); \
    typedef scalar ANY_##name __attribute__((vector_size(BYTES), aligned(1), may_alias));
VECTOR(float, F32)
VECTOR(double, F64)
VECTOR(int32_t, I32)
VECTOR(uint32_t, U32)
VECTOR(int64_t, I64)
VECTOR(uint64_t, U64)

/* A difference, since 0 + -0 is 0. */
#define ALL(type, number) ((number) - (type){0})
#define LOAD(type, address) ((type) * (const ANY_##type *)(address))
#define STORE(type, address, vector) (*(ANY_##type *)(address) = (vector))

/* Masks: a bit a lane for AVX-512, else a lane that is all ones or zero. */
#if BYTES == 64
typedef __mmask16 M32;
typedef __mmask8 M64;
#define DEFINE_MASK(bits, cmp, blend, suffix, type, vector) \
    INLINE M##bits less_F##bits(F##bits x, F##bits y) { return cmp((vector)x, (vector)y, _CMP_LT_OQ); } \
    INLINE F##bits where_F##bits(M##bits m, F##bits x, F##bits y) { return (F##bits)blend(m, (vector)y, (vector)x); }
DEFINE_MASK(32, _mm512_cmp_ps_mask, _mm512_mask_blend_ps, ps, float, __m512)
DEFINE_MASK(64, _mm512_cmp_pd_mask, _mm512_mask_blend_pd, pd, double, __m512d)
INLINE M32 less_I32(I32 x, I32 y) { return _mm512_cmplt_epi32_mask((__m512i)x, (__m512i)y); }
INLINE M64 less_I64(I64 x, I64 y) { return _mm512_cmplt_epi64_mask((__m512i)x, (__m512i)y); }
#else
typedef I32 M32;
typedef I64 M64;
#define DEFINE_MASK(bits) \
    INLINE M##bits less_F##bits(F##bits x, F##bits y) { return (M##bits)(x < y); } \
    INLINE M##bits less_I##bits(I##bits x, I##bits y) { return (M##bits)(x < y); } \
    INLINE F##bits where_F##bits(M##bits m, F##bits x, F##bits y) { \
        return (F##bits)((m & (I##bits)x) | (~m & (I##bits)y)); \
    }
DEFINE_MASK(32)
DEFINE_MASK(64)
#endif

#if BYTES == 64
INLINE F32 sqrt_F32(F32 x) { return (F32)_mm512_sqrt_ps((__m512)x); }
INLINE F64 sqrt_F64(F64 x) { return (F64)_mm512_sqrt_pd((__m512d)x); }
#elif BYTES == 32
INLINE F32 sqrt_F32(F32 x) { return (F32)_mm256_sqrt_ps((__m256)x); }
INLINE F64 sqrt_F64(F64 x) { return (F64)_mm256_sqrt_pd((__m256d)x); }
#elif defined(__SSE2__)
INLINE F32 sqrt_F32(F32 x) { return (F32)_mm_sqrt_ps((__m128)x); }
INLINE F64 sqrt_F64(F64 x) { return (F64)_mm_sqrt_pd((__m128d)x); }
#else
INLINE F32 sqrt_F32(F32 x) {
    for (int k = 0; k < LANES_32; k++) x[k] = __builtin_sqrtf(x[k]);
    return x;
}
INLINE F64 sqrt_F64(F64 x) {
    for (int k = 0; k < LANES_64; k++) x[k] = __builtin_sqrt(x[k]);
    return x;
}
#endif

/* The sign bit is the only bit set in -0. */
#define DEFINE_SIGNS(bits, sign) \
    INLINE F##bits negative_F##bits(F##bits x) { return (F##bits)((U##bits)x ^ (sign)); } \
    INLINE F##bits copysign_F##bits(F##bits x, F##bits y) { \
        return (F##bits)(((U##bits)x & ~(sign)) | ((U##bits)y & (sign))); \
    } \
    INLINE F##bits minimum_F##bits(F##bits x, F##bits y) { return where_F##bits(less_F##bits(y, x), y, x); }
DEFINE_SIGNS(32, 0x80000000u)
DEFINE_SIGNS(64, 0x8000000000000000ull)

INLINE F32 convert_I32_F32(I32 k) { return __builtin_convertvector(k, F32); }
INLINE F32 convert_U32_F32(U32 k) { return __builtin_convertvector(k, F32); }
#if defined(__AVX512DQ__) || !defined(__SSE2__)
INLINE F64 convert_I64_F64(I64 k) { return __builtin_convertvector(k, F64); }
#else
/* Integers from -2^52 to 2^53: the halves are placed in the significands of 2^52 + half, and each step is exact. */
INLINE F64 convert_I64_F64(I64 k) {
    U64 raised = (U64)k + (1ull << 53), magic = ALL(U64, 0x4330000000000000ull);
    F64 high = (F64)(raised >> 32 | magic) - 0x1p52, low = (F64)((raised & 0xffffffffu) | magic) - 0x1p52;
    return (high * 0x1p32 - 0x1p53) + low;
}
#endif
INLINE F64 convert_U64_F64(U64 k) { return convert_I64_F64((I64)k); }

/* Append the positions of the lanes that a mask selects, which begin at ``first``; return the new count. Up to one
 * vector of positions beyond the count is overwritten. */
#if BYTES == 64
INLINE uint32_t append_32(uint32_t *list, uint32_t count, M32 mask, uint32_t first) {
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i positions = _mm512_add_epi32(_mm512_set1_epi32((int)first), lanes);
    _mm512_storeu_si512(list + count, _mm512_maskz_compress_epi32(mask, positions));
    return count + (uint32_t)_mm_popcnt_u32(mask);
}
INLINE uint32_t append_64(uint32_t *list, uint32_t count, M64 mask, uint32_t first) {
    const __m256i lanes = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
    __m256i positions = _mm256_add_epi32(_mm256_set1_epi32((int)first), lanes);
    _mm256_storeu_si256((__m256i *)(list + count), _mm256_maskz_compress_epi32(mask, positions));
    return count + (uint32_t)_mm_popcnt_u32(mask);
}
#else
/* Without a branch, which would be mispredicted. */
INLINE uint32_t append_32(uint32_t *list, uint32_t count, M32 mask, uint32_t first) {
    for (uint32_t k = 0; k < LANES_32; k++) list[count] = first + k, count -= (uint32_t)mask[k];
    return count;
}
INLINE uint32_t append_64(uint32_t *list, uint32_t count, M64 mask, uint32_t first) {
    for (uint32_t k = 0; k < LANES_64; k++) list[count] = first + k, count -= (uint32_t)mask[k];
    return count;
}
#endif

#endif
