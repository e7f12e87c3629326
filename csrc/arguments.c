/* The checks of what Python hands to the module. */
#include "arguments.h"

#include <string.h>

#include "programs_table.h"

/* What is known of a program without its maths. */
typedef struct {
    uint64_t digest;
    int bits, parts, numbers;
} Facts;

#define FACTS(index, bits, stream, streams, parts, numbers, has_rare, is_hot, digest) {digest, bits, parts, numbers},
static const Facts facts[PROGRAMS] = {EACH_PROGRAM(FACTS)};

/* The struct codes of the memory of each format. What the struct module lacks is written into memory of integers. */
static const char *const codes[FORMATS] = {"f", "d", "Zf", "Zd", "e", "H", "B", "B", "B", "B",
                                            "f", "f", "f",  "f",  "f", "I"};

typedef struct {
    uint32_t program, format;
} Head;

const char *code_of(Format format) { return codes[format]; }

long program_with(uint64_t digest) {
    for (long k = 0; k < PROGRAMS; k++)
        if (facts[k].digest == digest) return k;
    return -1;
}

int law_of(PyObject *given, int *program, Draw *draw) {
    char *bytes;
    Py_ssize_t size;
    Head head;
    if (PyBytes_AsStringAndSize(given, &bytes, &size)) return -1;
    if (size < (Py_ssize_t)sizeof head) goto wrong;
    memcpy(&head, bytes, sizeof head);
    if (head.program >= PROGRAMS || head.format >= FORMATS) goto wrong;
    const Facts *of = facts + head.program;
    if (bits_of(head.format) != of->bits || parts_of(head.format) != of->parts) goto wrong;
    if (size != (Py_ssize_t)sizeof head + of->numbers * of->bits / 8) goto wrong;
    *program = (int)head.program, draw->format = (Format)head.format, draw->numbers = bytes + sizeof head;
    return 0;
wrong:
    PyErr_SetString(PyExc_ValueError, "not a law of this core");
    return -1;
}

static int append_words(PyObject *integers, uint32_t *words, size_t *count) {
    Py_ssize_t size = PyTuple_Size(integers);
    if (size < 0) return -1;
    for (Py_ssize_t k = 0; k < size; k++) {
        if (*count + 2 > WORDS) {
            PyErr_SetString(PyExc_OverflowError, "too many words");
            return -1;
        }
        uint64_t integer = PyLong_AsUnsignedLongLong(PyTuple_GetItem(integers, k));
        if (integer == (uint64_t)-1 && PyErr_Occurred()) return -1;
        words[(*count)++] = (uint32_t)integer;
        if (integer >> 32) words[(*count)++] = (uint32_t)(integer >> 32);
    }
    return 0;
}

int is_of(const Py_buffer *view, Format format) {
    const char *code = view->format ? view->format : "B";
    /* NumPy marks memory that is not aligned. */
    if (*code && strchr("@=<", *code)) code++;
    return !strcmp(code, codes[format]) && view->itemsize == size_of(format);
}

int take_seed(PyObject *entropy, PyObject *spawn_key, uint64_t key[2]) {
    uint32_t words[WORDS] = {0};
    size_t count = 0;
    if (append_words(entropy, words, &count)) return -1;
    Py_ssize_t spawned = PyTuple_Size(spawn_key);
    if (spawned < 0) return -1;
    /* The words of a spawn key come after a full pool. */
    if (spawned && count < POOL) count = POOL;
    if (append_words(spawn_key, words, &count)) return -1;
    key_of(words, count, key);
    return 0;
}

int take_key(PyObject *given, uint64_t key[2]) {
    if (PyTuple_Check(given)) {
        Py_ssize_t size = PyTuple_Size(given);
        if (size == 3) {
            long pool = PyLong_AsLong(PyTuple_GetItem(given, 2));
            if (pool == -1 && PyErr_Occurred()) return -1;
            if (pool == POOL) return take_seed(PyTuple_GetItem(given, 0), PyTuple_GetItem(given, 1), key);
            PyErr_SetString(PyExc_OverflowError, "a pool of another size than 4");
            return -1;
        }
        if (size != 2) {
            PyErr_SetString(PyExc_ValueError, "a key has two words, and a seed entropy, spawn key and pool size");
            return -1;
        }
        for (Py_ssize_t k = 0; k < 2; k++) {
            key[k] = PyLong_AsUnsignedLongLong(PyTuple_GetItem(given, k));
            if (key[k] == (uint64_t)-1 && PyErr_Occurred()) return -1;
        }
        return 0;
    }
    uint64_t seed = PyLong_AsUnsignedLongLong(given);
    if (seed == (uint64_t)-1 && PyErr_Occurred()) return -1;
    uint32_t words[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    key_of(words, words[1] ? 2 : 1, key);
    return 0;
}

int take_integers(PyObject *given, int count, uint64_t *out) {
    if (!PyTuple_Check(given) || PyTuple_Size(given) != count) {
        PyErr_SetString(PyExc_ValueError, "shape and corner are tuples with an integer for each axis");
        return -1;
    }
    for (int k = 0; k < count; k++) {
        out[k] = PyLong_AsUnsignedLongLong(PyTuple_GetItem(given, k));
        if (out[k] == (uint64_t)-1 && PyErr_Occurred()) return -1;
    }
    return 0;
}

int take_box(const Py_buffer *view, PyObject *shape, PyObject *corner, Box *box) {
    uint64_t sizes[AXES], whole[AXES], first[AXES] = {0};
    int64_t strides[AXES];
    for (int k = 0; k < view->ndim; k++) sizes[k] = whole[k] = (uint64_t)view->shape[k], strides[k] = view->strides[k];
    if (shape && (take_integers(shape, view->ndim, whole) || take_integers(corner, view->ndim, first))) return -1;
    if (box_of(box, view->ndim, view->itemsize, sizes, strides, whole, first)) return 0;
    PyErr_SetString(PyExc_ValueError, "the box leaves the logical array, or the array has 2**64 elements or more");
    return -1;
}
