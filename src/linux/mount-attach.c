/*
 * Puts the mounts in their places, in the order of the config, once the container's root is open.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#mounts
 *	move_mount(2)
 *
 * The rootfs is not trusted, and volumes may be changed by other containers meanwhile: each destination
 * is resolved once, inside the root, and from then on is a file descriptor, as is the mount.
 */
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "basic/cleanup.h"
#include "basic/inside.h"
#include "basic/syscalls.h"
#include "linux/mounts.h"
#include "linux/section.h"

enum {
	MOST_LINKS = 8,
	NOBODY = 65534, /* user_namespaces(7), overflowuid */
};

static int open_without_links(int root, const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS,
	};
	int fd = sys_openat2(root, path, &how);

	return fd >= 0 ? fd : -errno;
}

int mount_real_directory(int root, const char *path, struct error *err)
{
	int fd = open_without_links(root, path);

	if (fd == -ENOENT) {
		fd = inside_make_directory(root, path, 0755, err);
		if (fd < 0)
			return fd;
		close_fd(&fd);
		fd = open_without_links(root, path);
	}
	if (fd == -ELOOP || fd == -ENOTDIR)
		return error_config(err, "%s is a symbolic link or no directory in the container",
				    path);
	return fd >= 0 ? fd : error_errno(err, -fd, "open %s in the container", path);
}

/* If path names a symbolic link that leads nowhere: replaces path by where it leads. */
static bool follow_dangling(int root, char *path, size_t size)
{
	autoclose int link = inside_try(root, path, O_PATH | O_NOFOLLOW);
	const char *slash = strrchr(path, '/');
	char target[PATH_MAX], next[PATH_MAX];
	ssize_t length = link < 0 ? -1 : readlinkat(link, "", target, sizeof(target) - 1);
	int above = slash ? (int)(slash - path) : 0;

	if (length <= 0)
		return false;
	target[length] = '\0';
	if (target[0] == '/')
		above = 0;
	if ((size_t)snprintf(next, sizeof(next), "%.*s/%s", above, path, target) >= size)
		return false;
	snprintf(path, size, "%s", next);
	return true;
}

/* Many images have files such as /etc/resolv.conf as links to what is made at boot: then the place is made
 * where the link leads.  By itself: its buffers are only touched when it is called. */
__attribute__((noinline)) static int make_place(int root, const struct mount_plan *plan, int flags,
						struct error *err)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s", plan->destination);
	for (int i = 0; i < MOST_LINKS; i++) {
		fd = inside_try(root, path, flags);
		if (fd >= 0)
			return fd;
		if (fd != -ENOENT || (flags & O_NOFOLLOW) ||
		    !follow_dangling(root, path, sizeof(path)))
			break;
	}
	if (plan->is_file)
		return inside_make_file(root, path, 0644, err);
	return inside_make_directory(root, path, 0755, err);
}

/* Where most of what is masked lies. */
static bool is_kernels(const struct mount_plan *plan)
{
	return strcmp(plan->destination, "/proc") == 0 || strcmp(plan->destination, "/sys") == 0;
}

/* A new file system that most places of others are made in. */
static bool is_devices(const struct mount_plan *plan)
{
	return plan->kind == MOUNT_FILE_SYSTEM && strcmp(plan->destination, "/dev") == 0;
}

/* Adds "pts" to the new file system that the mount before it, or one before that, has put on /dev.  There is nothing
 * to be looked for then. */
static int add_device_place(const struct container *container, const struct mount_plan *plan,
			    mode_t mode)
{
	const char *name = plan->destination + strlen("/dev/");

	if (strncmp(plan->destination, "/dev/", strlen("/dev/")) != 0 || strchr(name, '/'))
		return -ENOENT;
	for (const struct mount_plan *above = plan; above-- > container->mounts;) {
		if (is_devices(above) && above->fd >= 0)
			return inside_add_here(above->fd, name, mode);
		/* Another one covers it. */
		if (strcmp(above->destination, "/dev") == 0 || strcmp(above->destination, "/") == 0)
			break;
	}
	return -ENOENT;
}

/* Opens the place of a mount, which is made if it is missing; mostly there is just the last of its names to be
 * added. */
