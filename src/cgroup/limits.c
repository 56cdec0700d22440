/*
 * linux.resources: all limits, controller by controller.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#control-groups
 *
 * A limit that is asked for and cannot be set is an error: a container that was thought to be
 * limited and is not is worse than none.
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
#include "cgroup/subtree.h"

static const struct controller *const controllers[] = {
	&controller_cpuset, /* in version 1 memory is given to nodes as soon as it is used */
	&controller_cpu,      &controller_memory,  &controller_pids,
	&controller_block_io, &controller_hugetlb,
};

enum { CONTROLLERS = sizeof(controllers) / sizeof(controllers[0]) };

/* What this version has no code for. */
static const char *unsupported(const struct oci_resources *resources)
{
	if (resources->network &&
	    (resources->network->has_class_id || resources->network->priorities_len))
		return "network";
	if (resources->rdma_len)
		return "rdma";
	if (resources->unified_len)
		return "unified";
	return NULL;
}

const char *limits_asked(const struct oci_resources *resources)
{
	if (!resources)
		return NULL;
	for (size_t i = 0; i < CONTROLLERS; i++)
		if (controllers[i]->asked(resources))
			return controllers[i]->property;
	return unsupported(resources);
}

int limits_check(const struct oci_resources *resources, struct error *err)
{
	if (!resources)
		return 0;
	if (unsupported(resources))
		return error_config(err, "linux.resources.%s is not part of this version",
				    unsupported(resources));
	for (size_t i = 0; i < CONTROLLERS; i++) {
		const struct controller *controller = controllers[i];

		if (controller->check && controller->asked(resources) &&
		    controller->check(resources, err) < 0)
			return error_in(err, "linux.resources.%s", controller->property);
	}
	return devices_check(resources, err);
}

const char *limits_v1_directory(const struct oci_record_cgroup *place, const char *file)
{
	for (size_t i = 0; i < place->directories_len; i++)
		if (setting_exists(place->directories[i], file))
			return place->directories[i];
	return NULL;
}

static int apply_one(const struct controller *controller, const struct oci_record_cgroup *place,
		     const char *available, const struct oci_resources *resources,
		     struct error *err)
{
	const char *directory;

	if (place->v2 && subtree_has(available, controller->name))
		return controller->apply_v2(place->v2, resources, err);
	directory = limits_v1_directory(place, controller->v1_file);
	if (directory)
		return controller->apply_v1(directory, resources, err);
	if (!place->v2) {
		error_config(err, "the container's cgroups do not have the %s controller",
			     controller->name);
		return error_hint(err, "it is not mounted, or not delegated to uid %u",
				  (unsigned int)geteuid());
	}
	return subtree_explain(place->v2, controller->name, err);
}

int limits_apply(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		 struct error *err)
{
	char available[SUBTREE_SIZE] = "";

	if (place->v2)
		subtree_read(place->v2, "cgroup.controllers", available);
	for (size_t i = 0; i < CONTROLLERS; i++) {
		const struct controller *controller = controllers[i];

		if (controller->asked(resources) &&
		    apply_one(controller, place, available, resources, err) < 0)
			return error_in(err, "linux.resources.%s", controller->property);
	}
	return 0;
}
