/*
 * linux.readonlyPaths: what the container may read but not change.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#readonly-paths
 *
 * Each path is covered by a read-only bind mount of itself, with all that is mounted below it; what the
 * host has locked on it stays.  After the mounts and the masks, which it must not bring to light again.
 */
#include <errno.h>
#include <sched.h>

#include "basic/cleanup.h"
#include "basic/syscalls.h"
#include "linux/mount-tree.h"
#include "linux/mounts.h"
#include "linux/section.h"

static size_t paths(const struct oci_config *config)
{
	return config->linux ? config->linux->readonly_paths_len : 0;
}

static int readonly_paths_validate(const struct oci_config *config, struct error *err)
{
	if (paths(config) == 0)
		return 0;
	for (size_t i = 0; i < paths(config); i++)
		if (config->linux->readonly_paths[i][0] != '/')
			return error_config(err, "linux.readonlyPaths[%zu]: \"%s\" is not absolute",
					    i, config->linux->readonly_paths[i]);
	return mount_namespace_needed(config, "linux.readonlyPaths", err);
}

static int make_readonly(const struct container *container, const char *path, struct error *err)
{
	struct mount_attr change = {.attr_set = MOUNT_ATTR_RDONLY};
	autoleave int place = mounts_open_inside(container, path);
	autoleave int tree = -1;

	/* What is not there, or out of reach even for this user namespace's root, can't be changed. */
	if (place == -ENOENT || place == -ENOTDIR || place == -EACCES)
		return 0;
	if (place < 0)
		return error_errno(err, -place, "open it in the container");
	tree = mount_tree_clone(place, "", AT_EMPTY_PATH | AT_RECURSIVE, &change);
	if (tree < 0 || sys_move_mount(tree, place) < 0)
		return error_errno(err, errno, "make it read-only");
	return 0;
}

static int readonly_paths_apply(struct container *container, struct error *err)
{
	for (size_t i = 0; i < paths(container->config); i++) {
		const char *path = container->config->linux->readonly_paths[i];

		if (make_readonly(container, path, err) < 0)
			return error_in(err, "linux.readonlyPaths[%zu] (%s)", i, path);
	}
	return 0;
}

const struct section section_readonly_paths = {
	.path = "linux.readonlyPaths",
	.validate = readonly_paths_validate,
};

const struct step step_readonly_paths = {
	.name = "linux.readonlyPaths",
	.apply = readonly_paths_apply,
};
