/*
 * The type "cgroup" in mounts: the container's view of its control groups.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#control-groups
 *	cgroups(7), cgroup_namespaces(7)
 *
 * On a host with cgroup v2 alone it is one mount.  Where there are v1 hierarchies it is a tmpfs with one
 * mount for each hierarchy, named and linked as on the host.  A container with a cgroup namespace gets
 * new mounts, which begin at its own cgroup; one without gets a bind mount of its own cgroup: a new
 * mount would show it the whole host's, and on many kernels a mount of cgroup2 stops every fork of the
 * host until an RCU grace period is over.
 *
 * Which hierarchies there are is found out by the runtime; which is init's own cgroup, too, where the runtime has made
 * one, and otherwise by init.
 */
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "basic/cleanup.h"
#include "basic/log.h"
#include "basic/procfs.h"
#include "basic/syscalls.h"
#include "linux/mounts.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

enum { MEMBERSHIP_SIZE = 8192 };

static bool is_file_system(const char *path, unsigned long magic)
{
	struct statfs status;

	return statfs(path, &status) == 0 && (unsigned long)status.f_type == magic;
}

/* One line of /proc/PID/cgroup, "4:cpu,cpuacct:/a/b", cut into pieces. */
struct membership {
	char *controllers, *path;
};

/* Takes the next line out of *text; false at its end. */
static bool next_membership(char **text, struct membership *member)
{
	char *line = *text, *end = strchr(line, '\n');

	if (!end)
		return false;
	*end = '\0';
	*text = end + 1;
	member->controllers = strchr(line, ':');
	if (!member->controllers)
		return false;
	*member->controllers++ = '\0';
	member->path = strchr(member->controllers, ':');
	if (!member->path)
		return false;
	*member->path++ = '\0';
	return true;
}

static int read_memberships(char *text, struct error *err)
{
	ssize_t length = procfs_read(procfs_own(), "self/cgroup", text, MEMBERSHIP_SIZE);

	return length < 0 ? error_errno(err, (int)-length, "read /proc/self/cgroup") : 0;
}

/* The mounts that one mount of v1's cgroups becomes. */
struct plans {
	struct arena *arena;
	const struct mount_plan *base;
	struct mount_plan *list;
	size_t count;
};

/* Adds one with the destination base/name. */
static struct mount_plan *add_plan(struct plans *plans, const char *name)
{
	struct mount_plan *plan = &plans->list[plans->count];

	*plan = *plans->base;
	plan->finish_readonly = false;
	plan->destination = arena_printf(plans->arena, "%s/%s", plans->base->destination, name);
	if (!plan->destination)
		return NULL;
	plans->count++;
	return plan;
}

static int add_hierarchy(struct plans *plans, const char *directory, const char *controllers)
{
	struct mount_plan *plan = add_plan(plans, directory);

	if (!plan)
		return -ENOMEM;
	plan->kind = MOUNT_CGROUP;
	plan->source = arena_printf(plans->arena, CGROUP_ROOT "/%s", directory);
	plan->hierarchy = arena_copy(plans->arena, controllers, strlen(controllers));
	return plan->source && plan->hierarchy ? 0 : -ENOMEM;
}

/* "cpu,cpuacct" is mounted once, and found under each name. */
static int add_links(struct plans *plans, const char *directory)
{
	for (const char *name = directory; *name && plans->count < CGROUP_MOUNTS;) {
		size_t length = strcspn(name, ",");
		char link[NAME_MAX + 1];
		struct mount_plan *plan;

		snprintf(link, sizeof(link), "%.*s", (int)length, name);
		plan = add_plan(plans, link);
		if (!plan)
			return -ENOMEM;
		plan->kind = MOUNT_LINK;
		plan->source = arena_copy(plans->arena, directory, strlen(directory));
		if (!plan->source)
			return -ENOMEM;
		name += length + (name[length] == ',');
	}
	return 0;
}

