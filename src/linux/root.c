/*
 * root: the directory that becomes the container's "/".
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#root
 *	pivot_root(2), open_tree(2), move_mount(2)
 *
 * The rootfs is looked up once, by the runtime, and from then on is a mount tree of its own.  Init puts
 * that tree on top of its own "/", not on the rootfs's path: no directory on the way there has to be
 * searched, which a user namespace may not be allowed to, and nothing can be exchanged on it.  From then
 * on (root: attach) all that is done in the container goes through root_fd, so it does not matter whether
 * "/" is already the container's.  It becomes so (root: enter) as early as can be: before anything in
 * there is touched, unless the config has createContainer hooks, which run in between.
 *
 * A container without a mount namespace of its own is a chroot; one that joins another's has that one's
 * root.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/cleanup.h"
#include "basic/log.h"
#include "basic/syscalls.h"
#include "linux/mount-tree.h"
#include "linux/mounts.h"
#include "linux/section.h"

static int root_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_root *root = config->root;

	if (!root)
		return error_config(err, "root is missing");
	if (!root->path[0])
		return error_config(err, "root.path: it is empty");
	return root->readonly ? mount_namespace_needed(config, "root.readonly", err) : 0;
}

static const char *absolute_path(const struct container *container, struct error *err)
{
	const char *path = container->config->root->path;
	char joined[PATH_MAX], clean[PATH_MAX];
	int length = path[0] == '/'
			     ? snprintf(joined, sizeof(joined), "%s", path)
			     : snprintf(joined, sizeof(joined), "%s/%s", container->bundle, path);
	const char *copy;

	if ((size_t)length >= sizeof(joined)) {
		error_errno(err, ENAMETOOLONG, "root.path");
		return NULL;
	}
	/* Only "/./" and the like: with a symbolic link on the way ".." is not for us to take out. */
	if (strstr(joined, "/..") || mount_clean_path(joined, clean, sizeof(clean), err) < 0)
		snprintf(clean, sizeof(clean), "%s", joined);
	copy = arena_copy(container->arena, clean, strlen(clean));
	if (!copy)
		arena_full(container->arena, err);
	return copy;
}

static int open_root(const char *path, struct stat *status, struct error *err)
{
	int fd = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return error_config(err, "root.path: %s does not exist", path);
	if (fd < 0 && errno == ENOTDIR)
		return error_config(err, "root.path: %s is not a directory", path);
	if (fd < 0 || fstat(fd, status) < 0) {
		close_fd(&fd);
		return error_errno(err, errno, "root.path: open %s", path);
	}
	return fd;
}

/* What is mounted in the container must not appear in the host's view of the rootfs. */
static int clone_root(int dir, const char *path, unsigned int flags)
{
	struct mount_attr private = {.propagation = MS_PRIVATE};

	return mount_tree_clone(dir, path, flags | AT_RECURSIVE, &private);
}

static int root_prepare(struct container *container, struct error *err)
{
	autoclose int root = -1;
	struct stat status;

	container->rootfs_fd = -1;
	container->root_fd = -1;
	container->rootfs = absolute_path(container, err);
	if (!container->rootfs)
		return -err->code;
	/* What cannot be cloned is told of as what cannot be opened. */
	if (container->host_privileges && (container->new_namespaces & CLONE_NEWNS))
		container->rootfs_fd = clone_root(AT_FDCWD, container->rootfs, 0);
	if (container->rootfs_fd < 0 || fstat(container->rootfs_fd, &status) < 0 ||
	    !S_ISDIR(status.st_mode)) {
		close_fd(&container->rootfs_fd);
		root = open_root(container->rootfs, &status, err);
		if (root < 0)
			return root;
	}
	container->rootfs_device = status.st_dev;
	container->rootfs_inode = status.st_ino;
	return 0;
}

/* The rootfs by its path once more: it must be what the runtime saw. */
static int reopen_root(const struct container *container, struct error *err)
{
	struct stat status;
	int fd = open_root(container->rootfs, &status, err);

	if (fd < 0) {
		if (err->code == EACCES)
			error_hint(err, "the container's root user must be able to search the "
					"directories above it");
		return fd;
	}
	if (status.st_dev == container->rootfs_device && status.st_ino == container->rootfs_inode)
		return fd;
	close(fd);
	return error_config(err, "root.path: %s was exchanged in the meantime", container->rootfs);
}

static int open_tree_of_root(struct container *container, struct error *err)
{
	autoclose int root = -1;

	if (container->rootfs_fd >= 0)
		return 0;
	root = reopen_root(container, err);
	if (root < 0)
		return root;
	container->rootfs_fd = clone_root(root, "", AT_EMPTY_PATH);
	return container->rootfs_fd < 0
		       ? error_errno(err, errno, "root.path: bind %s", container->rootfs)
		       : 0;
}

/* Where the tree goes: on top of "/"; but hooks that enter the mount namespace look for the rootfs by the
 * path that config.json gives it. */
