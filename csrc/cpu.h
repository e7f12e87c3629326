#ifndef ARRAYINIT_CPU_H
#define ARRAYINIT_CPU_H

#include "core.h"

typedef struct {
    const char *name;
    DrawFunction *draw;
    ValuesFunction *values;
} Cpu;

/* The instruction sets that this machine has, from the slowest on; NULL after the last. */
const Cpu *cpu_at(int index);

#endif
