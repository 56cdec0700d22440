/* The container's group in the resctrl file system: what it gets of the processor's caches and memory
 * bandwidth.  For the runtime alone. */
#pragma once

#include "basic/error.h"
#include "linux/container.h"

/* Plans container->intel_rdt for the file system that is mounted at root: looks, and changes nothing. */
int intel_rdt_plan(struct container *container, const char *root, struct error *err);

/* Makes what the plan says is the container's own; nothing without a plan. */
int intel_rdt_make(struct container *container, struct error *err);

/* Removes it; what is gone already is no error. */
int intel_rdt_remove(const struct oci_record_intel_rdt *group, struct error *err);
