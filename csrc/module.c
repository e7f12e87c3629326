/* The Python module arrayinit._core: every address, length, stride and dtype is checked here. */
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#else
#include <fenv.h>
#endif

#include "cpu.h"
#include "programs_table.h"

/* Below this many elements, releasing the GIL takes longer than it saves. */
#define FEW 4096

/* The most words of a seed that are taken. */
#define WORDS 128

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

/* A law is a bytes object: the index of a program, a format, and the numbers of the program. */
typedef struct {
    uint32_t program, format;
} Head;

static const Cpu *chosen;

static int law_of(PyObject *given, int *program, Draw *draw) {
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

/* An integer seed below 2^64, or a pair of the words of the key. */
static int take_key(PyObject *given, uint64_t key[2]) {
    if (PyTuple_Check(given)) {
        if (PyTuple_Size(given) != 2) {
            PyErr_SetString(PyExc_ValueError, "a key has two words");
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

/* Draw in the default rounding of IEEE 754 with subnormal numbers, whatever the thread has set. */
static void draw_in_default_rounding(DrawFunction *function, int program, const Draw *draw) {
#if defined(__SSE2__)
    /* As fesetenv, which takes longer than to fill a small array. The last six bits only report. */
    unsigned int before = _mm_getcsr();
    if ((before & ~0x3fu) != 0x1f80) _mm_setcsr(0x1f80);
    function(program, draw);
    _mm_setcsr(before);
#else
    fenv_t before;
    fegetenv(&before);
    fesetenv(FE_DFL_ENV);
    function(program, draw);
    fesetenv(&before);
#endif
}

static void run(int program, const Draw *draw, uint64_t count) {
    const Cpu *cpu = chosen;
    PyThreadState *state = count > FEW ? PyEval_SaveThread() : NULL;
    draw_in_default_rounding(cpu->draw, program, draw);
    if (state) PyEval_RestoreThread(state);
}

/* Whether the elements of a buffer are those of a format, in the machine's own order of bytes. NumPy marks memory that
 * is not aligned. */
static int is_of(const Py_buffer *view, Format format) {
    const char *code = view->format ? view->format : "B";
    if (*code && strchr("@=<", *code)) code++;
    return !strcmp(code, codes[format]) && view->itemsize == size_of(format);
}

static int take_integers(PyObject *given, int count, uint64_t *out) {
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

static int take_box(const Py_buffer *view, PyObject *shape, PyObject *corner, Box *box) {
    uint64_t sizes[AXES], whole[AXES], first[AXES] = {0};
    int64_t strides[AXES];
    for (int k = 0; k < view->ndim; k++) sizes[k] = whole[k] = (uint64_t)view->shape[k], strides[k] = view->strides[k];
    if (shape && (take_integers(shape, view->ndim, whole) || take_integers(corner, view->ndim, first))) return -1;
    if (box_of(box, view->ndim, view->itemsize, sizes, strides, whole, first)) return 0;
    PyErr_SetString(PyExc_ValueError, "the box leaves the logical array, or the array has 2**64 elements or more");
    return -1;
}

/* Fill a whole array that lies in memory in C order. Axis k of the logical array is axis order[k] of the array. */
static int run_whole(int program, Draw *draw, char *memory, int axes, const uint64_t *shape, PyObject *order) {
    uint64_t sizes[AXES], at[AXES], corner[AXES] = {0}, elements = 1;
    int64_t strides[AXES], inner[AXES], stride = size_of(draw->format);
    for (int k = axes - 1; k >= 0; k--) {
        inner[k] = stride, elements *= shape[k], at[k] = (uint64_t)k;
        if (__builtin_mul_overflow(stride, shape[k], &stride)) {
            PyErr_SetString(PyExc_ValueError, "the array has 2**63 bytes or more");
            return -1;
        }
    }
    if (order != Py_None && take_integers(order, axes, at)) return -1;
    uint64_t seen = 0;
    for (int k = 0; k < axes; k++) {
        if (at[k] >= (uint64_t)axes || seen >> at[k] & 1) {
            PyErr_SetString(PyExc_ValueError, "order is not a permutation of the axes");
            return -1;
        }
        seen |= 1ull << at[k], sizes[k] = shape[at[k]], strides[k] = inner[at[k]];
    }
    if (!elements) return 0;
    draw->memory = memory;
    box_of(&draw->box, axes, size_of(draw->format), sizes, strides, sizes, corner);
    run(program, draw, elements);
    return 0;
}

static const char fill_doc[] =
    "fill(law, key, array, shape=None, corner=None)\n--\n\n"
    "Fill a buffer, which is the box at a corner of a logical array of this shape.\n\n"
    "The key is an integer seed below 2**64, or a pair of words.";

static PyObject *fill(PyObject *Py_UNUSED(module), PyObject *const *given, Py_ssize_t count) {
    Draw draw;
    int program;
    Py_buffer view;
    if (count != 3 && count != 5) {
        PyErr_SetString(PyExc_TypeError, "fill takes a law, a key and an array, or also a shape and a corner");
        return NULL;
    }
    if (law_of(given[0], &program, &draw) || take_key(given[1], draw.key)) return NULL;
    if (PyObject_GetBuffer(given[2], &view, PyBUF_WRITABLE | PyBUF_STRIDES | PyBUF_FORMAT)) return NULL;
    if (!is_of(&view, draw.format) || view.ndim >= AXES) {
        PyErr_Format(PyExc_TypeError, "the law fills a buffer of '%s', got '%s'", codes[draw.format], view.format);
        goto failed;
    }
    draw.memory = view.buf;
    if (view.len) {
        if (take_box(&view, count == 5 ? given[3] : NULL, count == 5 ? given[4] : NULL, &draw.box)) goto failed;
        run(program, &draw, (uint64_t)(view.len / view.itemsize));
    }
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
failed:
    PyBuffer_Release(&view);
    return NULL;
}

static const char fill_at_once_doc[] =
    "fill_at_once(law, key, array, order)\n--\n\n"
    "Fill a whole writable array in C order and return True; return False, without a write, for any other object.\n\n"
    "Axis k of the logical array is axis order[k] of the array; None is their own order.";

static PyObject *fill_at_once(PyObject *Py_UNUSED(module), PyObject *const *given, Py_ssize_t count) {
    Draw draw;
    int program;
    Py_buffer view;
    if (count != 4) {
        PyErr_SetString(PyExc_TypeError, "fill_at_once takes a law, a key, an array and an order");
        return NULL;
    }
    if (law_of(given[0], &program, &draw) || take_key(given[1], draw.key)) return NULL;
    if (PyObject_GetBuffer(given[2], &view, PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)) {
        PyErr_Clear();
        Py_RETURN_FALSE;
    }
    int fits = is_of(&view, draw.format) && view.ndim < AXES - 1;
    uint64_t shape[AXES];
    for (int k = 0; fits && k < view.ndim; k++) shape[k] = (uint64_t)view.shape[k];
    int failed = fits && run_whole(program, &draw, view.buf, view.ndim, shape, given[3]);
    PyBuffer_Release(&view);
    return failed ? NULL : PyBool_FromLong(fits);
}

static const char fill_address_doc[] =
    "fill_address(law, key, address, shape, order)\n--\n\n"
    "As fill_at_once, for memory at an address, which the caller vouches for.";

static PyObject *fill_address(PyObject *Py_UNUSED(module), PyObject *const *given, Py_ssize_t count) {
    Draw draw;
    int program;
    if (count != 5) {
        PyErr_SetString(PyExc_TypeError, "fill_address takes a law, a key, an address, a shape and an order");
        return NULL;
    }
    if (law_of(given[0], &program, &draw) || take_key(given[1], draw.key)) return NULL;
    void *memory = PyLong_AsVoidPtr(given[2]);
    if (PyErr_Occurred()) return NULL;
    uint64_t shape[AXES];
    Py_ssize_t axes = PyTuple_Check(given[3]) ? PyTuple_Size(given[3]) : -1;
    if (!memory || axes < 0 || axes >= AXES - 1) {
        PyErr_SetString(PyExc_ValueError, "there is no memory, or no shape of up to 63 axes");
        return NULL;
    }
    if (take_integers(given[3], (int)axes, shape)) return NULL;
    if (run_whole(program, &draw, memory, (int)axes, shape, given[4])) return NULL;
    Py_RETURN_NONE;
}

/* Append integers below 2^64 as words of 32 bits, without leading zeros. */
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

static const char key_doc[] =
    "key(entropy, spawn_key)\n--\n\n"
    "Return the key of numpy.random.SeedSequence(entropy, spawn_key=spawn_key). OverflowError: let NumPy do it.";

static PyObject *key(PyObject *Py_UNUSED(module), PyObject *const *given, Py_ssize_t count) {
    uint32_t words[WORDS] = {0};
    size_t size = 0;
    uint64_t made[2];
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "key takes the entropy and the spawn key");
        return NULL;
    }
    if (append_words(given[0], words, &size)) return NULL;
    /* The words of a spawn key come after a full pool. */
    if (size < 4 && PyTuple_Check(given[1]) && PyTuple_Size(given[1])) size = 4;
    if (append_words(given[1], words, &size)) return NULL;
    key_of(words, size, made);
    return Py_BuildValue("(KK)", made[0], made[1]);
}

static PyObject *program_of(PyObject *Py_UNUSED(module), PyObject *given) {
    uint64_t digest = PyLong_AsUnsignedLongLong(given);
    if (digest == (uint64_t)-1 && PyErr_Occurred()) return NULL;
    for (long k = 0; k < PROGRAMS; k++)
        if (facts[k].digest == digest) return PyLong_FromLong(k);
    return PyLong_FromLong(-1);
}

static PyObject *instruction_sets(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing)) {
    PyObject *names = PyList_New(0);
    for (int k = 0; names && cpu_at(k); k++) {
        PyObject *name = PyUnicode_FromString(cpu_at(k)->name);
        if (!name || PyList_Append(names, name)) Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

static PyObject *use(PyObject *Py_UNUSED(module), PyObject *name) {
    for (int k = 0; cpu_at(k); k++)
        if (PyUnicode_Check(name) && !PyUnicode_CompareWithASCIIString(name, cpu_at(k)->name)) {
            chosen = cpu_at(k);
            Py_RETURN_NONE;
        }
    PyErr_Format(PyExc_ValueError, "this machine has no instruction set %R", name);
    return NULL;
}

static PyMethodDef methods[] = {
    {"fill", (PyCFunction)(void (*)(void))fill, METH_FASTCALL, fill_doc},
    {"fill_at_once", (PyCFunction)(void (*)(void))fill_at_once, METH_FASTCALL, fill_at_once_doc},
    {"fill_address", (PyCFunction)(void (*)(void))fill_address, METH_FASTCALL, fill_address_doc},
    {"key", (PyCFunction)(void (*)(void))key, METH_FASTCALL, key_doc},
    {"program", program_of, METH_O, "Return the index of the program with this digest, or -1."},
    {"instruction_sets", instruction_sets, METH_NOARGS, "Return the instruction sets of this machine, the best last."},
    {"use", use, METH_O, "Use an instruction set from now on."},
    {NULL, NULL, 0, NULL},
};

static int prepare(PyObject *Py_UNUSED(module)) {
    for (int k = 0; cpu_at(k); k++) chosen = cpu_at(k);
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)prepare}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "arrayinit._core", "The portable stream in one pass over memory.", 0, methods, slots,
    NULL,                  NULL,              NULL,
};

PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&definition); }
