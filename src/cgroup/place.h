/* Where a container's cgroup will be, in each hierarchy: see place.c. */
#pragma once

#include "cgroup/cgroup.h"

/* Its directories, for the cgroup file systems.  Becomes a disabled place where wish->optional
 * allows it and there is no other. */
int place_find(const struct cgroup_wish *wish, struct arena *arena, struct oci_record_cgroup *place,
	       struct error *err);

/* No cgroup of its own; an error if limits are asked for. */
int place_disable(const struct cgroup_wish *wish, struct arena *arena,
		  struct oci_record_cgroup *place, struct error *err);

/* The error of a run.oci.delegate-cgroup without version 2: version 1 has no way to do this safely. */
int place_refuse_delegation(struct error *err);
