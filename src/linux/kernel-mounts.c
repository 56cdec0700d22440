/*
 * The mount namespace that a container's own is made from.
 *
 *	mount_namespaces(7), listmount(2), statmount(2), ioctl_nsfs(2)
 *
 * A new mount namespace begins as a copy of the one that its maker is in, and a container leaves all of that
 * at once: on a host with two thousand mounts to make them and to take them off again is a third of what
 * `run` costs.  The kernel has a mount namespace of its own, for the thread that makes device nodes, with one
 * mount in it: a devtmpfs.  So init takes from the host all that it needs, as detached mounts, then enters that
 * namespace, and there makes its own (kernel mounts: enter).
 *
 * To take even one mount off, the kernel waits until no processor looks at it any more, all the longer
 * the more containers start.  So the container's root then just lies on that devtmpfs, as every root lies on
 * one of the kernel's, where no path leads below it: neither "..", nor what breaks out of a chroot, nor a user
 * namespace, which has it locked.  Only who has CAP_SYS_ADMIN could take it off; a container that may have
 * that pivots as ever (root.c), and leaves the host's mounts only where they are many.
 *
 * Entering takes CAP_SYS_ADMIN in the first user namespace.  Whoever is in another one begins with the
 * host's, as does a container with hooks that look at its mounts from outside.  One with a new user namespace
 * is a case for itself: narrow-host.c.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "basic/cleanup.h"
#include "basic/log.h"
#include "basic/procfs.h"
#include "basic/syscalls.h"
#include "basic/users.h"
#include "linux/mounts.h"
#include "linux/namespaces.h"
#include "linux/section.h"

/* Linux 6.12 */
struct namespace_info {
	uint32_t size;
	uint32_t mounts; /* how many; the one at the bottom may be left out */
	uint64_t id;
};
#define NEXT_MOUNT_NAMESPACE _IOR(NSIO, 11, struct namespace_info)

enum {
	MANY = 128, /* mounts of the host that are not worth copying: finding another costs as much as 30 */
	MANY_FOR_STAGE = 320, /* a copy for a user namespace costs more, but so does a process */
	FEW = 2,
	MOST_LOOKS = 4,
};

/* Whether there are so many, or more. */
static bool host_has(size_t count)
{
	const struct sys_mount_request all = {.size = sizeof(all), .mount = SYS_ALL_MOUNTS};
	uint64_t ids[MANY_FOR_STAGE]; /* on a host with few, most of it is never touched */

	return sys_listmount(&all, ids, count) == (long)count;
}

/* Whether its one mount is a devtmpfs, of which nothing gets out that happens on top of it. */
static bool holds_devices(uint64_t namespace)
{
	struct sys_mount_request request = {
		.size = sizeof(request), .mount = SYS_ALL_MOUNTS, .namespace = namespace};
	struct sys_mount_status status;
	uint64_t ids[FEW];

	if (sys_listmount(&request, ids, FEW) != 1)
		return false;
	request.mount = ids[0];
	request.wanted = SYS_MOUNT_BASIC | SYS_MOUNT_TYPE;
	if (sys_statmount(&request, &status, sizeof(status)) < 0 ||
	    (status.found & request.wanted) != request.wanted || status.propagation != MS_PRIVATE ||
	    status.type >= sizeof(status.texts))
		return false;
	return strncmp(status.texts + status.type, "devtmpfs",
		       sizeof(status.texts) - status.type) == 0;
}

static bool is_root_s(int namespace)
{
	autoclose int owner = ioctl(namespace, NS_GET_USERNS);

	return owner >= 0 && is_first_user_namespace(owner);
}

/*
 * Among the oldest there are: the kernel's was made before there was any other program.  Nothing says whose a
 * namespace is, so it is known by what is in it and by who owns it.  Nobody but the host's root can
 * mount a devtmpfs, or make a namespace that the first user namespace owns; and init leaves whatever is in it
 * before it does anything else.
 *
 * The second process is the kernel's, in the very first namespace, wherever it can be seen at all.
 */
