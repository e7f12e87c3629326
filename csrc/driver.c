/* Fill random boxes without Python, for the tools that watch memory: ``driver BOXES [SEED]``.
 *
 * Each box is filled by each instruction set and compared, byte by byte, with its elements drawn one at a time. The
 * memory has no byte too many, and the bytes between the elements keep their values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "programs_table.h"

#define MOST 700
#define RANKS 6

typedef struct {
    int bits, parts, numbers;
} Facts;

#define FACTS(index, bits, stream, streams, parts, numbers, has_rare, is_hot, digest) {bits, parts, numbers},
static const Facts facts[PROGRAMS] = {EACH_PROGRAM(FACTS)};

static uint64_t state;

/* G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", 2014. */
static uint64_t below(uint64_t bound) {
    uint64_t z = state += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return (z ^ z >> 31) % bound;
}

/* A box in memory: the axes of the logical array, and the distances of neighbours in bytes. */
typedef struct {
    int axes;
    uint64_t size[RANKS], shape[RANKS], corner[RANKS], elements;
    int64_t stride[RANKS];
    size_t bytes, start;
} Case;

/* Draw the sizes, few or many, and a larger logical array around them. */
static void choose_sizes(Case *c) {
    c->axes = (int)below(RANKS + 1), c->elements = 1;
    uint64_t longest = (uint64_t[]){2, 9, 30, MOST}[below(4)], around = (uint64_t[]){0, 8, 1u << 30}[below(3)];
    uint64_t whole = 1;
    for (int k = 0; k < c->axes; k++) {
        uint64_t room = MOST / c->elements, most = longest < room ? longest : room;
        c->size[k] = 1 + below(most), c->elements *= c->size[k];
        uint64_t before = below(2) ? 0 : below(around + 1);
        c->corner[k] = before, c->shape[k] = c->size[k] + before + (below(2) ? 0 : below(around + 1));
        if (c->shape[k] > (1ull << 50) / whole) c->shape[k] = c->size[k], c->corner[k] = 0;
        whole *= c->shape[k];
    }
}

/* Place the axes in memory in a random order, with gaps, and turned around. */
static void choose_strides(Case *c, int size) {
    int order[RANKS];
    int64_t stride = size;
    for (int k = 0; k < c->axes; k++) {
        int j = (int)below((uint64_t)k + 1);
        order[k] = order[j], order[j] = k;
    }
    if (below(3) == 0)
        for (int k = 0; k < c->axes; k++) order[k] = c->axes - 1 - k;
    int is_dense = (int)below(2);
    c->start = 0, c->bytes = (size_t)size;
    for (int k = 0; k < c->axes; k++) {
        int axis = order[k];
        uint64_t apart = is_dense ? 1 : 1 + below(2);
        c->stride[axis] = stride * (int64_t)apart;
        uint64_t span = (c->size[axis] - 1) * (uint64_t)c->stride[axis];
        c->bytes += span;
        stride = c->stride[axis] * (int64_t)c->size[axis] + (is_dense ? 0 : (int64_t)below(2) * size);
        if (!is_dense && below(3) == 0) c->stride[axis] = -c->stride[axis], c->start += span;
    }
}

static void fail(const char *what, const char *name, int program, Format format) {
    fprintf(stderr, "%s: %s, program %d, format %d\n", what, name, program, (int)format);
    exit(1);
}

/* Draw the elements one at a time. */
static void fill_singly(const Case *c, Draw draw, const Cpu *cpu, int program, char *memory) {
    uint64_t at[RANKS] = {0}, one[RANKS], corner[RANKS];
    for (uint64_t n = 0; n < c->elements; n++) {
        draw.memory = memory + c->start;
        for (int k = 0; k < c->axes; k++) {
            one[k] = 1, corner[k] = c->corner[k] + at[k], draw.memory += (int64_t)at[k] * c->stride[k];
        }
        if (!box_of(&draw.box, c->axes, size_of(draw.format), one, c->stride, c->shape, corner))
            fail("no box", cpu->name, program, draw.format);
        cpu->draw(program, &draw);
        for (int k = c->axes - 1; k >= 0 && ++at[k] == c->size[k]; k--) at[k] = 0;
    }
}

static char *new_memory(const Case *c) {
    char *memory = malloc(c->bytes);
    if (!memory) abort();
    memset(memory, 0x5a, c->bytes);
    return memory;
}

/* Random numbers near 1, for a program of either precision. */
static void *new_numbers(const Facts *of) {
    size_t size = (size_t)of->bits / 8;
    char *numbers = malloc(size * (size_t)of->numbers + 1);
    if (!numbers) abort();
    for (int k = 0; k < of->numbers; k++) {
        double wide = (double)below(1000) / 300 - 1;
        float narrow = (float)wide;
        memcpy(numbers + (size_t)k * size, size == 8 ? (void *)&wide : (void *)&narrow, size);
    }
    return numbers;
}

static void try_box(void) {
    int program = (int)below(PROGRAMS);
    Format format;
    do format = (Format)below(FORMATS);
    while (bits_of(format) != facts[program].bits || parts_of(format) != facts[program].parts);
    Case c;
    choose_sizes(&c);
    choose_strides(&c, size_of(format));
    void *numbers = new_numbers(facts + program);
    Draw draw = {.numbers = numbers, .key = {below(UINT64_MAX), below(UINT64_MAX)}, .format = format};
    char *expected = new_memory(&c);
    fill_singly(&c, draw, cpu_at(0), program, expected);
    for (int k = 0; cpu_at(k); k++) {
        char *memory = new_memory(&c);
        draw.memory = memory + c.start;
        if (!box_of(&draw.box, c.axes, size_of(format), c.size, c.stride, c.shape, c.corner))
            fail("no box", "", program, format);
        cpu_at(k)->draw(program, &draw);
        if (memcmp(memory, expected, c.bytes)) fail("other bytes", cpu_at(k)->name, program, format);
        free(memory);
    }
    free(expected);
    free(numbers);
}

int main(int count, char **given) {
    long boxes = count > 1 ? atol(given[1]) : 1000;
    state = count > 2 ? strtoull(given[2], NULL, 10) : 0;
    for (long k = 0; k < boxes; k++) try_box();
    printf("%ld boxes, each by", boxes);
    for (int k = 0; cpu_at(k); k++) printf(" %s", cpu_at(k)->name);
    printf("\n");
    return 0;
}
