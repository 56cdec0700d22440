/*
 * linux.namespaces: what the container has of its own, what it shares.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#namespaces
 *	namespaces(7), setns(2), unshare(2)
 *
 * A namespace with a path is joined, one without is new, one that is not listed is the runtime's own.
 * The paths are opened by the runtime, before anything is made, and from then on used by fd only.
 *
 * Who may join a namespace is decided by the user namespace that owns it.  An engine may have made it on
 * the host or inside the very user namespace that the container joins, so each is tried before and, if
 * refused, after that one is entered.
 */
#include "linux/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "basic/cleanup.h"
#include "basic/procfs.h"
#include "basic/syscalls.h"
#include "basic/users.h"
#include "linux/section.h"

static const struct {
	const char *type;
	int flag;
	const char *file; /* below /proc/PID/ns */
} kinds[] = {
	{"cgroup", CLONE_NEWCGROUP, "cgroup"}, {"ipc", CLONE_NEWIPC, "ipc"},
	{"mount", CLONE_NEWNS, "mnt"},	       {"network", CLONE_NEWNET, "net"},
	{"pid", CLONE_NEWPID, "pid"},	       {"time", CLONE_NEWTIME, "time"},
	{"user", CLONE_NEWUSER, "user"},       {"uts", CLONE_NEWUTS, "uts"},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static int kind_of(const char *type)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strcmp(kinds[i].type, type) == 0)
			return (int)i;
	return -1;
}

static const char *type_of_flag(int flag)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].flag == flag)
			return kinds[i].type;
	return "unknown";
}

const char *namespace_type(size_t index)
{
	return index < KINDS ? kinds[index].type : NULL;
}

bool namespace_has(const struct oci_config *config, const char *type)
{
	for (size_t i = 0; config->linux && i < config->linux->namespaces_len; i++)
		if (strcmp(config->linux->namespaces[i].type, type) == 0)
			return true;
	return false;
}

static int validate_namespace(const struct oci_linux *properties, size_t index, struct error *err)
{
	const struct oci_namespace *namespace = &properties->namespaces[index];

	if (kind_of(namespace->type) < 0) {
		error_config(err, "unknown type \"%s\"", namespace->type);
		return error_hint(err, "the types are cgroup, ipc, mount, network, pid, time, user "
				       "and uts");
	}
	for (size_t i = 0; i < index; i++)
		if (strcmp(properties->namespaces[i].type, namespace->type) == 0)
			return error_config(err, "%s is given twice", namespace->type);
	if (namespace->path && namespace->path[0] && namespace->path[0] != '/')
		return error_config(err, "path \"%s\" is not absolute", namespace->path);
	return 0;
}

static int namespaces_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_linux *properties = config->linux;

	for (size_t i = 0; properties && i < properties->namespaces_len; i++)
		if (validate_namespace(properties, i, err) < 0)
			return error_in(err, "linux.namespaces[%zu]", i);
	return 0;
}

/* The inode of a process's namespace; process is a pid or "self". */
static int inode_of(const char *process, const char *file, ino_t *inode)
{
	char path[48];

	snprintf(path, sizeof(path), "%s/ns/%s", process, file);
	return procfs_namespace(procfs_own(), path, inode);
}

static int own_inode(size_t kind, ino_t *inode)
{
	return kinds[kind].flag == CLONE_NEWUSER ? own_user_namespace(inode)
						 : inode_of("self", kinds[kind].file, inode);
}

/* Whether fd is the very namespace that this process is in: then there is nothing to join. */
static int is_own(int fd, size_t kind)
{
	struct stat theirs;
	ino_t ours;
	int r = own_inode(kind, &ours);

	if (r < 0 || fstat(fd, &theirs) < 0)
		return r < 0 ? r : -errno;
	return theirs.st_ino == ours;
}

/* Opens the namespace at path; -1 in *fd if it is the runtime's own. */
static int open_namespace(const char *path, size_t kind, int *fd, struct error *err)
{
	autoclose int opened = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int type, own;

	*fd = -1;
	if (opened < 0)
		return error_errno(err, errno, "open %s", path);
	type = ioctl(opened, NS_GET_NSTYPE);
	if (type < 0)
		return error_config(err, "%s is not a namespace", path);
	if (type != kinds[kind].flag)
		return error_config(err, "%s is of type %s, not %s", path, type_of_flag(type),
				    kinds[kind].type);
	own = is_own(opened, kind);
	if (own < 0) {
		error_errno(err, -own, "look at /proc/self/ns/%s", kinds[kind].file);
		return procfs_hint(err);
	}
	if (!own)
		*fd = take_fd(&opened);
	return 0;
}

static int prepare_namespace(struct container *container, const struct oci_namespace *wanted,
			     struct namespace_plan *plan, struct error *err)
{
	size_t kind = (size_t)kind_of(wanted->type);
	int r;

	plan->fd = -1;
	if (!wanted->path || !wanted->path[0]) {
		plan->flag = kinds[kind].flag;
		container->new_namespaces |= plan->flag;
		return 0;
	}
	r = open_namespace(wanted->path, kind, &plan->fd, err);
	if (r < 0 || plan->fd < 0)
		return r;
	plan->flag = kinds[kind].flag;
	plan->path = wanted->path;
	container->joined_namespaces |= plan->flag;
	return 0;
}

