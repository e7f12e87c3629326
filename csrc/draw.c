/* Fill a box of memory by a program. This file is compiled once for each instruction set. */
#include "encode.h"

/* The rows of a box whose elements lie next to each other across the rows are written in tiles of this width. */
#define TILE 64

/* One program in one instruction set. */
typedef struct {
    int bits, streams, parts;
    uint64_t stream;
    /* Turn words, each stream in an array of its own, into values, each part in an array of its own. */
    void (*run)(const void *numbers, const void *words, void *values, uint32_t count);
    /* Fill some whole groups of words from a block on; NULL if the program is not hot. */
    void (*fill)(const void *numbers, const Keys *keys, uint64_t block, uint32_t groups, float *out);
} Program;

/* Elements of one row that are filled at once. */
typedef struct {
    char *memory;     /* of the first element of the row */
    uint64_t position; /* in the row */
    uint32_t count, word; /* the number of elements, and the first of their words in the batch */
} Segment;

typedef struct {
    const Draw *draw;
    const Program *program;
    Keys keys;
    int is_tiled;
    uint32_t segments, blocks;
    Segment segment[BATCH / 4];
    uint64_t block[BATCH / 4];
    _Alignas(64) uint64_t words[2 * BATCH];
    _Alignas(64) uint64_t values[2 * BATCH];
    _Alignas(64) uint64_t elements[2 * BATCH];
} Batch;

#define RUN(index, bits, stream, streams, parts, number_count, has_rare, is_hot, digest) \
    static void run_of_##index(const void *numbers, const void *words, void *values, uint32_t count) { \
        run_##bits((Facts){index, streams, parts, has_rare}, numbers, words, values, count); \
    } \
    FILL_##is_hot(index, has_rare)
#define FILL_0(index, has_rare)
#if BYTES > 16
#define FILL_1(index, has_rare) \
    static void fill_of_##index(const void *numbers, const Keys *keys, uint64_t block, uint32_t groups, float *out) { \
        fill_groups((Facts){index, 1, 1, has_rare}, numbers, keys, block, groups, out); \
    }
#define NAME_1(index) fill_of_##index
#else
#define FILL_1(index, has_rare)
#define NAME_1(index) NULL
#endif
#define NAME_0(index) NULL
EACH_PROGRAM(RUN)

#define ROW(index, bits, stream, streams, parts, number_count, has_rare, is_hot, digest) \
    {bits, streams, parts, stream, run_of_##index, NAME_##is_hot(index)},
static const Program programs[PROGRAMS] = {EACH_PROGRAM(ROW)};

/* Write the offsets in memory of the elements of a row from a position on. */
static void offsets_of(const Box *box, uint64_t position, uint32_t count, int64_t *offsets) {
    uint64_t at[AXES];
    int64_t offset = 0;
    for (int k = box->axes - 1; k >= box->outer; k--) {
        at[k] = position % box->size[k], position /= box->size[k];
        offset += (int64_t)at[k] * box->stride[k];
    }
    for (uint32_t n = 0; n < count; n++) {
        offsets[n] = offset;
        for (int k = box->axes - 1; k >= box->outer; k--) {
            offset += box->stride[k];
            if (++at[k] < box->size[k]) break;
            offset -= (int64_t)at[k] * box->stride[k], at[k] = 0;
        }
    }
}

/* Move elements of some size to memory: each row on its own, or across the rows of a tile. */
#define DEFINE_MOVE(size) \
    static void move_##size(const Batch *b, const char *elements) { \
        int64_t offsets[BATCH]; \
        const Segment *first = b->segment; \
        if (b->is_tiled) { \
            offsets_of(&b->draw->box, first->position, first->count, offsets); \
            for (uint32_t k = 0; k < first->count; k++) \
                for (const Segment *s = first; s < first + b->segments; s++) \
                    memcpy(s->memory + offsets[k], elements + (size_t)(s->word + k) * size, size); \
            return; \
        } \
        for (const Segment *s = first; s < first + b->segments; s++) { \
            offsets_of(&b->draw->box, s->position, s->count, offsets); \
            for (uint32_t k = 0; k < s->count; k++) \
                memcpy(s->memory + offsets[k], elements + (size_t)(s->word + k) * size, size); \
        } \
    }
DEFINE_MOVE(1)
DEFINE_MOVE(2)
DEFINE_MOVE(4)
DEFINE_MOVE(8)
DEFINE_MOVE(16)

static void move(const Batch *b, const char *elements, int size) {
    const Box *box = &b->draw->box;
    if (box->outer + 1 == box->axes && box->stride[box->outer] == size) {
        for (const Segment *s = b->segment; s < b->segment + b->segments; s++)
            memcpy(s->memory + s->position * (uint64_t)size, elements + (size_t)s->word * (size_t)size, s->count * (size_t)size);
        return;
    }
    switch (size) {
    case 1: move_1(b, elements); break;
    case 2: move_2(b, elements); break;
    case 4: move_4(b, elements); break;
    case 8: move_8(b, elements); break;
    default: move_16(b, elements); break;
    }
}

