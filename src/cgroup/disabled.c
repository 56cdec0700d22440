/*
 * The manager "disabled": the container stays in its caller's cgroup.
 *
 * For callers that keep their own account of what they start, and for plain users to whom no cgroup
 * is delegated.  There is nothing to make, to enter or to remove, and nothing that could be
 * limited: what is in the caller's cgroup is not the container's alone.
 */
#include "cgroup/controller.h"
#include "cgroup/managers.h"
#include "cgroup/place.h"

static int nothing_to_do(const struct oci_record_cgroup *place, struct error *err)
{
	(void)place, (void)err;
	return 0;
}

static int disabled_enter(const struct oci_record_cgroup *place, pid_t pid, bool cloned,
			  struct error *err)
{
	(void)pid, (void)cloned;
	return nothing_to_do(place, err);
}

static int disabled_limit(const struct oci_record_cgroup *place,
			  const struct oci_resources *resources, struct error *err)
{
	const char *asked = limits_asked(resources);

	(void)place;
	if (!asked)
		return 0;
	return error_config(err, "linux.resources.%s: the container has no cgroup of its own",
			    asked);
}

const struct cgroup_manager cgroup_manager_disabled = {
	.name = "disabled",
	.plan = place_disable,
	.create = nothing_to_do,
	.enter = disabled_enter,
	.limit = disabled_limit,
	.update = disabled_limit,
	.kill = nothing_to_do,
	.remove = nothing_to_do,
};