static int add_membership(struct plans *plans, const struct membership *member)
{
	static const char named[] = "name=";
	bool v2 = member->controllers[0] == '\0';
	const char *directory = v2 ? "unified" : member->controllers;
	char path[PATH_MAX];
	int r;

	if (strncmp(directory, named, sizeof(named) - 1) == 0)
		directory += sizeof(named) - 1;
	snprintf(path, sizeof(path), CGROUP_ROOT "/%s", directory);
	if (!is_file_system(path, v2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC)) {
		log_debug("mounts: the cgroups of %s are not mounted on the host", directory);
		return 0;
	}
	r = add_hierarchy(plans, directory, member->controllers);
	if (r == 0 && strchr(directory, ','))
		r = add_links(plans, directory);
	return r;
}

/* The tmpfs that v1's hierarchies lie in. */
static int plan_folder(struct arena *arena, const struct mount_plan *base, struct mount_plan *plan)
{
	*plan = *base;
	plan->kind = MOUNT_FILE_SYSTEM;
	mount_fold_recursive(&plan->options);
	plan->type = arena_copy(arena, "tmpfs", strlen("tmpfs"));
	plan->source = arena_copy(arena, "cgroup", strlen("cgroup"));
	plan->options.data = arena_array(arena, struct oci_pair, 1);
	if (!plan->type || !plan->source || !plan->options.data)
		return -ENOMEM;
	plan->options.data[0].key = arena_copy(arena, "mode", strlen("mode"));
	plan->options.data[0].value = arena_copy(arena, "755", strlen("755"));
	plan->options.data_len = 1;
	plan->finish_readonly = plan->options.set & MOUNT_ATTR_RDONLY;
	return plan->options.data[0].key && plan->options.data[0].value ? 0 : -ENOMEM;
}

static int plan_v1(struct arena *arena, const struct mount_plan *base, struct mount_plan *list,
		   struct error *err)
{
	struct plans plans = {.arena = arena, .base = base, .list = list, .count = 1};
	char text[MEMBERSHIP_SIZE], *rest = text;
	struct membership member;
	int r = read_memberships(text, err);

	if (r < 0)
		return r;
	r = plan_folder(arena, base, &list[0]);
	while (r == 0 && plans.count < CGROUP_MOUNTS && next_membership(&rest, &member))
		r = add_membership(&plans, &member);
	return r < 0 ? arena_full(arena, err) : (int)plans.count;
}

int mount_cgroup_plan(struct arena *arena, const struct mount_plan *base, struct mount_plan *plans,
		      struct error *err)
{
	struct mount_plan begun = *base;

	/* Options such as nsdelegate are the host's to choose. */
	begun.options.data_len = 0;
	begun.options.flags_len = 0;
	if (!is_file_system(CGROUP_ROOT, CGROUP2_SUPER_MAGIC))
		return plan_v1(arena, &begun, plans, err);
	plans[0] = begun;
	plans[0].kind = MOUNT_CGROUP;
	plans[0].source = arena_copy(arena, CGROUP_ROOT, strlen(CGROUP_ROOT));
	plans[0].hierarchy = arena_copy(arena, "", 0);
	return plans[0].source && plans[0].hierarchy ? 1 : arena_full(arena, err);
}

/* The controllers of a v1 hierarchy are flags, and a hierarchy without any has a name. */
static int configure_v1(int context, const char *hierarchy)
{
	static const char named[] = "name=";
	char word[NAME_MAX + 1];

	if (strncmp(hierarchy, named, sizeof(named) - 1) == 0) {
		if (sys_fsconfig(context, FSCONFIG_SET_FLAG, "none", NULL) < 0)
			return -1;
		return sys_fsconfig(context, FSCONFIG_SET_STRING, "name",
				    hierarchy + sizeof(named) - 1);
	}
	for (const char *name = hierarchy; *name;) {
		size_t length = strcspn(name, ",");

		snprintf(word, sizeof(word), "%.*s", (int)length, name);
		if (sys_fsconfig(context, FSCONFIG_SET_FLAG, word, NULL) < 0)
			return -1;
		name += length + (name[length] == ',');
	}
	return 0;
}

