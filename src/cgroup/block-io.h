/* The conversion of weights: see block-io.c. */
#pragma once

#include <stdint.h>

/* The io.weight of version 2, 1 to 10000, for a weight of config.json. */
uint64_t block_io_weight(uint16_t weight);
