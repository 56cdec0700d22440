/* The container's group in the resctrl file system: what it gets of the processor's caches and memory
 * bandwidth.  For the runtime alone. */
#pragma once

#include "basic/error.h"
#include "linux/container.h"

/* Plans container->intel_rdt for the file system that is mounted at root: looks, and changes nothing. */
int intel_rdt_plan(struct container *container, const char *root, struct error *err);

/* Makes what the plan says is the container's own; nothing without a plan. */
int intel_rdt_make(struct container *container, struct error *err);

/* Gives the container's own group other schemata, all or none of them; *former, in the arena, is what it had,
 * to be given back as schemata. */
int intel_rdt_update(const struct oci_record_intel_rdt *group, const struct oci_intel_rdt *rdt,
		     struct arena *arena, const char **former, struct error *err);

/* Removes it; what is gone already is no error. */
int intel_rdt_remove(const struct oci_record_intel_rdt *group, struct error *err);
