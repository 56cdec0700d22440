/*
 * linux.resources: all limits, controller by controller.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#control-groups
 *
 * A limit that is asked for and cannot be set is an error: a container that was thought to be
 * limited and is not is worse than none.
 *
 * A new cgroup and one in use get their limits by the same code, which looks at everything before it
 * writes anything.  For one in use what it replaces is remembered, and when something fails after all, the
 * limits are set back.  The devices come last: their rules are replaced at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/file.h"
#include "cgroup/controller.h"
#include "cgroup/devices.h"
#include "cgroup/hierarchies.h"
#include "cgroup/subtree.h"
#include "cgroup/undo.h"

static const struct controller *const controllers[] = {
	&controller_cpuset, /* in version 1 memory is given to nodes as soon as it is used */
	&controller_cpu,     &controller_memory, &controller_pids,    &controller_block_io,
	&controller_hugetlb, &controller_rdma,	 &controller_net_cls, &controller_net_prio,
};

enum { CONTROLLERS = sizeof(controllers) / sizeof(controllers[0]) };

const char *limits_asked(const struct oci_resources *resources)
{
	if (!resources)
		return NULL;
	for (size_t i = 0; i < CONTROLLERS; i++)
		if (controllers[i]->asked(resources))
			return controllers[i]->property;
	return resources->unified_len > 0 ? "unified" : NULL;
}

static int error_of(const struct controller *controller, struct error *err)
{
	return error_in(err, "linux.resources.%s", controller->property);
}

int limits_check(const struct oci_resources *resources, struct error *err)
{
	if (!resources)
		return 0;
	for (size_t i = 0; i < CONTROLLERS; i++) {
		const struct controller *controller = controllers[i];

		if (controller->check && controller->asked(resources) &&
		    controller->check(resources, err) < 0)
			return error_of(controller, err);
	}
	if (unified_check(resources, err) < 0)
		return -err->code;
	return devices_check(resources, err);
}

/* -- where each controller is ------------------------------------------------------------------ */

/* Whether one of the path's names, or a part of it between commas, is this word. */
static bool has_component(const char *path, const char *word, size_t length)
{
	for (const char *at = path; (at = strpbrk(at, "/,")) != NULL;)
		if (strncmp(++at, word, length) == 0 && strchr("/,", at[length]))
			return true;
	return false;
}

const char *limits_v1_directory(const struct oci_record_cgroup *place, const char *file)
{
	size_t length = strcspn(file, ".");

	/* Its hierarchy is called like the controller, or like several: "cpu,cpuacct". */
	for (size_t i = 0; i < place->directories_len; i++)
		if (has_component(place->directories[i], file, length) &&
		    setting_exists(place->directories[i], file))
			return place->directories[i];
	for (size_t i = 0; i < place->directories_len; i++)
		if (!has_component(place->directories[i], file, length) &&
		    setting_exists(place->directories[i], file))
			return place->directories[i];
	return NULL;
}

/* One that only version 1 has is not missing from version 2. */
static int explain_missing(const struct controller *controller,
			   const struct oci_record_cgroup *place,
			   const struct oci_resources *resources, struct error *err)
{
	if (place->v2 && !controller->apply_v2)
		return controller->check_v2(resources, err);
	if (place->v2)
		return subtree_explain(place->v2, controller->name, err);
	error_config(err, "the container's cgroups do not have the %s controller",
		     controller->name);
	return error_hint(err, "it is not mounted, or not delegated to uid %u",
			  (unsigned int)geteuid());
}

static int check_v2(const struct controller *controller, const struct oci_resources *resources,
		    struct error *err)
{
	return controller->check_v2 ? controller->check_v2(resources, err) : 0;
}

struct foresight {
	const struct oci_record_cgroup *place;
	const struct hierarchies *found;
	char v2[SUBTREE_SIZE]; /* the controllers that its cgroup can have there */
};

