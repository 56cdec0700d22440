/*
 * The limits are the kernel's alone: nothing of them is kept in the record, which could only be wrong about
 * what others have changed.  The cgroup's manager is the one that made it.
 *
 * resctrl goes first, because what it had is one text that can be given back when the cgroup's limits fail.
 */
#include "runtime/update.h"

#include <errno.h>

#include "basic/arena.h"
#include "cgroup/cgroup.h"
#include "linux/intel-rdt.h"
#include "runtime/status.h"

static int update_rdt(const struct oci_record *record, const struct oci_intel_rdt *rdt,
		      struct arena *arena, const char **former, struct error *err)
{
	if (record->intel_rdt)
		return intel_rdt_update(record->intel_rdt, rdt, arena, former, err);
	return error_config(err,
			    "linux.intelRdt: the container was made without a group of resctrl");
}

static int update_cgroup(const struct oci_record *record, const struct oci_resources *resources,
			 struct error *err)
{
	if (record->cgroup)
		return cgroup_update(record->cgroup, resources, err);
	return error_config(err, "linux.resources: the container has no cgroup of its own");
}

static int update_all(const struct oci_record *record, const struct update_request *request,
		      struct arena *arena, struct error *err)
{
	const char *former = NULL, *failed;
	struct error ignored = {0};
	int r = 0;

	if (request->intel_rdt)
		r = update_rdt(record, request->intel_rdt, arena, &former, err);
	if (r == 0)
		r = update_cgroup(record, request->resources, err);
	if (r < 0 && former) {
		const struct oci_intel_rdt back = {.schemata = &former, .schemata_len = 1};

		intel_rdt_update(record->intel_rdt, &back, arena, &failed, &ignored);
	}
	return r;
}

static int update_in(const struct state_root *root, const char *id,
		     const struct update_request *request, struct arena *arena, struct error *err)
{
	struct view view;
	int r;

	r = view_open_locked(&view, root, id, arena, err);
	if (r < 0)
		return r;
	if (view.status == STATUS_STOPPED)
		r = view_not_running(id, err);
	else if (update_all(view.record, request, arena, err) < 0)
		r = error_in(err, "%s", id);
	view_release(&view);
	return r;
}

int container_update(const struct state_root *root, const char *id,
		     const struct update_request *request, struct error *err)
{
	autoarena struct arena arena = {0};
	int r = arena_open_private(&arena, err);

	return r == 0 ? update_in(root, id, request, &arena, err) : r;
}
