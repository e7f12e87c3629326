#include "run.h"

#if defined(__SSE2__)
#include <immintrin.h>
typedef unsigned int Environment;
#else
#include <fenv.h>
typedef fenv_t Environment;
#endif

static const Cpu *chosen;

void choose(const Cpu *cpu) { chosen = cpu; }

void choose_best(void) {
    if (chosen) return;
    for (int k = 0; cpu_at(k); k++) chosen = cpu_at(k);
}

/* Set the default rounding of IEEE 754, with subnormal numbers, and return what was set. */
static Environment enter(void) {
    Environment before;
#if defined(__SSE2__)
    /* As fesetenv, which takes longer than to fill a small array. The last six bits only report. */
    before = _mm_getcsr();
    if ((before & ~0x3fu) != 0x1f80) _mm_setcsr(0x1f80);
#else
    fegetenv(&before);
    fesetenv(FE_DFL_ENV);
#endif
    return before;
}

static void leave(Environment before) {
#if defined(__SSE2__)
    _mm_setcsr(before);
#else
    fesetenv(&before);
#endif
}

void run(int program, const Draw *draw) {
    Environment before = enter();
    chosen->draw(program, draw);
    leave(before);
}

void run_values(int program, const void *numbers, const uint32_t *words, float *values, uint64_t count) {
    Environment before = enter();
    chosen->values(program, numbers, words, values, count);
    leave(before);
}
