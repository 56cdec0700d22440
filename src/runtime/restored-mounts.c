/*
 * A restored container's mounts are as closed as config.json says.
 *
 *	mount_setattr(2)
 *
 * CRIU takes all mounts of one file system for copies of the first, and gives no options to one that had the same as
 * that: but what comes from outside is a copy of the host's mount.  So a folder that is mounted twice to be read
 * only, or the second file that is masked, could be written to; and up to CRIU 4.1 a read-only root, too.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/inside.h"
#include "basic/procfs.h"
#include "basic/syscalls.h"
#include "runtime/restored.h"

enum { PATH_SIZE = 32 };

/* What opens a mount is left as it is; nothing is to be opened by a mistake here. */
static const uint64_t closing = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW;
static const uint64_t masking = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;

/* The root of the mount that path leads to, or -1: the program has unmounted it, or has hidden it. */
static int open_mount(int root, const char *path, mode_t *mode)
{
	struct error unheard = {0};
	autoclose int fd = inside_open(root, path, O_PATH, &unheard);
	struct statx status;

	if (fd < 0 || sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &status) < 0 ||
	    !(status.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return -1;
	*mode = status.stx_mode;
	return take_fd(&fd);
}

static int set(int fd, unsigned int depth, uint64_t attributes, const char *path, struct error *err)
{
	struct mount_attr change = {.attr_set = attributes & closing};

	if (!change.attr_set || sys_mount_setattr(fd, depth, &change) == 0)
		return 0;
	return error_errno(err, errno, "%s: set the mount's options", path);
}

/* The last with a destination lies on top of the others. */
static bool is_last(const struct container *container, size_t index)
{
	const char *destination = container->mounts[index].destination;

	for (size_t i = index + 1; i < container->mounts_len; i++)
		if (strcmp(container->mounts[i].destination, destination) == 0)
			return false;
	return true;
}

static int close_mount(int root, const struct mount_plan *plan, struct error *err)
{
	mode_t mode;
	autoclose int fd = open_mount(root, plan->destination, &mode);

	if (fd < 0)
		return 0;
	if (set(fd, AT_RECURSIVE, plan->options.rec_set & ~plan->options.clear, plan->destination,
		err) < 0)
		return -err->code;
	return set(fd, 0, plan->options.set, plan->destination, err);
}

static int close_masked(int root, const char *path, struct error *err)
{
	mode_t mode;
	autoclose int fd = open_mount(root, path, &mode);

	return fd < 0 ? 0 : set(fd, 0, masking, path, err);
}

static int close_readonly(int root, const char *path, struct error *err)
{
	mode_t mode;
	autoclose int fd = open_mount(root, path, &mode);

	return fd < 0 ? 0 : set(fd, 0, MOUNT_ATTR_RDONLY, path, err);
}

static int close_paths(const struct oci_linux *properties, int root, struct error *err)
{
	for (size_t i = 0; i < properties->masked_paths_len; i++)
		if (close_masked(root, properties->masked_paths[i], err) < 0)
			return -err->code;
	for (size_t i = 0; i < properties->readonly_paths_len; i++)
		if (close_readonly(root, properties->readonly_paths[i], err) < 0)
			return -err->code;
	return 0;
}

static int close_all(const struct container *container, int root, struct error *err)
{
	const struct oci_config *config = container->config;
	int r = 0;

	if (config->root->readonly)
		r = set(root, 0, MOUNT_ATTR_RDONLY, "/", err);
	for (size_t i = 0; r == 0 && i < container->mounts_len; i++)
		if (container->mounts[i].kind != MOUNT_LINK && is_last(container, i))
			r = close_mount(root, &container->mounts[i], err);
	return r == 0 && config->linux ? close_paths(config->linux, root, err) : r;
}

/* Only from within its mount namespace can a mount be changed. */
static int enter(const struct container *container, pid_t pid, struct error *err)
{
	char path[PATH_SIZE];
	autoclose int root = -1, namespace = -1;

	snprintf(path, sizeof(path), "%d/root", pid);
	root = procfs_follow(procfs_own(), path, O_PATH | O_DIRECTORY);
	snprintf(path, sizeof(path), "%d/ns/mnt", pid);
	namespace = procfs_follow(procfs_own(), path, O_RDONLY);
	if (root < 0 || namespace < 0)
		return error_errno(err, root < 0 ? -root : -namespace, "open the container's root");
	if (setns(namespace, CLONE_NEWNS) < 0)
		return error_errno(err, errno, "enter the container's mount namespace");
	return close_all(container, root, err);
}

int restored_mounts(const struct creation *creation, struct error *err)
{
	const struct container *container = creation->container;
	autoclose int mine = -1, theirs = -1;
	int ends[2];
	ssize_t length;
	pid_t child;

	if (!(container->new_namespaces & CLONE_NEWNS))
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, errno, "make a socket");
	mine = ends[0];
	theirs = ends[1];
	child = fork();
	if (child < 0)
		return error_errno(err, errno, "fork");
	if (child == 0) {
		enter(container, creation->launch.init.pid, err);
		_exit(send(theirs, err, sizeof(*err), MSG_NOSIGNAL) != sizeof(*err));
	}
	close_fd(&theirs);
	do
		length = recv(mine, err, sizeof(*err), 0);
	while (length < 0 && errno == EINTR);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
	if (length != sizeof(*err))
		return error_errno(err, length < 0 ? errno : ECHILD, "look at the mounts");
	return -err->code;
}