/* A plain user has no privileges but in a user namespace of his own. */
static bool needs_user_namespace(const struct container *container)
{
	return !container->host_privileges &&
	       !((container->new_namespaces | container->joined_namespaces) & CLONE_NEWUSER);
}

/* Namespaces that only the next child enters, and those that must be entered before a user namespace
 * is made, ask for a process that does that and then clones init. */
static bool needs_stage(const struct container *container)
{
	int joined = container->joined_namespaces;

	return (joined & (CLONE_NEWPID | CLONE_NEWUSER)) ||
	       (container->new_namespaces & CLONE_NEWTIME) ||
	       ((container->new_namespaces & CLONE_NEWUSER) && joined);
}

static int namespaces_prepare(struct container *container, struct error *err)
{
	const struct oci_linux *properties = container->config->linux;
	struct namespace_plan *plan = container->namespaces;

	for (size_t i = 0; properties && i < properties->namespaces_len; i++) {
		if (prepare_namespace(container, &properties->namespaces[i], plan, err) < 0)
			return error_in(err, "linux.namespaces[%zu]", i);
		plan += plan->flag != 0;
	}
	if (needs_user_namespace(container)) {
		*plan = (struct namespace_plan){.flag = CLONE_NEWUSER, .fd = -1};
		container->new_namespaces |= CLONE_NEWUSER;
	}
	container->staged = needs_stage(container);
	return 0;
}

int namespaces_at_clone(const struct container *container)
{
	return container->staged ? 0 : container->new_namespaces & (CLONE_NEWUSER | CLONE_NEWPID);
}

/* The order in which namespaces are joined: the mount namespace last, because it changes what paths
 * mean. */
static int join_one(struct namespace_plan *plan, bool last, struct error *err)
{
	if (setns(plan->fd, plan->flag) < 0) {
		if (errno == EPERM && !last)
			return 0;
		error_errno(err, errno, "join the %s namespace %s", type_of_flag(plan->flag),
			    plan->path);
		if (err->code == EPERM)
			error_hint(err, "joining takes CAP_SYS_ADMIN in the user namespace that "
					"owns it");
		return -err->code;
	}
	close_fd(&plan->fd);
	return 0;
}

int namespaces_join(struct container *container, bool last, struct error *err)
{
	for (int pass = 0; pass < 2; pass++) {
		for (struct namespace_plan *plan = container->namespaces; plan->flag; plan++) {
			bool mount = plan->flag == CLONE_NEWNS;

			if (plan->fd < 0 || plan->flag == CLONE_NEWUSER || mount != (pass == 1))
				continue;
			if (join_one(plan, last, err) < 0)
				return -err->code;
		}
	}
	return 0;
}

int namespaces_join_user(struct container *container, struct error *err)
{
	for (struct namespace_plan *plan = container->namespaces; plan->flag; plan++)
		if (plan->flag == CLONE_NEWUSER && plan->fd >= 0)
			return join_one(plan, true, err);
	return 0;
}

int namespaces_make(const struct container *container, int flags, struct error *err)
{
	flags &= container->new_namespaces;
	if (container->leaves_host)
		flags &= ~CLONE_NEWNS;
	if (flags == 0 || unshare(flags) == 0)
		return 0;
	error_errno(err, errno, "make new namespaces");
	if (err->code == ENOSPC)
		error_hint(err, "one of the limits in /proc/sys/user is reached");
	else if (err->code == EPERM && (flags & CLONE_NEWUSER))
		error_hint(err, "this system does not let plain users make user namespaces; see "
				"/proc/sys/user/max_user_namespaces and "
				"/proc/sys/kernel/unprivileged_userns_clone");
	else if (err->code == EINVAL)
		error_hint(err, "the kernel lacks one of the namespaces asked for");
	return error_in(err, "linux.namespaces");
}

/* Whether both processes are in one namespace; -ENOENT where the kernel has none of this kind. */
static int is_shared(const char *process, size_t kind)
{
	ino_t theirs, ours;
	int r = own_inode(kind, &ours);

	if (r < 0)
		return r;
	r = inode_of(process, kinds[kind].file, &theirs);
	if (r < 0) /* what this process has the other one has, while it is there */
		return r == -ENOENT ? -ESRCH : r;
	return theirs == ours;
}

int namespaces_unlike(pid_t pid, int *flags, struct error *err)
{
	char process[16];

	snprintf(process, sizeof(process), "%d", pid);
	for (size_t i = 0; i < KINDS; i++) {
		int r = *flags & kinds[i].flag ? 0 : is_shared(process, i);

		if (r < 0 && r != -ENOENT) {
			error_errno(err, -r, "look at the %s namespace of process %d",
				    kinds[i].type, pid);
			return error_hint(err, "it takes the right to trace that process; before "
					       "\"start\" a plain user may lack it");
		}
		if (r == 0)
			*flags |= kinds[i].flag;
	}
	return 0;
}

int namespaces_enter(struct container *container, struct error *err)
{
	if (container->target_namespaces == 0 ||
	    setns(container->target, container->target_namespaces) == 0)
		return 0;
	error_errno(err, errno, "enter the container's namespaces");
	if (err->code == EPERM)
		return error_hint(err, "it takes CAP_SYS_ADMIN in the user namespaces that own "
				       "them");
	return -err->code;
}

const struct section section_namespaces = {
	.path = "linux.namespaces",
	.validate = namespaces_validate,
	.prepare = namespaces_prepare,
};
