/* The sections of a config, as launch_plan() goes through them: see fuzz.h. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "cgroup/cgroup.h"
#include "cgroup/controller.h"
#include "cgroup/devices.h"
#include "fuzz.h"
#include "launch/order.h"
#include "linux/hook-state.h"
#include "linux/mount-options.h"
#include "linux/mounts.h"

/* Those that look at the config, at most at the kernel, and change and open nothing. */
static const struct section *const pure[] = {
	&section_hostname,     &section_domainname,    &section_rootfs_propagation,
	&section_capabilities, &section_env,	       &section_scheduler,
	&section_io_priority,  &section_memory_policy, &section_personality,
	&section_sysctl,       &section_id_mappings,   &section_user,
	&section_annotations,
};

/* A container with new namespaces of every kind that it can have, so that no section looks for others. */
static int prepare(const struct oci_config *config, struct arena *arena, struct error *err)
{
	bool mapped = config->linux && config->linux->uid_mappings_len;
	struct container container = {
		.arena = arena,
		.config = config,
		.id = "fuzz",
		.bundle = "/",
		.host_privileges = true,
		.new_namespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET |
				  CLONE_NEWPID | CLONE_NEWCGROUP | (mapped ? CLONE_NEWUSER : 0),
	};

	for (size_t i = 0; i < sizeof(pure) / sizeof(pure[0]); i++)
		if (pure[i]->prepare && pure[i]->prepare(&container, err) < 0)
			return -err->code;
	if (hook_state_prepare(&container, err) < 0)
		return -err->code;
	hook_state(&container, "creating");
	return 0;
}

/* What was validated without an arena can be done with one, and comes to the same. */
static int parse_mounts(const struct oci_config *config, struct arena *arena, struct error *err)
{
	for (size_t i = 0; i < config->mounts_len; i++) {
		struct mount_options options;
		int r = mount_options_parse(&config->mounts[i], arena, &options, err);

		EXPECT(r == 0 || r == -ENOMEM);
		if (r < 0)
			return r;
		mount_fold_recursive(&options);
	}
	return 0;
}

static int check_resources(const struct oci_config *config, struct error *err)
{
	const struct oci_resources *resources = config->linux ? config->linux->resources : NULL;
	struct device_rules rules;

	limits_asked(resources);
	if (limits_check(resources, err) < 0)
		return -err->code;
	EXPECT(devices_rules(resources, &rules, err) == 0);
	devices_release(&rules);
	return 0;
}

int fuzz_check_config(const struct oci_config *config, struct arena *arena, struct error *err)
{
	int r;

	for (const struct section *const *section = validate_order; *section; section++)
		if ((*section)->validate && (*section)->validate(config, err) < 0)
			return -err->code;
	r = check_resources(config, err);
	if (r == 0)
		r = parse_mounts(config, arena, err);
	return r == 0 ? prepare(config, arena, err) : r;
}
