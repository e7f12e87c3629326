/* From values to elements of the memory, next to each other. Narrow floats are rounded once, to nearest even. */
#ifndef ARRAYINIT_ENCODE_H
#define ARRAYINIT_ENCODE_H

#include "core.h"
#include "programs.h"

/* A narrow float: the stored bits of its significand, the exponent of its least normal number, the codes of its largest
 * number, of overflow and of a sign, and whether it has -0. */
typedef struct {
    int significand, emin;
    uint32_t most, overflow, sign;
    int has_negative_zero;
} Narrow;

static const Narrow narrow_formats[FORMATS] = {
    [FLOAT16] = {10, -14, 0x7bff, 0x7c00, 0x8000, 1},
    [BFLOAT16] = {7, -126, 0x7f7f, 0x7f80, 0x8000, 1},
    [FLOAT8_E4M3FN] = {3, -6, 0x7e, 0x7f, 0x80, 1},
    [FLOAT8_E5M2] = {2, -14, 0x7b, 0x7c, 0x80, 1},
    [FLOAT8_E4M3FNUZ] = {3, -7, 0x7f, 0x80, 0x80, 0},
    [FLOAT8_E5M2FNUZ] = {2, -15, 0x7f, 0x80, 0x80, 0},
};

/* The code of a float, which is no NaN. */
INLINE uint32_t narrowed(uint32_t bits, Narrow to) {
    uint32_t size = bits & 0x7fffffffu;
    int shift = 23 - to.significand;
    uint32_t normal = (size + (1u << (shift - 1)) - 1 + (size >> shift & 1)) >> shift;
    normal -= (uint32_t)(to.emin + 126) << to.significand;
    /* A sum with a number whose last bit has the weight of the least number of the format rounds the sum to it. */
    uint32_t magic = (uint32_t)(to.emin + shift + 127) << 23;
    float x, y;
    memcpy(&x, &size, 4), memcpy(&y, &magic, 4);
    y += x;
    uint32_t code;
    memcpy(&code, &y, 4);
    code -= magic;
    code = size < (uint32_t)(to.emin + 127) << 23 ? code : normal;
    code = code > to.most ? to.overflow : code;
    return code | (to.has_negative_zero || code ? (bits >> 31) * to.sign : 0);
}

/* The bits of the float that has the value of a code. */
INLINE uint32_t widened(uint32_t code, Narrow from) {
    uint32_t sign = code & from.sign ? 0x80000000u : 0, size = code & (from.sign - 1);
    if (!from.has_negative_zero && code == from.sign) return 0x7fc00000u;
    if (size > from.most) return sign | (from.overflow & 1 ? 0x7fc00000u : 0x7f800000u);
    int shift = 23 - from.significand;
    uint32_t magic = (uint32_t)(from.emin + shift + 127) << 23, subnormal = size + magic, bits;
    float x, y;
    memcpy(&x, &subnormal, 4), memcpy(&y, &magic, 4);
    x -= y;
    memcpy(&bits, &x, 4);
    uint32_t normal = (size + ((uint32_t)(from.emin + 126) << from.significand)) << shift;
    return sign | (size >> from.significand ? normal : bits);
}

#define DEFINE_NARROW(name, type, expression) \
    static void name(const uint32_t *restrict values, uint32_t count, type *restrict out) { \
        for (uint32_t k = 0; k < count; k++) out[k] = (type)(expression); \
    }
DEFINE_NARROW(to_float16, uint16_t, narrowed(values[k], narrow_formats[FLOAT16]))
DEFINE_NARROW(to_bfloat16, uint16_t, narrowed(values[k], narrow_formats[BFLOAT16]))
DEFINE_NARROW(to_float8_e4m3fn, uint8_t, narrowed(values[k], narrow_formats[FLOAT8_E4M3FN]))
DEFINE_NARROW(to_float8_e5m2, uint8_t, narrowed(values[k], narrow_formats[FLOAT8_E5M2]))
DEFINE_NARROW(to_float8_e4m3fnuz, uint8_t, narrowed(values[k], narrow_formats[FLOAT8_E4M3FNUZ]))
DEFINE_NARROW(to_float8_e5m2fnuz, uint8_t, narrowed(values[k], narrow_formats[FLOAT8_E5M2FNUZ]))
#define DEFINE_ROUNDED(name, format) \
    DEFINE_NARROW(name, uint32_t, widened(narrowed(values[k], narrow_formats[format]), narrow_formats[format]))
DEFINE_ROUNDED(to_rounded_bfloat16, BFLOAT16)
DEFINE_ROUNDED(to_rounded_e4m3fn, FLOAT8_E4M3FN)
DEFINE_ROUNDED(to_rounded_e5m2, FLOAT8_E5M2)
DEFINE_ROUNDED(to_rounded_e4m3fnuz, FLOAT8_E4M3FNUZ)
DEFINE_ROUNDED(to_rounded_e5m2fnuz, FLOAT8_E5M2FNUZ)

#define DEFINE_JOIN(bits) \
    static void join_##bits(const uint##bits##_t *restrict values, uint32_t count, uint##bits##_t *restrict out) { \
        for (uint32_t k = 0; k < count; k++) out[2 * k] = values[k], out[2 * k + 1] = values[BATCH + k]; \
    }
DEFINE_JOIN(32)
DEFINE_JOIN(64)

/* Return the elements of these values, in ``room`` unless the values are the elements. */
static const void *encoded(Format format, const void *values, uint32_t count, void *room) {
    switch (format) {
    case FLOAT16: to_float16(values, count, room); return room;
    case BFLOAT16: to_bfloat16(values, count, room); return room;
    case FLOAT8_E4M3FN: to_float8_e4m3fn(values, count, room); return room;
    case FLOAT8_E5M2: to_float8_e5m2(values, count, room); return room;
    case FLOAT8_E4M3FNUZ: to_float8_e4m3fnuz(values, count, room); return room;
    case FLOAT8_E5M2FNUZ: to_float8_e5m2fnuz(values, count, room); return room;
    case ROUNDED_BFLOAT16: to_rounded_bfloat16(values, count, room); return room;
    case ROUNDED_E4M3FN: to_rounded_e4m3fn(values, count, room); return room;
    case ROUNDED_E5M2: to_rounded_e5m2(values, count, room); return room;
    case ROUNDED_E4M3FNUZ: to_rounded_e4m3fnuz(values, count, room); return room;
    case ROUNDED_E5M2FNUZ: to_rounded_e5m2fnuz(values, count, room); return room;
    case COMPLEX64: join_32(values, count, room); return room;
    case COMPLEX128: join_64(values, count, room); return room;
    default: return values;
    }
}

#endif
