/*
 * linux.resources.network: how a container's packets are marked, for traffic control and firewalls.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#network
 *	https://docs.kernel.org/admin-guide/cgroup-v1/net_cls.html, net_prio.html
 *
 * Two controllers of version 1, which are mostly mounted as one.  Version 2 has none: there packets are
 * told apart by the cgroup itself.  A class of 0 is none, and what engines write where the user gave
 * none.
 */
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "cgroup/controller.h"

static bool class_asked(const struct oci_resources *resources)
{
	return resources->network && resources->network->class_id != 0;
}

static int class_check_v2(const struct oci_resources *resources, struct error *err)
{
	(void)resources;
	return setting_unknown("classID", "2", err);
}

static int class_apply_v1(const struct target *target, const struct oci_resources *resources,
			  struct error *err)
{
	return target_write_number(target, "net_cls.classid", "classID",
				   resources->network->class_id, err);
}

static bool priorities_asked(const struct oci_resources *resources)
{
	return resources->network && resources->network->priorities_len > 0;
}

static int priorities_check(const struct oci_resources *resources, struct error *err)
{
	for (size_t i = 0; i < resources->network->priorities_len; i++) {
		const char *name = resources->network->priorities[i].name;

		if (name[0] == '\0' || strlen(name) >= IF_NAMESIZE || strpbrk(name, " \n\t/"))
			return error_config(err,
					    "priorities[%zu].name: \"%s\" is no name of a "
					    "network device",
					    i, name);
	}
	return 0;
}

static int priorities_check_v2(const struct oci_resources *resources, struct error *err)
{
	(void)resources;
	return setting_unknown("priorities", "2", err);
}

static int priorities_apply_v1(const struct target *target, const struct oci_resources *resources,
			       struct error *err)
{
	for (size_t i = 0; i < resources->network->priorities_len; i++) {
		const struct oci_interface_priority *one = &resources->network->priorities[i];
		char value[IF_NAMESIZE + SETTING_SIZE];

		snprintf(value, sizeof(value), "%s %" PRIu32, one->name, one->priority);
		if (target_write(target, "net_prio.ifpriomap", "priorities", value, err) < 0)
			return -err->code;
	}
	return 0;
}

const struct controller controller_net_cls = {
	.name = "net_cls",
	.property = "network",
	.v1_file = "net_cls.classid",
	.asked = class_asked,
	.check_v2 = class_check_v2,
	.apply_v1 = class_apply_v1,
};

const struct controller controller_net_prio = {
	.name = "net_prio",
	.property = "network",
	.v1_file = "net_prio.ifpriomap",
	.asked = priorities_asked,
	.check = priorities_check,
	.check_v2 = priorities_check_v2,
	.apply_v1 = priorities_apply_v1,
};
