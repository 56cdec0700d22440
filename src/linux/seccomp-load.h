/* When the filter of linux.seccomp is loaded. */
#pragma once

#include <stdbool.h>

#include "linux/container.h"

/* Before the privileges go, because without process.noNewPrivileges it takes one; otherwise last of all. */
bool seccomp_is_early(const struct container *container);
