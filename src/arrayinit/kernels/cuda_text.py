"""The CUDA C++ of the portable stream: the part that all draws share, and the template of a kernel."""

from __future__ import annotations

# In PTX, not by operators or CUDA's functions: CuPy always compiles with -ftz=true, which flushes their results below
# 2^-126 to zero.
ARITHMETIC = r"""
#define OPERATION(real, type, name, instruction) \
    __device__ __forceinline__ real name(real x, real y) { \
        real z; \
        asm(instruction " %0, %1, %2;" : "=" type(z) : type(x), type(y)); \
        return z; \
    }
#define OPERATIONS(real, size, type) \
    OPERATION(real, type, add_, "add.rn." size) \
    OPERATION(real, type, subtract_, "sub.rn." size) \
    OPERATION(real, type, multiply_, "mul.rn." size) \
    OPERATION(real, type, divide_, "div.rn." size) \
    __device__ __forceinline__ real sqrt_(real x) { \
        real z; \
        asm("sqrt.rn." size " %0, %1;" : "=" type(z) : type(x)); \
        return z; \
    } \
    __device__ __forceinline__ bool less_(real x, real y) { \
        int z; \
        asm("{.reg .pred p; setp.lt." size " p, %1, %2; selp.s32 %0, 1, 0, p;}" : "=r"(z) : type(x), type(y)); \
        return z; \
    }
OPERATIONS(float, "f32", "f")
OPERATIONS(double, "f64", "d")

__device__ __forceinline__ unsigned short float16(float x) {
    unsigned short z;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(z) : "f"(x));
    return z;
}
"""

COMMON = r"""
typedef unsigned long long Index;

template <class T> __device__ __forceinline__ T add_(T x, T y) { return x + y; }
template <class T> __device__ __forceinline__ T subtract_(T x, T y) { return x - y; }
template <class T> __device__ __forceinline__ T and_(T x, T y) { return x & y; }
template <class T> __device__ __forceinline__ T or_(T x, T y) { return x | y; }
template <class T> __device__ __forceinline__ T xor_(T x, T y) { return x ^ y; }
template <class T> __device__ __forceinline__ T left_(T x, T y) { return x << y; }
template <class T> __device__ __forceinline__ T right_(T x, T y) { return x >> y; }
template <class T> __device__ __forceinline__ T invert_(T x) { return ~x; }
template <class T> __device__ __forceinline__ bool less_(T x, T y) { return x < y; }
template <class T> __device__ __forceinline__ T minimum_(T x, T y) { return less_(y, x) ? y : x; }

__device__ __forceinline__ int int32(unsigned int x) { return x; }
__device__ __forceinline__ int int32(float x) { return __float_as_int(x); }
__device__ __forceinline__ float float32(int x) { return __int_as_float(x); }
__device__ __forceinline__ long long int64(Index x) { return x; }
__device__ __forceinline__ long long int64(double x) { return __double_as_longlong(x); }
__device__ __forceinline__ double float64(long long x) { return __longlong_as_double(x); }

// Flip or copy the sign bit, the only bit set in -0.
__device__ __forceinline__ float negative_(float x) { return float32(int32(x) ^ int32(-0.0f)); }
__device__ __forceinline__ double negative_(double x) { return float64(int64(x) ^ int64(-0.0)); }
__device__ __forceinline__ float copysign_(float x, float sign) {
    return float32((int32(x) & ~int32(-0.0f)) | (int32(sign) & int32(-0.0f)));
}
__device__ __forceinline__ double copysign_(double x, double sign) {
    return float64((int64(x) & ~int64(-0.0)) | (int64(sign) & int64(-0.0)));
}

// Round to nearest, ties to even; no draw is NaN.
__device__ __forceinline__ unsigned short bfloat16(float x) {
    unsigned int bits = __float_as_int(x);
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

// As to_bits in rounding.py, which says what the integers are; no draw is NaN.
__device__ __forceinline__ unsigned char float8(
    float x, int width, int drop, int first, int beyond, int overflow, bool has_negative_zero
) {
    int given = int32(x), held = given & 0x7fffffff;
    held = held < beyond ? held : beyond;
    int exponent = held & -(1 << width);
    exponent = exponent > first ? exponent : first;
    int power = exponent + (drop << width);
    int code = int32(add_(float32(held), float32(power))) - power + ((exponent - first) >> drop);
    code = code < overflow ? code : overflow;
    return code || has_negative_zero ? code | (given >> 24 & 0x80) : 0;
}
"""

