/* When a process gets into the cgroup where its memory is counted: as late as can be.  See memory-entry.c. */
#pragma once

#include "launch/launch.h"
#include "linux/section.h"

/* Before the clone: whether this cgroup may wait, and if so what it is entered by: container->memory_tasks; and in
 * container->begins_outside whether it is that of version 2, which then there is no cloning into. */
void memory_entry_plan(struct launch *launch);

/* The child, before anything else: all hierarchies but that one. */
int memory_entry_others(const struct launch *launch, bool cloned, struct error *err);

/* The child, when it has its user: until it is inside, it ends with the runtime. */
int memory_entry_bind(const struct container *container, struct error *err);

/* Both do it but once; the first only if a mount shows the cgroup as the root of a new namespace. */
extern const struct step step_enter_memory_to_show, step_enter_memory;
