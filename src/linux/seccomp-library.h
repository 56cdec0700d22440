/* A filter as libseccomp makes it.  For the runtime alone. */
#pragma once

#include "linux/container.h"
#include "linux/seccomp-profile.h"

/*
 * Fills in container->seccomp's filter.
 *
 * What libseccomp does with rules that contradict each other is known to nobody else: so profiles with such
 * rules are given to it.  It takes a hundred times as long as linux/seccomp-tree.h.
 */
int seccomp_by_library(struct container *container, const struct seccomp_profile *profile,
		       struct error *err);