KERNEL = r"""
typedef $word Word;

// A row has ``run`` neighbours in the logical array, and spans at most ``blocks`` blocks of the counter.
struct Box {
    Index first, rows, blocks, run;
    long long outer, axes;
    Index size[$axes], step[$axes];
    long long stride[$axes];
};

struct Keys { Index low, high; };
struct Numbers { $real value[$numbers]; };
struct Element { $part part[$parts]; };
typedef $vector Vector;
union Block { Element element[$per_block]; Vector vector[$per_block * sizeof(Element) / sizeof(Vector)]; };

__device__ __forceinline__ void philox(Index block, Index stream, Index low, Index high, Index* words) {
    // NumPy's generator increments the counter before it draws.
    Index a = block + 1, b = 0, c = 0, d = stream;
    #pragma unroll
    for (int k = 0; k < $rounds; k++) {
        Index e = __umul64hi(c, $second) ^ b ^ low, f = __umul64hi(a, $first) ^ d ^ high;
        b = c * $second, d = a * $first, a = e, c = f;
        low += $step_low, high += $step_high;
    }
    words[0] = a, words[1] = b, words[2] = c, words[3] = d;
}

__device__ __forceinline__ Word word(const Index* words, int k) {
    // The low half of a word comes first.
    return words[k * sizeof(Word) / 8] >> k * sizeof(Word) % 8 * 8;
}

extern "C" __global__ void draw(
    char* out,
    const __grid_constant__ Keys keys,
    const __grid_constant__ Box box,
    const __grid_constant__ Numbers numbers
) {
    Index block = (Index) blockIdx.x * blockDim.x + threadIdx.x, row = 0, first = box.first;
    if (box.outer) {
        row = block / box.blocks, block %= box.blocks;
    }
    if (row >= box.rows || block >= box.blocks) {
        return;
    }
    for (int k = box.outer - 1; k >= 0; k--) {
        Index position = row % box.size[k];
        row /= box.size[k], first += position * box.step[k], out += (long long) position * box.stride[k];
    }
    block += first / $per_block;
$words
    Block made;
    // The results made before a branch and used in it or after it, for each element. The branch runs for all elements
    // that need it before any other goes on: few elements do, but among the threads that wait for each other one does
    // nearly always.
    struct { $kept } all[$per_block];
$loops
    // The index of the first element in the row, unsigned: a position before the row's beginning is beyond its end.
    Index start = block * $per_block - first;
    const int last = box.axes - 1;
    char* memory = out + (long long) start * (long long) sizeof(Element);
    bool is_whole = start < box.run && box.run - start >= $per_block && box.outer == last;
    if (is_whole && box.stride[last] == sizeof(Element) && (Index) memory % sizeof(Vector) == 0) {
        #pragma unroll
        for (int k = 0; k < sizeof(Block) / sizeof(Vector); k++) {
            ((Vector*) memory)[k] = made.vector[k];
        }
        return;
    }
    #pragma unroll
    for (int k = 0; k < $per_block; k++) {
        Index position = start + k;
        if (position < box.run) {
            memory = out;
            for (int axis = last; axis > box.outer; axis--) {
                memory += (long long) (position % box.size[axis]) * box.stride[axis];
                position /= box.size[axis];
            }
            *(Element*) (memory + (long long) position * box.stride[box.outer]) = made.element[k];
        }
    }
}
"""