static int open_place(const struct container *container, const struct mount_plan *plan, bool *added,
		      struct error *err)
{
	bool nofollow = plan->options.extras & EXTRA_DESTINATION_NOFOLLOW;
	int flags = nofollow ? O_PATH | O_NOFOLLOW : O_PATH;
	mode_t mode = plan->is_file ? S_IFREG | 0644 : S_IFDIR | 0755;
	int root = container->root_fd;
	int fd = add_device_place(container, plan, mode);

	*added = fd >= 0;
	if (fd >= 0)
		return fd;
	fd = inside_try(root, plan->destination, flags);
	if (fd == -ENOENT) {
		fd = inside_add(root, plan->destination, mode);
		*added = fd >= 0;
	}
	return fd >= 0 ? fd : make_place(root, plan, flags, err);
}

static bool needs_real_directory(const struct mount_plan *plan)
{
	return is_kernels(plan) || strcmp(plan->type, "proc") == 0 ||
	       strcmp(plan->type, "sysfs") == 0;
}

int mounts_open_inside(const struct container *container, const char *path)
{
	bool climbs = strstr(path, "/..");

	for (size_t i = container->mounts_len; i > 0 && !climbs; i--) {
		const struct mount_plan *plan = &container->mounts[i - 1];
		size_t length = strlen(plan->destination);

		if (plan->fd >= 0 && is_kernels(plan) &&
		    strncmp(path, plan->destination, length) == 0 && path[length] == '/')
			return inside_try(plan->fd, path + length + 1, O_PATH);
	}
	return inside_try(container->root_fd, path, O_PATH);
}

