/*
 * To whom the container's cgroup is given: see cgroup-owner.h.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#cgroup-ownership
 *
 * By the specification to the user of the container's process, if the container has a new cgroup namespace
 * and sees its cgroup where it may write to it: then a systemd in it, say, can group its services.  The
 * annotation run.oci.delegate-cgroup asks for a cgroup below the container's that is given to its root.
 *
 * The runtime does it when the cgroup is made and nothing runs in it.
 */
#include "linux/cgroup-owner.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <string.h>

#include "linux/annotations.h"
#include "linux/id-mappings.h"

#define DELEGATE_CGROUP "run.oci.delegate-cgroup"

int cgroup_owner_annotation(const struct oci_config *config, const char **name, struct error *err)
{
	const char *value = annotation_find(config, DELEGATE_CGROUP);

	*name = value && value[0] ? value : NULL;
	if (!*name)
		return 0;
	if (strcmp(value, ".") != 0 && strcmp(value, "..") != 0 && !strpbrk(value, "/\n") &&
	    strlen(value) <= NAME_MAX)
		return 0;
	return error_config(err,
			    "annotations[\"" DELEGATE_CGROUP "\"]: \"%s\" is no name of a "
			    "cgroup",
			    value);
}

static bool is_readonly(const struct oci_mount *mount)
{
	bool readonly = false;

	for (size_t i = 0; i < mount->options_len; i++) {
		if (strcmp(mount->options[i], "ro") == 0 || strcmp(mount->options[i], "rro") == 0)
			readonly = true;
		else if (strcmp(mount->options[i], "rw") == 0)
			readonly = false;
	}
	return readonly;
}

static bool sees_its_cgroup(const struct oci_config *config)
{
	for (size_t i = 0; i < config->mounts_len; i++) {
		const struct oci_mount *mount = &config->mounts[i];

		if (mount->source && strcmp(mount->source, "cgroup") == 0 &&
		    strcmp(mount->destination, "/sys/fs/cgroup") == 0)
			return !is_readonly(mount);
	}
	return false;
}

/* What an id inside is on the host; of a user namespace that is joined the map is not known here. */
static bool look_up(const struct container *container, const struct id_map *map, uint32_t id,
		    uint32_t *outside)
{
	return !(container->joined_namespaces & CLONE_NEWUSER) &&
	       id_map_lookup(container, map, id, outside);
}

static int find_root(const struct container *container, struct cgroup_owner *owner,
		     struct error *err)
{
	owner->asked = true;
	if (look_up(container, &container->uid_map, 0, &owner->uid) &&
	    look_up(container, &container->gid_map, 0, &owner->gid))
		return 1;
	return error_config(err,
			    "annotations[\"" DELEGATE_CGROUP "\"]: nobody knows who is root in "
			    "the container's user namespace");
}

int cgroup_owner_find(const struct container *container, struct cgroup_owner *owner,
		      struct error *err)
{
	const struct oci_config *config = container->config;
	const struct oci_user *user = config->process ? config->process->user : NULL;
	const char *name;

	*owner = (struct cgroup_owner){.gid = (gid_t)-1};
	if (cgroup_owner_annotation(config, &name, err) < 0)
		return -err->code;
	if (name)
		return find_root(container, owner, err);
	if (!(container->new_namespaces & CLONE_NEWCGROUP) || !sees_its_cgroup(config) ||
	    !look_up(container, &container->uid_map, user ? user->uid : 0, &owner->uid))
		return 0;
	/* What is made here is the caller's already. */
	return owner->uid != container->uid;
}
