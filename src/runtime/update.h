/* "update": other limits for a container that is there. */
#pragma once

#include "libocispec/types.h"
#include "runtime/state-root.h"

/* What is to be changed; the rest stays as it is. */
struct update_request {
	const struct oci_resources *resources;
	const struct oci_intel_rdt *intel_rdt; /* or NULL */
};

/* For a container that is created, running or paused; otherwise "container not running".  After a failure
 * all is as it was, unless the error says what is not. */
int container_update(const struct state_root *root, const char *id,
		     const struct update_request *request, struct error *err);