static int open_new(const struct mount_plan *plan, struct error *err)
{
	bool v2 = plan->hierarchy[0] == '\0';
	const char *type = v2 ? "cgroup2" : "cgroup";
	autoleave int context = sys_fsopen(type);
	int fd = -1;

	if (context >= 0 && sys_fsconfig(context, FSCONFIG_SET_STRING, "source", "cgroup") == 0 &&
	    (v2 || configure_v1(context, plan->hierarchy) == 0) &&
	    sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL) == 0)
		fd = sys_fsmount(context, (unsigned int)plan->options.set);
	return fd >= 0 ? fd : error_errno(err, errno, "mount a %s", type);
}

/* Writes the directory of the caller's own cgroup in the plan's hierarchy. */
static int own_directory(const struct mount_plan *plan, char *path, size_t size, struct error *err)
{
	char text[MEMBERSHIP_SIZE], *rest = text;
	struct membership member;

	if (read_memberships(text, err) < 0)
		return -err->code;
	while (next_membership(&rest, &member)) {
		if (strcmp(member.controllers, plan->hierarchy) != 0)
			continue;
		if (strncmp(member.path, "/..", 3) == 0)
			return error_config(err,
					    "the own cgroup is outside of the cgroup namespace");
		if ((size_t)snprintf(path, size, "%s%s", plan->source, member.path) >= size)
			return error_errno(err, ENAMETOOLONG, "find the own cgroup");
		return 0;
	}
	return error_errno(err, ENOENT, "find the own cgroup in /proc/self/cgroup");
}

/* The whole hierarchy, which a container that can't be shown its own part may look at only. */
static int open_readonly(const struct container *container, struct mount_plan *plan,
			 struct error *err)
{
	plan->options.rec_set |= MOUNT_ATTR_RDONLY;
	plan->options.rec_clear &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	plan->options.clear &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	plan->fd = mount_open_host(plan->source, err);
	return plan->fd < 0 ? plan->fd : mount_dress(container, plan, plan->fd, err);
}

/* By itself: its buffers are only touched when it is called. */
__attribute__((noinline)) static int open_found(struct mount_plan *plan, struct error *err)
{
	char path[PATH_MAX];
	int r = own_directory(plan, path, sizeof(path), err);

	return r < 0 ? r : mount_open_host(path, err);
}

static int open_own(struct mount_plan *plan, struct error *err)
{
	plan->fd = plan->own ? mount_open_host(plan->own, err) : open_found(plan, err);
	return plan->fd;
}

static bool in_cgroup_namespace(const struct container *container)
{
	return (container->new_namespaces | container->joined_namespaces) & CLONE_NEWCGROUP;
}

/* Which of them lies in the hierarchy that is mounted at place, or NULL. */
static const char *directory_below(const char *place, const char *const *directories, size_t count)
{
	size_t length = strlen(place);

	for (size_t i = 0; i < count; i++)
		if (strncmp(directories[i], place, length) == 0 && directories[i][length] == '/')
			return directories[i];
	return NULL;
}

bool mount_cgroup_know(struct container *container, const char *const *directories, size_t count)
{
	bool all = true;

	for (size_t i = 0; i < container->mounts_len && !in_cgroup_namespace(container); i++) {
		struct mount_plan *plan = &container->mounts[i];

		/* That of version 2 init is cloned into. */
		if (plan->kind != MOUNT_CGROUP || plan->hierarchy[0] == '\0')
			continue;
		plan->own = directory_below(plan->source, directories, count);
		all = all && plan->own;
	}
	return all;
}

int mount_cgroup_open(const struct container *container, struct mount_plan *plan, struct error *err)
{
	if (in_cgroup_namespace(container)) {
		struct mount_plan made = *plan;

		made.kind = MOUNT_FILE_SYSTEM;
		plan->fd = open_new(plan, err);
		if (plan->fd >= 0)
			return mount_dress(container, &made, plan->fd, err);
	} else if (open_own(plan, err) >= 0) {
		return mount_dress(container, plan, plan->fd, err);
	}
	log_debug("mounts[%zu] (%s): %s; all of %s is bound, read-only", plan->index,
		  plan->destination, err->text, plan->source);
	return open_readonly(container, plan, err);
}
