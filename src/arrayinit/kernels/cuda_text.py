"""The CUDA C++ that all kernels share: the operations of the portable stream."""

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
    __device__ __forceinline__ real fma_(real x, real y, real z) { \
        real sum; \
        asm("fma.rn." size " %0, %1, %2, %3;" : "=" type(sum) : type(x), type(y), type(z)); \
        return sum; \
    } \
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
// GPUs have no such instruction for doubles.
OPERATION(float, "f", minimum_, "min.f32")
OPERATION(float, "f", maximum_, "max.f32")

__device__ __forceinline__ float negative_(float x) {
    float z;
    asm("neg.f32 %0, %1;" : "=f"(z) : "f"(x));
    return z;
}
// The logarithm to the base 1/2 of the power of two in x > 0, of which these are the bits. With operators, compilers
// compute the mantissa and the exponent apart.
__device__ __forceinline__ int exponent_(int x) {
    int z;
    asm("{.reg .s32 power; shr.s32 power, %1, 23; sub.s32 %0, 127, power;}" : "=r"(z) : "r"(x));
    return z;
}
// Within one unit in the last place, in one instruction: with subnormal numbers it would be four.
__device__ __forceinline__ float reciprocal(float x) {
    float z;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(z) : "f"(x));
    return z;
}

// Shared memory by addresses of 32 bits. From pointers, compilers compute the address again for each access.
typedef unsigned int Place;
__device__ __forceinline__ Place place(const void* memory) { return __cvta_generic_to_shared(memory); }
#define ACCESS(word, size, type) \
    template <int offset> __device__ __forceinline__ void put(Place at, word x) { \
        asm volatile("st.shared." size " [%0+%2], %1;" : : "r"(at), type(x), "n"(offset) : "memory"); \
    } \
    template <int offset> __device__ __forceinline__ void take(Place at, word& x) { \
        asm volatile("ld.shared." size " %0, [%1+%2];" : "=" type(x) : "r"(at), "n"(offset) : "memory"); \
    } \
    __device__ __forceinline__ void take_back(bool is_queued, Place& at, word& x) { \
        asm volatile( \
            "{.reg .pred p; setp.ne.s32 p, %2, 0; @p sub.u32 %1, %1, %3; @p ld.shared." size " %0, [%1];}" \
            : "+" type(x), "+r"(at) : "r"((int) is_queued), "n"(sizeof(word)) : "memory"); \
    }
ACCESS(int, "s32", "r")
ACCESS(unsigned int, "u32", "r")
ACCESS(float, "f32", "f")
ACCESS(long long, "s64", "l")
ACCESS(unsigned long long, "u64", "l")
ACCESS(double, "f64", "d")
// As take_back, with a predicate on each instruction. Of a branch, compilers make two instructions where one suffices.
__device__ __forceinline__ void count(bool is_one_more, unsigned int& total) {
    asm volatile("{.reg .pred p; setp.ne.s32 p, %1, 0; @p add.u32 %0, %0, 1;}" : "+r"(total) : "r"((int) is_one_more));
}
template <int offset> __device__ __forceinline__ unsigned int increase(Place at, unsigned int x) {
    unsigned int before;
    asm volatile("atom.shared.add.u32 %0, [%1+%3], %2;" : "=r"(before) : "r"(at), "r"(x), "n"(offset) : "memory");
    return before;
}

// Two numbers at once, the first in the low half: GPUs before Ampere have no instruction for this.
__device__ __forceinline__ unsigned int float16_pair(float x, float y) {
    unsigned int z;
    #if __CUDA_ARCH__ >= 800
    asm("cvt.rn.f16x2.f32 %0, %2, %1;" : "=r"(z) : "f"(x), "f"(y));
    #else
    asm("{.reg .f16 x, y; cvt.rn.f16.f32 x, %1; cvt.rn.f16.f32 y, %2; mov.b32 %0, {x, y};}" : "=r"(z) : "f"(x), "f"(y));
    #endif
    return z;
}
#if __CUDA_ARCH__ >= 800
__device__ __forceinline__ unsigned int bfloat16_pair(float x, float y) {
    unsigned int z;
    asm("cvt.rn.bf16x2.f32 %0, %2, %1;" : "=r"(z) : "f"(x), "f"(y));
    return z;
}
#endif
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
template <class T> __device__ __forceinline__ T maximum_(T x, T y) { return less_(x, y) ? y : x; }

// The quotient w / x as IEEE 754 rounds it, for the constants and the ranges of the fractions of the stream.
__device__ __forceinline__ float fraction_(float w, float near, float x) {
    float y = reciprocal(x), q = multiply_(near, y);
    return fma_(fma_(negative_(x), q, w), y, q);
}
__device__ __forceinline__ double fraction_(double w, double near, double x) { return divide_(w, x); }

__device__ __forceinline__ int int32(unsigned int x) { return x; }
__device__ __forceinline__ int int32(float x) { return __float_as_int(x); }
__device__ __forceinline__ float float32(int x) { return __int_as_float(x); }
__device__ __forceinline__ long long int64(Index x) { return x; }
__device__ __forceinline__ long long int64(double x) { return __double_as_longlong(x); }
__device__ __forceinline__ double float64(long long x) { return __longlong_as_double(x); }

// Flip or copy the sign bit, the only bit set in -0.
__device__ __forceinline__ double negative_(double x) { return float64(int64(x) ^ int64(-0.0)); }
__device__ __forceinline__ float copysign_(float x, float sign) {
    return float32((int32(x) & ~int32(-0.0f)) | (int32(sign) & int32(-0.0f)));
}
__device__ __forceinline__ double copysign_(double x, double sign) {
    return float64((int64(x) & ~int64(-0.0)) | (int64(sign) & int64(-0.0)));
}

#if !(__CUDA_ARCH__ >= 800)
// Round to nearest, ties to even; no draw is NaN.
__device__ __forceinline__ unsigned int bfloat16_pair(float x, float y) {
    unsigned int first = int32(x), second = int32(y);
    first += 0x7fff + (first >> 16 & 1), second += 0x7fff + (second >> 16 & 1);
    return first >> 16 | second & 0xffff0000;
}
#endif

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
