/* What the instruction sets share: the description of a draw into a box of memory. */
#ifndef ARRAYINIT_CORE_H
#define ARRAYINIT_CORE_H

#include <stddef.h>
#include <stdint.h>

/* NumPy arrays have up to 64 axes, and the merge puts one more axis first. */
#define AXES 65

/* The dtypes of the memory. ROUNDED formats are numbers of a narrow format in an array of float32. */
typedef enum {
    FLOAT32,
    FLOAT64,
    COMPLEX64,
    COMPLEX128,
    FLOAT16,
    BFLOAT16,
    FLOAT8_E4M3FN,
    FLOAT8_E5M2,
    FLOAT8_E4M3FNUZ,
    FLOAT8_E5M2FNUZ,
    ROUNDED_BFLOAT16,
    ROUNDED_E4M3FN,
    ROUNDED_E5M2,
    ROUNDED_E4M3FNUZ,
    ROUNDED_E5M2FNUZ,
    KEYS,
    FORMATS
} Format;

/* A box: rows of ``run`` neighbours in the logical array. The axes from ``outer`` on lie within a run. ``lead`` is the
 * axis along which the first elements of rows lie next to each other in memory, if those of a row do not, or -1. */
typedef struct {
    int axes, outer, lead;
    uint64_t first;       /* the logical index of the first element */
    uint64_t run;         /* elements */
    uint64_t size[AXES];  /* elements */
    uint64_t step[AXES];  /* the distance of neighbours in the logical array, in elements */
    int64_t stride[AXES]; /* the distance of neighbours in memory, in bytes */
} Box;

typedef struct {
    const void *numbers; /* of the program, of its own precision */
    uint64_t key[2];
    Format format;
    char *memory; /* of the first element */
    Box box;
} Draw;

typedef void DrawFunction(int program, const Draw *draw);

DrawFunction draw_base, draw_avx2, draw_avx512;

/* Turn words of 32 bits into floats, for tests. */
typedef void ValuesFunction(int program, const void *numbers, const uint32_t *words, float *values, uint64_t count);

ValuesFunction values_base, values_avx2, values_avx512;

/* The bytes of an element, the bits of its words, and the number of its parts. */
int size_of(Format format);
int bits_of(Format format);
int parts_of(Format format);

/* Merge axes that are neighbours in both the logical array and memory. Return 0 if the box leaves the array. */
int box_of(
    Box *box, int axes, int64_t itemsize, const uint64_t *sizes, const int64_t *strides, const uint64_t *shape,
    const uint64_t *corner
);

/* The key of numpy.random.SeedSequence, from the entropy as words of 32 bits. */
void key_of(const uint32_t *words, size_t count, uint64_t key[2]);

#endif
