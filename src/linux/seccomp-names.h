/* The words of linux.seccomp, as the specification lists them; the last row of each table is empty. */
#pragma once

#include "basic/names.h"

/* The value is the kernel's SECCOMP_RET_*, which is libseccomp's SCMP_ACT_* with no data. */
extern const struct name seccomp_actions[];

/* The value is the kernel's SECCOMP_FILTER_FLAG_*. */
extern const struct name seccomp_flags[];

/* The value is libseccomp's enum scmp_compare. */
extern const struct name seccomp_operators[];

/* Without values: linux/seccomp-calls.h has them by name. */
extern const struct name seccomp_architectures[];
