/* The processors of a program that is executed in a container. */
#pragma once

#include "linux/container.h"

/* For the runtime, before it clones: from here on it and what it clones run where "initial" says. */
int cpu_affinity_begin(const struct container *container, struct error *err);
