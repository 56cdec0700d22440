/* To whom the container's cgroup is given, so that what runs in the container can manage it. */
#pragma once

#include <stdbool.h>

#include "linux/container.h"

/* The name of the cgroup that the annotation run.oci.delegate-cgroup asks for, or NULL; an error if no cgroup
 * can have it. */
int cgroup_owner_annotation(const struct oci_config *config, const char **name, struct error *err);

struct cgroup_owner {
	bool asked; /* by the annotation: that it cannot be done is an error */
	uid_t uid;  /* on the host */
	gid_t gid;  /* or -1: it stays */
};

/* Whether the cgroup is given to somebody; then it is filled in.  -EINVAL: it is asked for, but nobody knows
 * who root is in the container. */
int cgroup_owner_find(const struct container *container, struct cgroup_owner *owner,
		      struct error *err);
