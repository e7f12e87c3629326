/* What Python hands to the module. Each function returns 0, or sets an exception and returns -1. */
#ifndef ARRAYINIT_ARGUMENTS_H
#define ARRAYINIT_ARGUMENTS_H

#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "core.h"

/* The most words of a seed that are taken, and the size of its pool. */
#define WORDS 128
#define POOL 4

/* A law is a bytes object: the index of a program, a format, and the numbers of the program. */
int law_of(PyObject *given, int *program, Draw *draw);

/* The index of the program with this digest; -1 without an exception if there is none. */
long program_with(uint64_t digest);

/* An integer seed below 2^64, a pair of the words of the key, or a Seed: entropy, spawn key and pool size. */
int take_key(PyObject *given, uint64_t key[2]);

/* The key of numpy.random.SeedSequence; OverflowError for what NumPy has to do. */
int take_seed(PyObject *entropy, PyObject *spawn_key, uint64_t key[2]);

/* A tuple of so many integers from 0 on. */
int take_integers(PyObject *given, int count, uint64_t *out);

/* A buffer as the box at a corner of a logical array of this shape, or as the whole array if shape is NULL. */
int take_box(const Py_buffer *view, PyObject *shape, PyObject *corner, Box *box);

/* Whether the elements of a buffer are those of a format, in the machine's own order of bytes; no exception. */
int is_of(const Py_buffer *view, Format format);

/* The struct code of the memory of a format. */
const char *code_of(Format format);

#endif
