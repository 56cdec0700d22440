/* A rule's conditions on arguments, in the terms of an architecture.  For the runtime alone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libocispec/types.h"
#include "linux/seccomp-program.h"

/* width has the bits that an argument has.  False if the condition always holds. */
bool condition_make(struct program_condition *condition, const struct oci_syscall_arg *arg,
		    uint64_t width);

/* Whether it is sure that no argument fulfils both. */
bool condition_excludes(const struct program_condition *a, const struct program_condition *b,
			uint64_t width);

bool condition_is_same(const struct program_condition *a, const struct program_condition *b);