static int find(int proc)
{
	struct namespace_info info = {.size = sizeof(info)};
	autoclose int namespace = procfs_follow(proc, "2/ns/mnt", O_RDONLY);

	for (int looks = 0; namespace >= 0 && looks < MOST_LOOKS; looks++) {
		int next = ioctl(namespace, NEXT_MOUNT_NAMESPACE, &info);

		close_fd(&namespace);
		namespace = next;
		if (namespace >= 0 && info.mounts <= FEW && holds_devices(info.id) &&
		    is_root_s(namespace))
			return take_fd(&namespace);
	}
	return -1;
}

/* Whether the host's root makes a new mount namespace for whose sake the host's is not needed. */
static bool can_do_without_host(const struct container *container)
{
	if (!(container->new_namespaces & CLONE_NEWNS) || is_plain_user(container->uid) ||
	    !container->host_privileges)
		return false;
	if ((container->joined_namespaces & CLONE_NEWUSER) || container->rootfs_fd < 0)
		return false;
	/* They may enter the container's mount namespace, and look for what is the host's. */
	if (container->root_hooks)
		return false;
	for (size_t i = 0; i < container->mounts_len; i++)
		if (container->mounts[i].legacy_data) /* is mounted on "/" for a moment */
			return false;
	return true;
}

/* What init takes from the host by a path has to lie below /proc, /sys or /dev.  The sources of bind mounts
 * are open. */
static bool can_narrow_host(const struct container *container)
{
	for (size_t i = 0; i < container->mounts_len; i++) {
		const struct mount_plan *plan = &container->mounts[i];

		if (plan->kind == MOUNT_FILE_SYSTEM && plan->fd < 0 &&
		    !mount_is_virtual(plan->type))
			return false;
	}
	for (size_t i = 0; i < container->devices_len; i++)
		if (container->devices[i].bind &&
		    strncmp(container->devices[i].path, "/dev/", strlen("/dev/")) != 0)
			return false;
	return true;
}

/* Whether anybody in the container could take its root off what lies beneath. */
static bool may_unmount(const struct capability_plan *capabilities)
{
	return (capabilities->bounding | capabilities->permitted) >> CAP_SYS_ADMIN & 1;
}

static bool is_worth_it(const struct container *container)
{
	if (!can_do_without_host(container))
		return false;
	if (container->new_namespaces & CLONE_NEWUSER)
		return can_narrow_host(container) && host_has(MANY_FOR_STAGE);
	return !may_unmount(&container->capabilities) || host_has(MANY);
}

static int kernel_mounts_prepare(struct container *container, struct error *err)
{
	bool found;

	(void)err;
	if (!is_worth_it(container))
		return 0;
	container->kernel_mounts = find(container->proc_fd);
	found = container->kernel_mounts >= 0;
	container->narrows_host = found && (container->new_namespaces & CLONE_NEWUSER);
	container->leaves_host = found && !container->narrows_host;
	container->covers_root = container->leaves_host && !may_unmount(&container->capabilities);
	container->staged = container->staged || container->narrows_host;
	log_debug("mounts: the kernel's own namespace %s",
		  found ? "is found" : "is not to be seen");
	return 0;
}

/* Where that namespace may not be entered after all, by what a security module or a filter says, the
 * host's mounts are copied, as ever. */
static int kernel_mounts_enter(struct container *container, struct error *err)
{
	bool entered;

	if (!container->leaves_host)
		return 0;
	entered = setns(container->kernel_mounts, CLONE_NEWNS) == 0;
	if (!entered)
		log_debug("mounts: enter the kernel's own namespace: errno %d", errno);
	close_fd(&container->kernel_mounts);
	container->leaves_host = false;
	container->covers_root = container->covers_root && entered;
	if (namespaces_make(container, CLONE_NEWNS, err) < 0)
		return -err->code;
	if (!entered && sys_mount_propagation("/", MS_REC | MS_SLAVE) < 0)
		return error_errno(err, errno, "separate the mounts from the host's");
	return 0;
}

const struct section section_kernel_mounts = {
	.path = "kernel mounts",
	.prepare = kernel_mounts_prepare,
};

const struct step step_kernel_mounts = {
	.name = "kernel mounts: enter",
	.apply = kernel_mounts_enter,
};