static int foresee_one(const struct controller *controller, const struct foresight *foresight,
		       const struct oci_resources *resources, struct error *err)
{
	const char *v1_name = controller->v1_name ? controller->v1_name : controller->name;

	if (controller->apply_v2 && subtree_has(foresight->v2, controller->name))
		return check_v2(controller, resources, err);
	if (foresight->place->directories_len > 0 && hierarchies_have(foresight->found, v1_name))
		return 0;
	return explain_missing(controller, foresight->place, resources, err);
}

int limits_foresee(const struct oci_record_cgroup *place, const struct hierarchies *found,
		   const struct oci_resources *resources, struct error *err)
{
	struct foresight foresight = {.place = place, .found = found};

	if (!limits_asked(resources))
		return 0;
	if (place->v2)
		subtree_foresee(place->v2, foresight.v2);
	for (size_t i = 0; i < CONTROLLERS; i++)
		if (controllers[i]->asked(resources) &&
		    foresee_one(controllers[i], &foresight, resources, err) < 0)
			return error_of(controllers[i], err);
	return unified_foresee(place, resources, err);
}

/* -- setting them ------------------------------------------------------------------------------ */

struct job {
	const struct controller *controller;
	struct target target;
	bool v2;
};

/* What is to be done, once it is known where. */
struct jobs {
	struct job list[CONTROLLERS];
	size_t count;
};

static int plan_job(struct job *job, const struct oci_record_cgroup *place, const char *available,
		    const struct oci_resources *resources, struct error *err)
{
	const struct controller *controller = job->controller;

	job->v2 = place->v2 && controller->apply_v2 && subtree_has(available, controller->name);
	job->target.directory =
		job->v2 ? place->v2 : limits_v1_directory(place, controller->v1_file);
	if (!job->target.directory)
		return explain_missing(controller, place, resources, err);
	if (job->v2 && check_v2(controller, resources, err) < 0)
		return -err->code;
	return controller->look ? controller->look(&job->target, resources, err) : 0;
}

static int plan_jobs(struct jobs *jobs, const struct oci_record_cgroup *place,
		     const struct oci_resources *resources, struct undo *undo, struct error *err)
{
	char available[SUBTREE_SIZE] = "";

	if (!limits_asked(resources))
		return 0;
	if (place->v2)
		subtree_read(place->v2, "cgroup.controllers", available);
	for (size_t i = 0; i < CONTROLLERS; i++) {
		struct job *job = &jobs->list[jobs->count];

		if (!controllers[i]->asked(resources))
			continue;
		*job = (struct job){.controller = controllers[i], .target.undo = undo};
		if (plan_job(job, place, available, resources, err) < 0)
			return error_of(controllers[i], err);
		jobs->count++;
	}
	return unified_look(place, resources, err);
}

static int apply(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		 struct undo *undo, struct error *err)
{
	const struct target v2 = {place->v2, undo};
	struct jobs jobs = {.count = 0};

	if (plan_jobs(&jobs, place, resources, undo, err) < 0)
		return -err->code;
	for (size_t i = 0; i < jobs.count; i++) {
		const struct job *job = &jobs.list[i];
		const struct controller *controller = job->controller;
		int r = job->v2 ? controller->apply_v2(&job->target, resources, err)
				: controller->apply_v1(&job->target, resources, err);

		if (r < 0)
			return error_of(controller, err);
	}
	return unified_apply(&v2, resources, err);
}

int limits_apply(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		 struct error *err)
{
	return apply(place, resources, NULL, err);
}

static int go_back(struct undo *undo, struct error *err)
{
	struct error failure = {0};

	if (undo_all(undo, &failure) == 0)
		return error_in(err, "nothing was changed");
	return error_in(err, "not all could be undone (%s)", failure.text);
}

int limits_update(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		  limits_teller *tell, struct error *err)
{
	struct undo undo = {0};
	int r = limits_check(resources, err);

	if (r == 0)
		r = apply(place, resources, &undo, err);
	if (r == 0 && tell)
		r = tell(place, resources, err);
	if (r == 0 && resources->devices_len > 0)
		r = devices_apply(place, resources, err);
	if (r < 0 && undo.count > 0)
		r = go_back(&undo, err);
	undo_release(&undo);
	return r;
}