static bool is_proc(int fd)
{
	struct statfs status;

	return fstatfs(fd, &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

/* /proc itself, and below it what validation let through, may be mounted on; a link may not lead there
 * from elsewhere. */
static int check_place(const struct mount_plan *plan, int place, struct error *err)
{
	bool proc = strcmp(plan->destination, "/proc") == 0;
	bool below_proc = strncmp(plan->destination, "/proc/", strlen("/proc/")) == 0;

	if (!proc && !below_proc && is_proc(place))
		return error_config(err, "it leads into a proc file system in the container");
	if (proc && !is_proc(plan->fd)) {
		error_config(err, "only a proc file system may be mounted there");
		return error_hint(err, "the container's programs trust what they read in /proc");
	}
	return 0;
}

/* A directory goes on a directory only, and what is none on what is none. */
static int explain_attach(const struct mount_plan *plan, int place, struct error *err)
{
	int code = errno;
	struct stat status;

	if (fstat(place, &status) < 0 || S_ISDIR(status.st_mode) != plan->is_file)
		return error_errno(err, code, "attach it");
	if (plan->is_file)
		return error_config(err, "the source is a file and the destination a directory");
	return error_config(err, "the source is a directory and the destination a %s",
			    S_ISLNK(status.st_mode) ? "symbolic link" : "file");
}

static bool has_data(const struct mount_plan *plan, const char *key)
{
	for (size_t i = 0; i < plan->options.data_len; i++)
		if (strcmp(plan->options.data[i].key, key) == 0)
			return true;
	return false;
}

/* Whether the owner is one that the user namespace knows: whom it doesn't, it calls nobody. */
static bool is_known(const struct container *container, const struct stat *status)
{
	int spaces = container->new_namespaces | container->joined_namespaces;

	return !(spaces & CLONE_NEWUSER) || (status->st_uid != NOBODY && status->st_gid != NOBODY);
}

/* A tmpfs that does not say otherwise is as open as the directory that it covers, and its owner's: a /tmp
 * stays one. */
static int take_mode(const struct container *container, const struct mount_plan *plan, int place,
		     struct error *err)
{
	struct stat status;

	if (plan->kind != MOUNT_FILE_SYSTEM || strcmp(plan->type, "tmpfs") != 0)
		return 0;
	if (fstat(place, &status) < 0)
		return error_errno(err, errno, "look at what it covers");
	if ((status.st_uid || status.st_gid) && /* as what init makes is not already */
	    !has_data(plan, "uid") && !has_data(plan, "gid") && is_known(container, &status) &&
	    fchownat(plan->fd, "", status.st_uid, status.st_gid, AT_EMPTY_PATH) < 0 &&
	    errno != EPERM && errno != EINVAL)
		return error_errno(err, errno, "set its owner");
	if (!has_data(plan, "mode") && fchmodat(plan->fd, ".", status.st_mode & 07777, 0) < 0)
		return error_errno(err, errno, "set its mode");
	return 0;
}

/* Fills a tmpfs while nobody sees it yet. */
static int fill(const struct container *container, const struct mount_plan *plan, int place,
		struct error *err)
{
	if (take_mode(container, plan, place, err) < 0)
		return -err->code;
	if (!(plan->options.extras & EXTRA_COPY_UP))
		return 0;
	return mount_copy_up(container->proc_fd, place, plan->fd, err) < 0
		       ? error_in(err, "tmpcopyup")
		       : 0;
}

static int attach_tree(const struct container *container, struct mount_plan *plan,
		       struct error *err)
{
	bool added = false; /* so it is in no proc file system */
	autoleave int place =
		needs_real_directory(plan)
			? mount_real_directory(container->root_fd, plan->destination, err)
			: open_place(container, plan, &added, err);

	if (place < 0)
		return place;
	if ((!added && check_place(plan, place, err) < 0) || fill(container, plan, place, err) < 0)
		return -err->code;
	if (sys_move_mount(plan->fd, place) < 0)
		return explain_attach(plan, place, err);
	if (!plan->finish_readonly && !is_kernels(plan) && !is_devices(plan))
		leave_fd(&plan->fd);
	return 0;
}

static bool leads_to(int directory, const char *name, const char *target)
{
	char found[PATH_MAX];
	ssize_t length = readlinkat(directory, name, found, sizeof(found) - 1);

	if (length < 0)
		return false;
	found[length] = '\0';
	return strcmp(found, target) == 0;
}

static int attach_link(int root, const struct mount_plan *plan, struct error *err)
{
	const char *name;
	autoclose int parent = inside_make_parent(root, plan->destination, &name, err);

	int code;

	if (parent < 0)
		return parent;
	if (symlinkat(plan->source, parent, name) == 0)
		return 0;
	code = errno;
	if (leads_to(parent, name, plan->source))
		return 0;
	return error_errno(err, code, "make a symbolic link to %s", plan->source);
}

static int change_mount(const struct container *container, const struct mount_plan *plan,
			struct error *err)
{
	autoclose int place = inside_open(container->root_fd, plan->destination, O_PATH, err);
	int r;

	if (place < 0)
		return place;
	r = mount_dress(container, plan, place, err);
	if (r == -EINVAL)
		error_hint(err, "nothing is mounted there that could be mounted again");
	return r;
}

static int attach_mount(const struct container *container, struct mount_plan *plan,
			struct error *err)
{
	switch (plan->kind) {
	case MOUNT_FILE_SYSTEM:
	case MOUNT_BIND:
	case MOUNT_CGROUP:
		/* What replaces the root was attached as the root. */
		return plan->owns_root ? 0 : attach_tree(container, plan, err);
	case MOUNT_LINK:
		return attach_link(container->root_fd, plan, err);
	case MOUNT_REMOUNT:
		return change_mount(container, plan, err);
	}
	return 0;
}

static int mounts_attach(struct container *container, struct error *err)
{
	for (size_t i = 0; i < container->mounts_len; i++)
		if (attach_mount(container, &container->mounts[i], err) < 0)
			return mount_error_in(&container->mounts[i], err);
	return 0;
}

static int finish_mount(struct mount_plan *plan, struct error *err)
{
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};

	if (plan->finish_readonly && plan->fd >= 0 && sys_mount_setattr(plan->fd, 0, &readonly) < 0)
		return error_errno(err, errno, "make it read-only");
	leave_fd(&plan->fd);
	return 0;
}

/* Only now: mount points and devices had to be made inside of them. */
static int mounts_finish(struct container *container, struct error *err)
{
	for (size_t i = 0; i < container->mounts_len; i++)
		if (finish_mount(&container->mounts[i], err) < 0)
			return mount_error_in(&container->mounts[i], err);
	return 0;
}

const struct step step_mounts_attach = {
	.name = "mounts: attach",
	.apply = mounts_attach,
};

const struct step step_mounts_finish = {
	.name = "mounts: finish",
	.apply = mounts_finish,
};
