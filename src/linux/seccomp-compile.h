/* Compiles linux.seccomp into the kernel's language.  For the runtime alone. */
#pragma once

#include "linux/container.h"

/* Fills in container->seccomp's filter from the config, which is validated; leaves it empty if there is
 * none. */
int seccomp_compile(struct container *container, struct error *err);

/* And the flags that it is loaded with, when it is known whether there is an agent. */
int seccomp_choose_flags(struct container *container, struct error *err);

/* Expects the kernel to take a filter with these flags, and nobody to answer in its place; for exec, whose
 * caller may be somewhere else than the container's. */
int seccomp_expect_flags(unsigned int flags, struct error *err);
