/* Run a draw on the chosen instruction set, whatever the thread has set for floating point. */
#ifndef ARRAYINIT_RUN_H
#define ARRAYINIT_RUN_H

#include "cpu.h"

void choose(const Cpu *cpu);

/* Choose the best one, unless there is a choice: a second interpreter of the process keeps what the first one chose. */
void choose_best(void);

DrawFunction run;
ValuesFunction run_values;

#endif
