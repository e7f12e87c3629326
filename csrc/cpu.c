/* The instruction sets of this machine. */
#include "cpu.h"

#if defined(__x86_64__)
static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"); }

static int has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512ifma");
}
#endif

static int always(void) { return 1; }

/* From the slowest to the fastest. */
static const struct {
    Cpu cpu;
    int (*is_here)(void);
} all[] = {
    {{"base", draw_base, values_base}, always},
#if defined(__x86_64__)
    {{"avx2", draw_avx2, values_avx2}, has_avx2},
    {{"avx512", draw_avx512, values_avx512}, has_avx512},
#endif
};

const Cpu *cpu_at(int index) {
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (all[k].is_here() && index-- == 0) return &all[k].cpu;
    return NULL;
}