/* Make the words of the batch, turn them into elements, and move these to memory. */
static void flush(Batch *b) {
    if (!b->blocks) return;
    const Program *p = b->program;
    uint32_t per_block = 256 / (uint32_t)p->bits, words = b->blocks * per_block;
    /* Whole vectors of blocks. */
    while (b->blocks % (2 * LANES_64)) b->block[b->blocks++] = 0;
    for (int s = 0; s < p->streams; s++)
        words_of(b->block, b->blocks, p->stream + (uint64_t)s, &b->keys, b->words + s * (BATCH / 64) * p->bits);
    p->run(b->draw->numbers, b->words, b->values, b->blocks * per_block);
    move(b, encoded(b->draw->format, b->values, words, b->elements), size_of(b->draw->format));
    b->blocks = b->segments = 0;
}

/* Fill a part of a row; ``start`` is the logical index of its first element. */
static void add(Batch *b, char *memory, uint64_t position, uint64_t start, uint64_t count) {
    uint64_t per_block = 256 / (uint64_t)b->program->bits, block = start / per_block, skip = start % per_block;
    while (count) {
        uint32_t free_blocks = BATCH / (uint32_t)per_block - b->blocks;
        if (!free_blocks) {
            flush(b);
            continue;
        }
        uint64_t room = free_blocks * per_block - skip, n = count < room ? count : room;
        uint64_t taken = (skip + n + per_block - 1) / per_block;
        b->segment[b->segments++] =
            (Segment){memory, position, (uint32_t)n, b->blocks * (uint32_t)per_block + (uint32_t)skip};
        for (uint64_t k = 0; k < taken; k++) b->block[b->blocks++] = block + k;
        position += n, count -= n, block += taken, skip = 0;
    }
}

/* Fill a row of floats in contiguous memory, as far as it has whole groups. */
static void fill_row(Batch *b, char *memory, uint64_t start, uint64_t count) {
    uint64_t skip = (8 - start % 8) % 8, position = skip < count ? skip : count;
    int size = size_of(b->draw->format);
    add(b, memory, 0, start, position);
    while (count - position >= GROUP) {
        uint64_t groups = (count - position) / GROUP, n = groups < GROUPS ? groups : GROUPS;
        float *out = size == 4 && b->draw->format == FLOAT32 ? (float *)(memory + 4 * position) : (float *)b->elements;
        float *values = b->draw->format == FLOAT32 ? out : (float *)b->values;
        b->program->fill(b->draw->numbers, &b->keys, (start + position) / 8, (uint32_t)n, values);
        if (b->draw->format != FLOAT32) {
            const void *elements = encoded(b->draw->format, values, (uint32_t)(n * GROUP), b->elements);
            memcpy(memory + position * (uint64_t)size, elements, n * GROUP * (uint64_t)size);
        }
        position += n * GROUP;
    }
    add(b, memory, position, start + position, count - position);
}

/* Fill the rows of a box, each by ``add`` or as whole groups. */
void OF_ISA(draw)(int program, const Draw *draw) {
    Batch b;
    const Box *box = &draw->box;
    b.draw = draw, b.program = programs + program, b.keys = keys_of(draw->key), b.segments = b.blocks = 0;
    int last = box->axes - 1, lead = box->lead;
    /* Whether the rows are worth whole groups of words. */
    int is_hot = b.program->fill && box->outer == last && box->stride[last] == size_of(draw->format) && box->run >= GROUP;
    b.is_tiled = lead >= 0;
    uint64_t at[AXES] = {0}, rows = lead < 0 ? 1 : box->size[lead], width = lead < 0 ? box->run : TILE;
    uint64_t start = box->first;
    char *memory = draw->memory;
    for (;;) {
        for (uint64_t position = 0; position < box->run; position += width) {
            uint64_t count = box->run - position < width ? box->run - position : width;
            for (uint64_t r = 0; r < rows; r++) {
                char *row = lead < 0 ? memory : memory + (int64_t)r * box->stride[lead];
                uint64_t first = lead < 0 ? start : start + r * box->step[lead];
                if (is_hot) {
                    fill_row(&b, row, first, count);
                    continue;
                }
                /* All segments of a tile have the same positions. */
                if (lead >= 0 && b.blocks + TILE / 4 + 1 > BATCH / (256 / (uint32_t)b.program->bits)) flush(&b);
                add(&b, row, position, first + position, count);
            }
            if (lead >= 0) flush(&b);
        }
        int k = box->outer - 1;
        for (; k >= 0; k--) {
            if (k == lead) continue;
            start += box->step[k], memory += box->stride[k];
            if (++at[k] < box->size[k]) break;
            start -= at[k] * box->step[k], memory -= (int64_t)at[k] * box->stride[k], at[k] = 0;
        }
        if (k < 0) break;
    }
    flush(&b);
}

void OF_ISA(values)(int program, const void *numbers, const uint32_t *words, float *values, uint64_t count) {
    uint32_t taken[BATCH] = {0}, made[BATCH];
    for (uint64_t k = 0; k < count; k += BATCH) {
        uint32_t n = count - k < BATCH ? (uint32_t)(count - k) : BATCH;
        memcpy(taken, words + k, 4 * n);
        programs[program].run(numbers, taken, made, BATCH);
        memcpy(values + k, made, 4 * n);
    }
}
