/* The Python module arrayinit._core: every address, length, stride and dtype is checked here. */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <fenv.h>
#include <string.h>

#include "cpu.h"
#include "programs_table.h"

/* Below this many elements, releasing the GIL takes longer than it saves. */
#define FEW 4096

/* What is known of a program without its maths. */
typedef struct {
    uint64_t digest;
    int bits, parts, numbers;
} Facts;

#define FACTS(index, bits, stream, streams, parts, numbers, has_rare, is_hot, digest) {digest, bits, parts, numbers},
static const Facts facts[PROGRAMS] = {EACH_PROGRAM(FACTS)};

/* The struct codes of the memory of each format. bfloat16 is written into memory of uint16. */
static const char *const codes[FORMATS] = {"f", "d", "Zf", "Zd", "e", "H", "f", "I"};

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

/* Draw in the default rounding of IEEE 754, whatever the thread has set. */
static void run(int program, const Draw *draw, uint64_t count) {
    const Cpu *cpu = chosen;
    PyThreadState *state = count > FEW ? PyEval_SaveThread() : NULL;
    fenv_t before;
    fegetenv(&before);
    fesetenv(FE_DFL_ENV);
    cpu->draw(program, draw);
    fesetenv(&before);
    if (state) PyEval_RestoreThread(state);
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
    if (box_of(box, view->ndim, sizes, strides, whole, first)) return 0;
    PyErr_SetString(PyExc_ValueError, "the box leaves the logical array, or the array has 2**64 elements or more");
    return -1;
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
    /* The marks of the machine's own order of bytes; NumPy marks memory that is not aligned. */
    const char *code = view.format ? view.format : "B";
    if (*code && strchr("@=<", *code)) code++;
    int is_right = !strcmp(code, codes[draw.format]) && view.itemsize == size_of(draw.format);
    if (!is_right || view.ndim >= AXES) {
        PyErr_Format(PyExc_TypeError, "the law fills a buffer of '%s', got '%s'", codes[draw.format], code);
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

static const char fill_at_doc[] =
    "fill_at(law, key, address, nbytes)\n--\n\n"
    "Fill contiguous memory at an address, which the caller vouches for: a whole array in its own order.";

static PyObject *fill_at(PyObject *Py_UNUSED(module), PyObject *const *given, Py_ssize_t count) {
    Draw draw;
    int program;
    if (count != 4) {
        PyErr_SetString(PyExc_TypeError, "fill_at takes a law, a key, an address and a number of bytes");
        return NULL;
    }
    if (law_of(given[0], &program, &draw) || take_key(given[1], draw.key)) return NULL;
    draw.memory = PyLong_AsVoidPtr(given[2]);
    uint64_t size = (uint64_t)size_of(draw.format), nbytes = PyLong_AsUnsignedLongLong(given[3]);
    if (PyErr_Occurred()) return NULL;
    if ((!draw.memory && nbytes) || nbytes % size) {
        PyErr_SetString(PyExc_ValueError, "no memory, or not a whole number of elements");
        return NULL;
    }
    if (nbytes) {
        uint64_t elements = nbytes / size, corner = 0;
        int64_t stride = (int64_t)size;
        box_of(&draw.box, 1, &elements, &stride, &elements, &corner);
        run(program, &draw, elements);
    }
    Py_RETURN_NONE;
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
    {"fill_at", (PyCFunction)(void (*)(void))fill_at, METH_FASTCALL, fill_at_doc},
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
