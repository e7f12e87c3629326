/* The printed programs as loops over words. Where these functions are inlined, the compiler knows the program. */
#ifndef ARRAYINIT_PROGRAMS_H
#define ARRAYINIT_PROGRAMS_H

#include "core.h"
#include "philox.h"
#include "programs_printed.h"
#include "programs_table.h"

/* The words that are turned into values at once: they stay in the first cache. */
#define BATCH 1024

typedef struct {
    int program, streams, parts, has_rare;
} Facts;

/* Positions are appended as whole vectors, and the last vector of positions is filled up. */
typedef struct {
    uint32_t count, position[BATCH + LANES_32];
} Rare;

/* Turn words, BATCH apart for each stream, into values, BATCH apart for each part. The rare lanes are collected, and
 * done again at the end: few lanes need this, but most vectors have one. */
#define DEFINE_RUN(bits) \
    INLINE void redo_##bits(Facts of, const void *numbers, const uint##bits##_t *words, uint##bits##_t *values, Rare *r) { \
        for (uint32_t k = 0; k < LANES_##bits && r->count; k++) r->position[r->count + k] = r->position[0]; \
        for (uint32_t i = 0; i < r->count; i += LANES_##bits) { \
            const uint32_t *position = r->position + i; \
            uint##bits##_t lanes[LANES_##bits]; \
            U##bits w[2]; \
            F##bits out[2]; \
            for (int s = 0; s < of.streams; s++) { \
                for (int k = 0; k < LANES_##bits; k++) lanes[k] = words[s * BATCH + position[k]]; \
                w[s] = LOAD(U##bits, lanes); \
            } \
            whole_##bits(of.program, numbers, w, out); \
            for (int p = 0; p < of.parts; p++) { \
                STORE(F##bits, lanes, out[p]); \
                for (int k = 0; k < LANES_##bits; k++) values[p * BATCH + position[k]] = lanes[k]; \
            } \
        } \
    } \
    INLINE void run_##bits(Facts of, const void *numbers, const void *given, void *made, uint32_t count) { \
        const uint##bits##_t *words = given; \
        uint##bits##_t *values = made; \
        Rare rare; \
        rare.count = 0; \
        for (uint32_t k = 0; k < count; k += LANES_##bits) { \
            U##bits w[2]; \
            F##bits out[2]; \
            M##bits mask; \
            for (int s = 0; s < of.streams; s++) w[s] = LOAD(U##bits, words + s * BATCH + k); \
            usual_##bits(of.program, numbers, w, out, &mask); \
            for (int p = 0; p < of.parts; p++) STORE(F##bits, values + p * BATCH + k, out[p]); \
            if (of.has_rare) rare.count = append_##bits(rare.position, rare.count, mask, k); \
        } \
        if (of.has_rare) redo_##bits(of, numbers, words, values, &rare); \
    }
DEFINE_RUN(32)
DEFINE_RUN(64)

#if BYTES > 16
/* A group of words is eight vectors of floats. */
#define BLOCKS (2 * LANES_64)
#define GROUP (8 * BLOCKS)
#define GROUPS (BATCH / GROUP)

/* Fill at most GROUPS whole groups. The rounds for a group stand between the steps for the group before it, since
 * divisions and multiplications wait for different units. */
INLINE void fill_groups(Facts of, const void *numbers, const Keys *keys, uint64_t block, uint32_t groups, float *out) {
    uint64_t words[4 * BLOCKS * (GROUPS + 1)];
    Rare rare;
    rare.count = 0;
    const U64 lanes = LOAD(U64, ((uint64_t[]){1, 2, 3, 4, 5, 6, 7, 8}));
    for (uint32_t g = 0; g <= groups; g++) {
        U64 counters = lanes + (block + g * BLOCKS);
        Blocks x = two_rounds(counters, 0, keys), y = two_rounds(counters + LANES_64, 0, keys);
        const uint64_t *before = words + (g ? 4 * BLOCKS * (g - 1) : 0);
#pragma GCC unroll 8
        for (uint32_t r = 2; r < ROUNDS; r++) {
            round_of(&x, keys, (int)r), round_of(&y, keys, (int)r);
            if (!g) continue;
            uint32_t k = (g - 1) * GROUP + (r - 2) * LANES_32;
            U32 w = LOAD(U32, before + (r - 2) * LANES_64);
            F32 value;
            M32 mask;
            usual_32(of.program, numbers, &w, &value, &mask);
            STORE(F32, out + k, value);
            if (of.has_rare) rare.count = append_32(rare.position, rare.count, mask, k);
        }
        store_blocks(&x, words + 4 * BLOCKS * g), store_blocks(&y, words + 4 * BLOCKS * g + 4 * LANES_64);
    }
    if (of.has_rare) redo_32(of, numbers, (const uint32_t *)words, (uint32_t *)out, &rare);
}
#else
#define GROUP 8
#define GROUPS (BATCH / GROUP)
#endif

#endif
