/* Compiles linux.seccomp into the kernel's language.  For the runtime alone: init has no libseccomp. */
#pragma once

#include "linux/container.h"

/* Fills in container->seccomp from the config, which is validated; leaves it empty if there is none. */
int seccomp_compile(struct container *container, struct error *err);
