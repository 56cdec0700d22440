/*
 * linux.resources.pids: how many processes and threads there may be.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#pids
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#pid
 *
 * -1 asks for no limit; 0 is a limit, under which nothing can be started.
 */
#include <inttypes.h>

#include "cgroup/controller.h"

static bool pids_asked(const struct oci_resources *resources)
{
	return resources->pids && resources->pids->has_limit;
}

static int pids_check(const struct oci_resources *resources, struct error *err)
{
	if (resources->pids->limit >= -1)
		return 0;
	error_config(err, "limit: %" PRId64 " is below -1", resources->pids->limit);
	return error_hint(err, "-1 is no limit");
}

/* The same file in both versions. */
static int pids_apply(const struct target *target, const struct oci_resources *resources,
		      struct error *err)
{
	int64_t limit = resources->pids->limit;

	if (limit < 0)
		return target_write(target, "pids.max", "limit", V2_NO_LIMIT, err);
	return target_write_number(target, "pids.max", "limit", limit, err);
}

const struct controller controller_pids = {
	.name = "pids",
	.property = "pids",
	.v1_file = "pids.max",
	.asked = pids_asked,
	.check = pids_check,
	.apply_v2 = pids_apply,
	.apply_v1 = pids_apply,
};
