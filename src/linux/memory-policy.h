/* The words of linux.memoryPolicy, for the features document; one by one, NULL after the last. */
#pragma once

#include <stddef.h>

const char *memory_policy_mode(size_t index);
const char *memory_policy_flag(size_t index);
