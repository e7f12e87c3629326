/* The geometry of a box, and the key of a seed. */
#include "core.h"

int size_of(Format format) {
    static const int sizes[FORMATS] = {4, 8, 8, 16, 2, 2, 1, 1, 1, 1, 4, 4, 4, 4, 4, 4};
    return sizes[format];
}

int parts_of(Format format) { return format == COMPLEX64 || format == COMPLEX128 ? 2 : 1; }

int bits_of(Format format) { return format == FLOAT64 || format == COMPLEX128 ? 64 : 32; }

int box_of(
    Box *box, int axes, int64_t itemsize, const uint64_t *sizes, const int64_t *strides, const uint64_t *shape,
    const uint64_t *corner
) {
    uint64_t whole[AXES] = {1}, first[AXES] = {1}, step = 1;
    int last = 0;
    box->size[0] = 1, box->stride[0] = 0, first[0] = 0;
    for (int k = 0; k < axes; k++) {
        if (sizes[k] > shape[k] || corner[k] > shape[k] - sizes[k]) return 0;
        int is_whole = sizes[k] == shape[k];
        int64_t run = (int64_t)sizes[k] * strides[k];
        if (is_whole && (box->size[last] == 1 || box->stride[last] == run)) {
            box->size[last] *= sizes[k], whole[last] *= shape[k], first[last] *= shape[k];
        } else {
            last++;
            box->size[last] = sizes[k], whole[last] = shape[k], first[last] = corner[k];
        }
        box->stride[last] = strides[k];
    }
    box->axes = last + 1, box->first = 0;
    for (int k = last; k >= 0; k--) {
        box->step[k] = step, box->first += first[k] * step;
        if (__builtin_mul_overflow(step, whole[k], &step)) return 0;
    }
    box->outer = box->axes, box->run = 1;
    for (step = 1; box->outer && box->run == step; step *= whole[box->outer]) box->run *= box->size[--box->outer];
    box->lead = -1;
    for (int k = 0; k < last && box->stride[last] != itemsize; k++)
        if (box->stride[k] == itemsize && box->size[k] > 1) box->lead = k;
    /* Shorter rows, so that they have this axis before them. */
    if (box->lead >= 0 && box->outer <= box->lead) box->outer = box->lead + 1;
    box->run = 1;
    for (int k = box->outer; k <= last; k++) box->run *= box->size[k];
    return 1;
}

/* M. E. O'Neill, "Developing a seed_seq alternative", 2015. */
static uint32_t hashed(uint32_t x, uint32_t *hash) {
    x ^= *hash, *hash *= 0x931E8875u, x *= *hash;
    return x ^ x >> 16;
}

static uint32_t mixed(uint32_t x, uint32_t y) {
    uint32_t z = 0xCA01F9DDu * x - 0x4973F715u * y;
    return z ^ z >> 16;
}

void key_of(const uint32_t *words, size_t count, uint64_t key[2]) {
    uint32_t pool[4], state[4], hash = 0x43B0D7E5u, next = 0x8B51F9DDu;
    for (size_t k = 0; k < 4; k++) pool[k] = hashed(k < count ? words[k] : 0, &hash);
    for (size_t s = 0; s < 4; s++)
        for (size_t d = 0; d < 4; d++)
            if (d != s) pool[d] = mixed(pool[d], hashed(pool[s], &hash));
    for (size_t s = 4; s < count; s++)
        for (size_t d = 0; d < 4; d++) pool[d] = mixed(pool[d], hashed(words[s], &hash));
    for (size_t k = 0; k < 4; k++) {
        uint32_t x = pool[k] ^ next;
        next *= 0x58F38DEDu, x *= next, state[k] = x ^ x >> 16;
    }
    key[0] = state[0] | (uint64_t)state[1] << 32;
    key[1] = state[2] | (uint64_t)state[3] << 32;
}