static int open_place(const struct container *container)
{
	int fd = -1;

	if (container->root_hooks)
		fd = openat(AT_FDCWD, container->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Makes the tree a mount of this namespace, and the root to work in. */
static int attach_root(struct container *container, int *tree, struct error *err)
{
	autoleave int top = open_place(container);

	if (top < 0 || sys_move_mount(*tree, top) < 0)
		return error_errno(err, errno, "attach the root file system");
	close_fd(&container->root_fd);
	container->root_fd = take_fd(tree);
	return 0;
}

/* A mount whose destination is "/" takes the place of the rootfs. */
static int replace_root(struct container *container, struct mount_plan *plan, struct error *err)
{
	if (plan->is_file) {
		error_config(err, "a file can't be the root");
		return mount_error_in(plan, err);
	}
	if (sys_move_mount(plan->fd, container->root_fd) < 0) {
		error_errno(err, errno, "attach it");
		return mount_error_in(plan, err);
	}
	close_fd(&container->root_fd);
	container->root_fd = take_fd(&plan->fd);
	return 0;
}

static int attach_new_root(struct container *container, struct error *err)
{
	if (open_tree_of_root(container, err) < 0)
		return -err->code;
	/* Nor may it, or the removal of the host's tree from this namespace, come through "/". */
	if ((container->propagation & MS_SHARED) &&
	    sys_mount_propagation("/", MS_REC | MS_SLAVE) < 0)
		return error_errno(err, errno, "separate the mounts from the host's");
	if (attach_root(container, &container->rootfs_fd, err) < 0)
		return -err->code;
	for (size_t i = 0; i < container->mounts_len; i++)
		if (container->mounts[i].owns_root && container->mounts[i].fd >= 0 &&
		    replace_root(container, &container->mounts[i], err) < 0)
			return -err->code;
	return 0;
}

static int root_attach(struct container *container, struct error *err)
{
	container->root_fd = -1;
	if (container->new_namespaces & CLONE_NEWNS)
		return attach_new_root(container, err);
	if (!(container->joined_namespaces & CLONE_NEWNS)) {
		container->root_fd = reopen_root(container, err);
		return container->root_fd < 0 ? container->root_fd : 0;
	}
	container->root_fd = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return container->root_fd < 0 ? error_errno(err, errno, "open the root") : 0;
}

/* Without pivot_root(2) the host's mounts stay beneath.  A user namespace inside the container could
 * mount a proc or sysfs of its own as long as a whole one is among them: take these two away. */
static void hide_below(const char *path)
{
	if (sys_umount2(path, MNT_DETACH) == 0 || errno == ENOENT)
		return;
	if (sys_mount("tmpfs", path, "tmpfs", MS_RDONLY, "nr_inodes=2") < 0)
		log_debug("root: %s of the host stays beneath the container's root", path);
}

static int pivot(struct error *err)
{
	/* The old root ends up on top of the new one, and is taken off. */
	if (sys_pivot_root(".", ".") < 0) {
		error_errno(err, errno, "pivot to the container's root");
		if (err->code == EINVAL)
			error_hint(err, "a root on a ramdisk can't be left that way: use "
					"--no-pivot");
		return -err->code;
	}
	if (sys_umount2(".", MNT_DETACH) < 0)
		return error_errno(err, errno, "take off the host's root");
	return 0;
}

static int root_enter(struct container *container, struct error *err)
{
	bool from_host = (container->new_namespaces & CLONE_NEWNS) && !container->covers_root;

	if (container->joined_namespaces & CLONE_NEWNS)
		return 0;
	if (from_host && container->no_pivot) {
		hide_below("/proc");
		hide_below("/sys");
	}
	if (fchdir(container->root_fd) < 0)
		return error_errno(err, errno, "change to the container's root");
	if (from_host && !container->no_pivot) {
		if (pivot(err) < 0)
			return -err->code;
	} else if (chroot(".") < 0) {
		return error_errno(err, errno, "change to the container's root");
	}
	return 0;
}

static bool is_readonly(const struct container *container)
{
	for (size_t i = 0; i < container->mounts_len; i++)
		if (container->mounts[i].owns_root && container->mounts[i].finish_readonly)
			return true;
	return container->config->root->readonly;
}

/* Last of all that is done to the root. */
static int root_finish(struct container *container, struct error *err)
{
	struct mount_attr change = {0};

	if (!(container->new_namespaces & CLONE_NEWNS))
		return 0;
	if (is_readonly(container))
		change.attr_set = MOUNT_ATTR_RDONLY;
	/* Private it is already.  It has no master that it could be a slave of. */
	change.propagation = container->propagation & (MS_SHARED | MS_UNBINDABLE);
	if (!change.attr_set && !change.propagation)
		return 0;
	if (sys_mount_setattr(container->root_fd, 0, &change) < 0)
		return error_errno(err, errno, "root: set its options");
	return 0;
}

const struct section section_root = {
	.path = "root",
	.validate = root_validate,
	.prepare = root_prepare,
};

const struct step step_root_attach = {
	.name = "root: attach",
	.apply = root_attach,
};

const struct step step_root_enter = {
	.name = "root: enter",
	.apply = root_enter,
};

const struct step step_root_finish = {
	.name = "root: finish",
	.apply = root_finish,
};
