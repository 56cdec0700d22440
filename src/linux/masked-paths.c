/*
 * linux.maskedPaths: what the container must not read is covered.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#masked-paths
 *
 * A file is covered by the host's /dev/null, a directory by an empty read-only tmpfs, of which there is
 * one for all.  The null device is taken from the host and verified before the container's root is
 * entered: whatever the container's /dev/null is, it must not end up, writable, on /proc/kcore.
 */
#include <errno.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/cleanup.h"
#include "basic/syscalls.h"
#include "linux/mount-label.h"
#include "linux/mount-tree.h"
#include "linux/mounts.h"
#include "linux/section.h"

/* What covers: the first use attaches the mount itself, later ones clones of it. */
struct cover {
	int fd; /* or -1: not made yet */
	bool attached;
};

static size_t masks(const struct oci_config *config)
{
	return config->linux ? config->linux->masked_paths_len : 0;
}

static int masked_paths_validate(const struct oci_config *config, struct error *err)
{
	if (masks(config) == 0)
		return 0;
	for (size_t i = 0; i < masks(config); i++)
		if (config->linux->masked_paths[i][0] != '/')
			return error_config(err, "linux.maskedPaths[%zu]: \"%s\" is not absolute",
					    i, config->linux->masked_paths[i]);
	return mount_namespace_needed(config, "linux.maskedPaths", err);
}

static int masked_open(struct container *container, struct error *err)
{
	struct mount_attr change = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
		.propagation = MS_PRIVATE,
	};
	struct stat status;
	int fd;

	container->null_fd = -1;
	if (masks(container->config) == 0)
		return 0;
	fd = mount_tree_clone(AT_FDCWD, "/dev/null", 0, &change);
	if (fd < 0)
		return error_errno(err, errno, "linux.maskedPaths: bind the host's /dev/null");
	container->null_fd = fd;
	if (fstat(fd, &status) < 0 || !S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3))
		return error_config(err, "linux.maskedPaths: the host's /dev/null is not the null "
					 "device");
	return 0;
}

static int open_empty(const struct container *container, struct error *err)
{
	autoleave int context = sys_fsopen("tmpfs");
	int fd = -1;

	if (context >= 0 && sys_fsconfig(context, FSCONFIG_SET_STRING, "nr_inodes", "2") == 0 &&
	    sys_fsconfig(context, FSCONFIG_SET_STRING, "mode", "0555") == 0 &&
	    mount_label_configure(container, context) == 0 &&
	    sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL) == 0)
		fd = sys_fsmount(context, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
						  MOUNT_ATTR_NOEXEC);
	return fd >= 0 ? fd : error_errno(err, errno, "mount an empty tmpfs");
}

static int attach_cover(struct cover *cover, int place, struct error *err)
{
	autoleave int clone = -1;

	if (!cover->attached) {
		cover->attached = true;
		return sys_move_mount(cover->fd, place) < 0 ? error_errno(err, errno, "cover it")
							    : 0;
	}
	clone = sys_open_tree(cover->fd, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
	if (clone < 0 || sys_move_mount(clone, place) < 0)
		return error_errno(err, errno, "cover it");
	return 0;
}

static int mask(const struct container *container, const char *path, struct cover *null,
		struct cover *empty, struct error *err)
{
	autoleave int place = mounts_open_inside(container, path);
	struct stat status;

	/* What is not there needs no cover, nor does what this user namespace's root can't get at. */
	if (place == -ENOENT || place == -ENOTDIR || place == -EACCES)
		return 0;
	if (place < 0)
		return error_errno(err, -place, "open it in the container");
	if (fstat(place, &status) < 0)
		return error_errno(err, errno, "look at it in the container");
	if (!S_ISDIR(status.st_mode))
		return attach_cover(null, place, err);
	if (empty->fd < 0) {
		empty->fd = open_empty(container, err);
		if (empty->fd < 0)
			return empty->fd;
	}
	return attach_cover(empty, place, err);
}

static int masked_paths_apply(struct container *container, struct error *err)
{
	const struct oci_linux *properties = container->config->linux;
	struct cover null = {.fd = container->null_fd}, empty = {.fd = -1};
	int r = 0;

	for (size_t i = 0; r == 0 && i < masks(container->config); i++) {
		const char *path = properties->masked_paths[i];

		r = mask(container, path, &null, &empty, err);
		if (r < 0)
			error_in(err, "linux.maskedPaths[%zu] (%s)", i, path);
	}
	leave_fd(&container->null_fd);
	leave_fd(&empty.fd);
	return r;
}

const struct section section_masked_paths = {
	.path = "linux.maskedPaths",
	.validate = masked_paths_validate,
};

const struct step step_masked_open = {
	.name = "linux.maskedPaths: open",
	.apply = masked_open,
};

const struct step step_masked_paths = {
	.name = "linux.maskedPaths",
	.apply = masked_paths_apply,
};
