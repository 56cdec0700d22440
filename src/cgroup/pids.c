/*
 * linux.resources.pids: how many processes and threads there may be.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#pids
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#pid
 *
 * -1 asks for no limit; 0 is a limit, under which nothing can be started.
 */
#include "cgroup/controller.h"

static bool pids_asked(const struct oci_resources *resources)
{
	return resources->pids && resources->pids->has_limit;
}

/* The same file in both versions. */
static int pids_apply(const char *directory, const struct oci_resources *resources,
		      struct error *err)
{
	int64_t limit = resources->pids->limit;

	if (limit < 0)
		return setting_write(directory, "pids.max", "limit", "max", err);
	return setting_write_number(directory, "pids.max", "limit", limit, err);
}

const struct controller controller_pids = {
	.name = "pids",
	.property = "pids",
	.v1_file = "pids.max",
	.asked = pids_asked,
	.apply_v2 = pids_apply,
	.apply_v1 = pids_apply,
};
