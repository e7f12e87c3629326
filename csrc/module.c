/* The Python module arrayinit._core: every address, length, stride and dtype is checked here. */
#include "arguments.h"
#include "run.h"

/* Below this many elements, releasing the GIL takes longer than it saves. */
#define FEW 4096

static void release_and_run(int program, const Draw *draw, uint64_t count) {
    PyThreadState *state = count > FEW ? PyEval_SaveThread() : NULL;
    run(program, draw);
    if (state) PyEval_RestoreThread(state);
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
    release_and_run(program, draw, elements);
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
        const char *code = view.format ? view.format : "B";
        PyErr_Format(PyExc_TypeError, "the law fills a buffer of '%s', got '%s'", code_of(draw.format), code);
        goto failed;
    }
    draw.memory = view.buf;
    if (view.len) {
        if (take_box(&view, count == 5 ? given[3] : NULL, count == 5 ? given[4] : NULL, &draw.box)) goto failed;
        release_and_run(program, &draw, (uint64_t)(view.len / view.itemsize));
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

static const char values_doc[] =
    "values(law, words, values)\n--\n\n"
    "Turn an array of uint32 into an array of float32 by a law of float32, which tests do for all words.";

static PyObject *values(PyObject *Py_UNUSED(module), PyObject *const *given, Py_ssize_t count) {
    Draw draw;
    int program;
    Py_buffer words, made;
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "values takes a law, words and values");
        return NULL;
    }
    if (law_of(given[0], &program, &draw)) return NULL;
    if (PyObject_GetBuffer(given[1], &words, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)) return NULL;
    if (PyObject_GetBuffer(given[2], &made, PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)) {
        PyBuffer_Release(&words);
        return NULL;
    }
    int fits = draw.format == FLOAT32 && is_of(&words, KEYS) && is_of(&made, FLOAT32) && words.len == made.len;
    if (fits) {
        PyThreadState *state = PyEval_SaveThread();
        run_values(program, draw.numbers, words.buf, made.buf, (uint64_t)words.len / 4);
        PyEval_RestoreThread(state);
    }
    PyBuffer_Release(&words);
    PyBuffer_Release(&made);
    if (fits) Py_RETURN_NONE;
    PyErr_SetString(PyExc_ValueError, "a law of float32 turns uint32 into float32, as many as there are words");
    return NULL;
}

static const char key_doc[] =
    "key(entropy, spawn_key)\n--\n\n"
    "Return the key of numpy.random.SeedSequence(entropy, spawn_key=spawn_key). OverflowError: let NumPy do it.";

static PyObject *key(PyObject *Py_UNUSED(module), PyObject *const *given, Py_ssize_t count) {
    uint64_t made[2];
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "key takes the entropy and the spawn key");
        return NULL;
    }
    if (take_seed(given[0], given[1], made)) return NULL;
    return Py_BuildValue("(KK)", made[0], made[1]);
}

static PyObject *program_of(PyObject *Py_UNUSED(module), PyObject *given) {
    uint64_t digest = PyLong_AsUnsignedLongLong(given);
    if (digest == (uint64_t)-1 && PyErr_Occurred()) return NULL;
    return PyLong_FromLong(program_with(digest));
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
            choose(cpu_at(k));
            Py_RETURN_NONE;
        }
    PyErr_Format(PyExc_ValueError, "this machine has no instruction set %R", name);
    return NULL;
}

static PyMethodDef methods[] = {
    {"fill", (PyCFunction)(void (*)(void))fill, METH_FASTCALL, fill_doc},
    {"fill_at_once", (PyCFunction)(void (*)(void))fill_at_once, METH_FASTCALL, fill_at_once_doc},
    {"fill_address", (PyCFunction)(void (*)(void))fill_address, METH_FASTCALL, fill_address_doc},
    {"values", (PyCFunction)(void (*)(void))values, METH_FASTCALL, values_doc},
    {"key", (PyCFunction)(void (*)(void))key, METH_FASTCALL, key_doc},
    {"program", program_of, METH_O, "Return the index of the program with this digest, or -1."},
    {"instruction_sets", instruction_sets, METH_NOARGS, "Return the instruction sets of this machine, the best last."},
    {"use", use, METH_O, "Use an instruction set from now on."},
    {NULL, NULL, 0, NULL},
};

static int prepare(PyObject *Py_UNUSED(module)) {
    choose_best();
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)prepare}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "arrayinit._core", "The portable stream in one pass over memory.", 0, methods, slots,
    NULL,                  NULL,              NULL,
};

PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&definition); }
