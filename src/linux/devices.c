/*
 * linux.devices, and the devices and links that every container's /dev has.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#devices
 *	mknod(2), null(4), tty(4)
 *
 * Device nodes may be made only by the host's root: in a user namespace the host's own nodes are bound
 * instead, opened while the host's /dev is still in reach and verified to be what they should be.
 *
 * All of it happens after the mounts, for /dev is one of them.  Where it is not, /dev is the rootfs's and
 * may hold anything: names in it are never followed, and what is there already is taken only if it is the
 * very device.
 */
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/cleanup.h"
#include "basic/inside.h"
#include "basic/syscalls.h"
#include "basic/users.h"
#include "linux/mount-tree.h"
#include "linux/mounts.h"
#include "linux/section.h"

/* https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#default-devices */
static const struct {
	const char *path;
	unsigned int major, minor;
} default_nodes[] = {
	{"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
	{"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

static const struct default_link {
	const char *name, *target;
} default_links[] = {
	{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"}, {"core", "/proc/kcore"},	     {"ptmx", "pts/ptmx"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	DEFAULT_MODE = 0666,
	MOST_MODE = 07777,
};

static int device_error_in(const struct device_plan *plan, struct error *err)
{
	if (plan->index < 0)
		return error_in(err, "default device %s", plan->path);
	return error_in(err, "linux.devices[%d] (%s)", plan->index, plan->path);
}

/* 0 for an unknown type. */
static mode_t file_type(const char *type)
{
	if (strcmp(type, "c") == 0 || strcmp(type, "u") == 0)
		return S_IFCHR;
	if (strcmp(type, "b") == 0)
		return S_IFBLK;
	return strcmp(type, "p") == 0 ? S_IFIFO : 0;
}

/* The kernel's own limits: 12 and 20 bits. */
static bool is_number(bool given, int64_t number, int64_t most)
{
	return given && number >= 0 && number <= most;
}

static int validate_device(const struct oci_device *device, struct error *err)
{
	if (device->path[0] != '/')
		return error_config(err, "the path is not absolute");
	if (!file_type(device->type)) {
		error_config(err, "unknown type \"%s\"", device->type);
		return error_hint(err, "it is one of c, b, u and p");
	}
	if (strcmp(device->type, "p") != 0 &&
	    (!is_number(device->has_major, device->major, 0xfff) ||
	     !is_number(device->has_minor, device->minor, 0xfffff)))
		return error_config(err, "it needs a major number up to 4095 and a minor number up "
					 "to 1048575");
	if (device->has_file_mode && (device->file_mode & ~(uint32_t)(S_IFMT | MOST_MODE)))
		return error_config(err, "fileMode %u is none", device->file_mode);
	return 0;
}

static int devices_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_linux *properties = config->linux;

	for (size_t i = 0; properties && i < properties->devices_len; i++)
		if (validate_device(&properties->devices[i], err) < 0)
			return error_in(err, "linux.devices[%zu] (%s)", i,
					properties->devices[i].path);
	return 0;
}

static bool can_make_nodes(const struct container *container)
{
	if ((container->new_namespaces | container->joined_namespaces) & CLONE_NEWUSER)
		return false;
	if (!(container->self.effective >> CAP_MKNOD & 1))
		return false;
	return in_first_user_namespace();
}

/* Whether the container's /dev is its own to fill, not somebody else's that was bound there. */
static bool owns_dev(const struct container *container)
{
	for (size_t i = 0; i < container->mounts_len; i++)
		if (strcmp(container->mounts[i].destination, "/dev") == 0)
			return container->mounts[i].kind != MOUNT_BIND;
	return true;
}

/* The plan for this path: an earlier one, which is replaced, or the next. */
static struct device_plan *plan_for(struct container *container, const char *path)
{
	for (size_t i = 0; i < container->devices_len; i++)
		if (strcmp(container->devices[i].path, path) == 0)
			return &container->devices[i];
	return &container->devices[container->devices_len++];
}

static int plan_device(struct container *container, const char *path,
		       const struct device_plan *wanted, struct error *err)
{
	char clean[PATH_MAX];
	struct device_plan *plan;
	const char *copy;

	if (mount_clean_path(path, clean, sizeof(clean), err) < 0)
		return -err->code;
	copy = arena_copy(container->arena, clean, strlen(clean));
	if (!copy)
		return arena_full(container->arena, err);
	plan = plan_for(container, copy);
	*plan = *wanted;
	plan->path = copy;
	plan->fd = -1;
	return 0;
}

static int plan_default_nodes(struct container *container, bool bind, struct error *err)
{
	for (size_t i = 0; i < COUNT(default_nodes); i++) {
		const struct device_plan wanted = {
			.index = -1,
			.bind = bind,
			.mode = S_IFCHR | DEFAULT_MODE,
			.device = makedev(default_nodes[i].major, default_nodes[i].minor),
		};

		if (plan_device(container, default_nodes[i].path, &wanted, err) < 0)
			return -err->code;
	}
	return 0;
}

static int plan_listed(struct container *container, const struct oci_device *device, int index,
		       bool bind, struct error *err)
{
	const mode_t type = file_type(device->type);
	const mode_t mode = device->has_file_mode ? device->file_mode & MOST_MODE : DEFAULT_MODE;
	const struct device_plan wanted = {
		.index = index,
		.bind = bind && type != S_IFIFO, /* a FIFO may be made by anybody */
		.mode = type | mode,
		.device = type == S_IFIFO ? 0
					  : makedev((unsigned int)device->major,
						    (unsigned int)device->minor),
		.uid = device->uid,
		.gid = device->gid,
	};

	return plan_device(container, device->path, &wanted, err);
}

static int devices_prepare(struct container *container, struct error *err)
{
	const struct oci_linux *properties = container->config->linux;
	size_t listed = properties ? properties->devices_len : 0;
	bool bind = !can_make_nodes(container);

	if (container->joined_namespaces & CLONE_NEWNS)
		return 0;
	container->devices =
		arena_array(container->arena, struct device_plan, COUNT(default_nodes) + listed);
	if (!container->devices)
		return arena_full(container->arena, err);
	container->default_devices = owns_dev(container);
	if (container->default_devices && plan_default_nodes(container, bind, err) < 0)
		return -err->code;
	for (size_t i = 0; i < listed; i++)
		if (plan_listed(container, &properties->devices[i], (int)i, bind, err) < 0)
			return error_in(err, "linux.devices[%zu]", i);
	return 0;
}

static bool is_device(const struct stat *status, const struct device_plan *plan)
{
	return (status->st_mode & S_IFMT) == (plan->mode & S_IFMT) &&
	       (S_ISFIFO(plan->mode) || status->st_rdev == plan->device);
}

/* Takes the host's node of the same path, if it is the very device. */
static int open_host_node(struct device_plan *plan, struct error *err)
{
	struct mount_attr change = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
		.propagation = MS_PRIVATE,
	};
	struct stat status;

	plan->fd = mount_tree_clone(AT_FDCWD, plan->path, AT_SYMLINK_NOFOLLOW, &change);
	if (plan->fd < 0 || fstat(plan->fd, &status) < 0) {
		error_errno(err, errno, "take the host's");
		return error_hint(err,
				  "in a user namespace no device can be made, only the host's of "
				  "the same path be taken");
	}
	return is_device(&status, plan) ? 0 : error_config(err, "the host's is another device");
}

static int devices_open(struct container *container, struct error *err)
{
	for (size_t i = 0; i < container->devices_len; i++)
		if (container->devices[i].bind && open_host_node(&container->devices[i], err) < 0)
			return device_error_in(&container->devices[i], err);
	return 0;
}

/* The node by its name in parent, never through a link: it must be the device, whoever made it. */
static int verify_node(const struct device_plan *plan, int parent, const char *name, bool made,
		       struct error *err)
{
	autoclose int node = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (node < 0 || fstat(node, &status) < 0)
		return error_errno(err, errno, "look at it in the container");
	if (!is_device(&status, plan)) {
		error_config(err, "something else is there in the container");
		return error_hint(err, "only the same device may be there already");
	}
	if (!made || (plan->uid == status.st_uid && plan->gid == status.st_gid))
		return 0;
	if (fchownat(node, "", plan->uid, plan->gid, AT_EMPTY_PATH) < 0)
		return error_errno(err, errno, "give it to %u:%u", plan->uid, plan->gid);
	return 0;
}

static int make_node(const struct device_plan *plan, int parent, const char *name,
		     struct error *err)
{
	bool made = mknodat(parent, name, plan->mode, plan->device) == 0;

	if (!made && errno != EEXIST)
		return error_errno(err, errno, "make it in the container");
	if (made && plan->uid == 0 && plan->gid == 0)
		return 0; /* as this process is */
	return verify_node(plan, parent, name, made, err);
}

/* What is there already, never through a link. */
static int open_place(int parent, const char *name, struct error *err)
{
	autoclose int place = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (place < 0 || fstat(place, &status) < 0)
		return error_errno(err, errno, "look at it in the container");
	if (S_ISLNK(status.st_mode) || S_ISDIR(status.st_mode))
		return error_config(err, "a link or a directory is there in the container");
	return take_fd(&place);
}

static int bind_node(struct device_plan *plan, int parent, const char *name, struct error *err)
{
	/* Not for writing: it stays open, and its file system may be about to become read-only. */
	autoleave int place = openat(parent, name, O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC, 0);

	if (place < 0 && errno != EEXIST)
		return error_errno(err, errno, "make a file for it in the container");
	if (place < 0)
		place = open_place(parent, name, err);
	if (place < 0)
		return place;
	if (sys_move_mount(plan->fd, place) < 0)
		return error_errno(err, errno, "attach the host's");
	leave_fd(&plan->fd);
	return 0;
}

static int put_in(struct device_plan *plan, int parent, const char *name, struct error *err)
{
	return plan->bind ? bind_node(plan, parent, name, err) : make_node(plan, parent, name, err);
}

/* The container's /dev, opened once; it must be where it seems to be, for what is put there is trusted by
 * name. */
struct dev {
	int root, fd;
};

static int find_dev(struct dev *dev, struct error *err)
{
	if (dev->fd < 0)
		dev->fd = mount_real_directory(dev->root, "/dev", err);
	return dev->fd < 0 ? dev->fd : 0;
}

static int put_device(struct dev *dev, struct device_plan *plan, struct error *err)
{
	static const char folder[] = "/dev/";
	const char *name = plan->path + sizeof(folder) - 1;
	autoclose int parent = -1;

	if (strncmp(plan->path, folder, sizeof(folder) - 1) == 0 && !strchr(name, '/')) {
		return find_dev(dev, err) < 0 ? -err->code : put_in(plan, dev->fd, name, err);
	}
	parent = inside_make_parent(dev->root, plan->path, &name, err);
	return parent < 0 ? parent : put_in(plan, parent, name, err);
}

static int put_devices(struct container *container, struct dev *dev, struct error *err)
{
	mode_t saved = umask(0);
	int r = 0;

	for (size_t i = 0; r == 0 && i < container->devices_len; i++) {
		r = put_device(dev, &container->devices[i], err);
		if (r < 0)
			device_error_in(&container->devices[i], err);
	}
	umask(saved);
	return r;
}

/* An image's own ptmx may be anything; on a read-only file system it has to do. */
static int replace_ptmx(int dev, const struct default_link *link)
{
	if (strcmp(link->name, "ptmx") != 0)
		return 0;
	if (unlinkat(dev, link->name, 0) < 0)
		return errno == EROFS ? 0 : -1;
	return symlinkat(link->target, dev, link->name);
}

static int make_links(int dev, struct error *err)
{
	for (size_t i = 0; i < COUNT(default_links); i++)
		if (symlinkat(default_links[i].target, dev, default_links[i].name) < 0 &&
		    (errno != EEXIST || replace_ptmx(dev, &default_links[i]) < 0))
			return error_errno(err, errno, "make /dev/%s in the container",
					   default_links[i].name);
	return 0;
}

static int devices_make(struct container *container, struct error *err)
{
	struct dev dev = {.root = container->root_fd, .fd = -1};
	int r;

	if (container->devices_len == 0)
		return 0;
	r = put_devices(container, &dev, err);
	if (r == 0 && container->default_devices) {
		r = find_dev(&dev, err);
		if (r == 0)
			r = make_links(dev.fd, err);
	}
	leave_fd(&dev.fd);
	return r;
}

const struct section section_devices = {
	.path = "linux.devices",
	.validate = devices_validate,
	.prepare = devices_prepare,
};

const struct step step_devices_open = {
	.name = "linux.devices: open",
	.apply = devices_open,
};

const struct step step_devices = {
	.name = "linux.devices",
	.apply = devices_make,
};
