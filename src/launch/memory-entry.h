/* When a process gets into the memory cgroup of version 1: as late as can be.  See memory-entry.c. */
#pragma once

#include "launch/launch.h"
#include "linux/section.h"

/* Before the clone: whether this cgroup may wait, and if so what it is entered by: container->memory_tasks. */
void memory_entry_plan(struct launch *launch);

/* The child, before anything else: all hierarchies but that one. */
int memory_entry_others(const struct launch *launch, bool cloned, struct error *err);

extern const struct step step_enter_memory;
