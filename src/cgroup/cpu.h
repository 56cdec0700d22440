/* The conversion of cpu.shares: see cpu.c. */
#pragma once

#include <stdint.h>

/* The cpu.weight of version 2, 1 to 10000, for the shares of config.json. */
uint64_t cpu_weight(uint64_t shares);
