/* From values to elements of the memory, next to each other. Narrow floats are rounded once, to nearest even. */
#ifndef ARRAYINIT_ENCODE_H
#define ARRAYINIT_ENCODE_H

#include "core.h"
#include "programs.h"

/* A narrow float: bits of the significand, the exponent of the least normal number, the code of overflow. */
typedef struct {
    int significand, emin;
    uint32_t most, overflow, sign;
} Narrow;

static const Narrow narrow_formats[FORMATS] = {
    [FLOAT16] = {10, -14, 0x7bff, 0x7c00, 0x8000},
    [BFLOAT16] = {7, -126, 0x7f7f, 0x7f80, 0x8000},
    [ROUNDED] = {7, -126, 0x7f7f, 0x7f80, 0x8000},
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
    return code | (bits >> 31) * to.sign;
}

#define DEFINE_NARROW(name, type, expression) \
    static void name(const uint32_t *restrict values, uint32_t count, type *restrict out) { \
        for (uint32_t k = 0; k < count; k++) out[k] = (type)(expression); \
    }
DEFINE_NARROW(to_float16, uint16_t, narrowed(values[k], narrow_formats[FLOAT16]))
DEFINE_NARROW(to_bfloat16, uint16_t, narrowed(values[k], narrow_formats[BFLOAT16]))
DEFINE_NARROW(to_rounded, uint32_t, narrowed(values[k], narrow_formats[ROUNDED]) << 16)

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
    case ROUNDED: to_rounded(values, count, room); return room;
    case COMPLEX64: join_32(values, count, room); return room;
    case COMPLEX128: join_64(values, count, room); return room;
    default: return values;
    }
}

#endif
