/*
 * What of the host's mounts a container with a new user namespace begins with, where the host has many.
 *
 *	mount_namespaces(7), user_namespaces(7), pivot_root(2)
 *
 * Who becomes root of a user namespace can mount nothing in the host's mount namespace, so init can't stay
 * there while it makes its mounts (kernel-mounts.c); and the kernel grants a new proc or sysfs only as long
 * as a whole one is in reach.  A copy of two thousand mounts for a user namespace costs more than all
 * the rest of `run`.  So the stage makes a mount namespace that has what init takes from the host by its path,
 * /proc, /sys and /dev, and init's is a copy of that.  They are copied as they are on the host, with all that
 * covers parts of them, and the user namespace locks them as it would lock the host's.
 */
#include "linux/narrow-host.h"

#include <errno.h>
#include <sched.h>
#include <sys/stat.h>

#include "basic/cleanup.h"
#include "basic/log.h"
#include "basic/syscalls.h"
#include "linux/mount-tree.h"

static const char *const kept[] = {"/proc", "/sys", "/dev"};

enum { KEPT = sizeof(kept) / sizeof(kept[0]) };

static int open_kept(int trees[KEPT], struct error *err)
{
	struct mount_attr slave = {.propagation = MS_SLAVE};

	for (size_t i = 0; i < KEPT; i++) {
		trees[i] = mount_tree_clone(AT_FDCWD, kept[i], AT_RECURSIVE, &slave);
		if (trees[i] < 0)
			return error_errno(err, errno, "bind %s", kept[i]);
	}
	return 0;
}

/* It takes the place of the kernel's devtmpfs, which is not to lie beneath a container's root. */
static int make_root(struct error *err)
{
	autoclose int context = sys_fsopen("tmpfs");
	autoclose int place = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int root = -1;

	if (context >= 0 && sys_fsconfig(context, FSCONFIG_SET_STRING, "mode", "755") == 0 &&
	    sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL) == 0)
		root = sys_fsmount(context, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (root < 0 || place < 0 || sys_move_mount(root, place) < 0 || fchdir(root) < 0)
		return error_errno(err, errno, "mount a tmpfs for the host's /proc, /sys and /dev");
	if (sys_pivot_root(".", ".") < 0 || sys_umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return error_errno(err, errno, "pivot to the host's /proc, /sys and /dev");
	return 0;
}

static int attach_kept(const int trees[KEPT], struct error *err)
{
	for (size_t i = 0; i < KEPT; i++) {
		autoclose int place = -1;

		if (mkdirat(AT_FDCWD, kept[i], 0755) == 0)
			place = openat(AT_FDCWD, kept[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (place < 0 || sys_move_mount(trees[i], place) < 0)
			return error_errno(err, errno, "attach the host's %s", kept[i]);
	}
	return 0;
}

static int make_namespace(const int trees[KEPT], struct error *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return error_errno(err, errno, "make a mount namespace");
	if (sys_mount_propagation("/", MS_REC | MS_SLAVE) < 0)
		return error_errno(err, errno, "separate the mounts from the host's");
	return make_root(err) < 0 ? -err->code : attach_kept(trees, err);
}

int narrow_host(struct container *container, struct error *err)
{
	int trees[KEPT] = {-1, -1, -1};
	int r;

	if (!container->narrows_host)
		return 0;
	r = open_kept(trees, err);
	if (r == 0 && setns(container->kernel_mounts, CLONE_NEWNS) < 0)
		log_debug("mounts: enter the kernel's own namespace: errno %d", errno);
	else if (r == 0)
		r = make_namespace(trees, err);
	close_fd(&container->kernel_mounts);
	for (size_t i = 0; i < KEPT; i++)
		close_fd(&trees[i]);
	return r;
}
