/* The words of linux.memoryPolicy, as the features document has them, too. */
#pragma once

#include "basic/names.h"

extern const struct name memory_policy_modes[];
extern const struct name memory_policy_flags[];
