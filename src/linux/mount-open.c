/*
 * Makes each mount of the plan, detached, while the host's tree is still "/" to init.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#mounts
 *	fsopen(2), fsconfig(2), fsmount(2), open_tree(2), mount_setattr(2)
 *
 * Detached, because a mount that is nowhere yet can be given all its options before anybody sees it:
 * there is no moment in which "ro" or "nosuid" is missing.  And now, because bind sources are the host's,
 * and because in a user namespace the kernel grants a new proc or sysfs only as long as a whole one is in
 * reach, which is the host's until its tree is left.
 *
 * A detached mount must end up attached: to close it unattached makes the kernel wait until all processors
 * have noticed.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "basic/cleanup.h"
#include "basic/syscalls.h"
#include "linux/mount-tree.h"
#include "linux/mounts.h"
#include "linux/section.h"

bool mount_is_virtual(const char *type)
{
	static const char *const virtual[] = {"proc",	"sysfs",  "tmpfs",   "devpts",
					      "mqueue", "cgroup", "cgroup2", "ramfs"};

	for (size_t i = 0; i < sizeof(virtual) / sizeof(virtual[0]); i++)
		if (strcmp(virtual[i], type) == 0)
			return true;
	return false;
}

static int set_parameter(int context, const char *key, const char *value)
{
	return sys_fsconfig(context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value);
}

static int set_option(int context, const char *type, const struct oci_pair *option)
{
	if (mount_overlay_is_long(type, option))
		return mount_overlay_set_long(context, option);
	if (set_parameter(context, option->key, option->value) == 0)
		return 0;
	/* A group that the user namespace does not know: terminals go without. */
	if (strcmp(type, "devpts") == 0 && strcmp(option->key, "gid") == 0)
		return 0;
	return -errno;
}

static int set_parameters(int context, const struct mount_plan *plan, const char *type,
			  const char **refused)
{
	const struct mount_options *options = &plan->options;
	int r;

	*refused = plan->source;
	if (plan->source && plan->source[0] && set_parameter(context, "source", plan->source) < 0)
		return -errno;
	for (size_t i = 0; i < options->flags_len; i++) {
		*refused = options->flags[i];
		if (set_parameter(context, options->flags[i], NULL) < 0)
			return -errno;
	}
	if ((options->set & MOUNT_ATTR_RDONLY) && !mount_is_virtual(type)) {
		*refused = "ro";
		if (set_parameter(context, "ro", NULL) < 0)
			return -errno;
	}
	for (size_t i = 0; i < options->data_len; i++) {
		*refused = options->data[i].key;
		r = set_option(context, type, &options->data[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What the file system has to say about it comes first: it knows best. */
static int explain_refusal(int context, const char *type, struct error *err)
{
	char words[256];
	ssize_t length = read(context, words, sizeof(words) - 1);

	if (length > 2) {
		words[length] = '\0';
		words[strcspn(words, "\n")] = '\0';
		return error_hint(err, "the kernel says \"%s\"", words + 2);
	}
	if (err->code == ENODEV)
		return error_hint(err, "the kernel has no file system \"%s\"", type);
	return -err->code;
}

int mount_open_file_system(const struct mount_plan *plan, const char *type, struct error *err)
{
	autoleave int context = sys_fsopen(type);
	uint64_t attributes = plan->options.set;
	const char *refused = NULL;
	int fd, r;

	if (context < 0) {
		error_errno(err, errno, "mount a %s", type);
		return explain_refusal(-1, type, err);
	}
	if (plan->finish_readonly)
		attributes &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	r = set_parameters(context, plan, type, &refused);
	if (r < 0) {
		error_errno(err, -r, "mount a %s: %s", type, refused);
		return explain_refusal(context, type, err);
	}
	fd = sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL) < 0
		     ? -1
		     : sys_fsmount(context, (unsigned int)attributes);
	if (fd >= 0)
		return fd;
	error_errno(err, errno, "mount a %s", type);
	return explain_refusal(context, type, err);
}

/* What fsconfig(2) can't express is mounted by mount(2): on top of init's own "/", where nobody looks
 * (a path begins below what is mounted on its root; only "/.." goes up to it), and is taken off again. */
static int open_legacy(const struct container *container, const struct mount_plan *plan,
		       struct error *err)
{
	int fd = -1;

	if (!(container->new_namespaces & CLONE_NEWNS) || container->leaves_host)
		return error_config(err, "these options take a new mount namespace");
	if (sys_mount_propagation("/", MS_SLAVE) < 0 ||
	    sys_mount(plan->source, "/", plan->type, plan->legacy_flags, plan->legacy_data) < 0)
		return error_errno(err, errno, "mount a %s", plan->type);
	fd = sys_open_tree(AT_FDCWD, "/..", OPEN_TREE_CLONE);
	if (fd < 0)
		error_errno(err, errno, "mount a %s", plan->type);
	if (sys_umount2("/..", MNT_DETACH) < 0 && fd >= 0) {
		close(fd);
		return error_errno(err, errno, "mount a %s", plan->type);
	}
	return fd < 0 ? -err->code : fd;
}

int mount_find_source(const struct mount_plan *plan, struct error *err)
{
	bool nofollow = plan->options.extras & EXTRA_SOURCE_NOFOLLOW;
	int fd = openat(AT_FDCWD, plan->source, O_PATH | O_CLOEXEC | (nofollow ? O_NOFOLLOW : 0));

	return fd >= 0 ? fd : error_errno(err, errno, "bind source %s", plan->source);
}

static bool wants_slave(const struct mount_options *options)
{
	for (size_t i = 0; i < options->propagation_len; i++)
		if (options->propagation[i] & MS_SLAVE)
			return true;
	return false;
}

/* How a mount begins, before its own words count.  One that was taken from a shared mount of the host is
 * shared with it; it stays so only if the container is to be. */
static uint64_t first_propagation(const struct container *container, const struct mount_plan *plan)
{
	bool taken = plan->kind == MOUNT_BIND || plan->kind == MOUNT_CGROUP;

	if (plan->kind == MOUNT_REMOUNT)
		return 0;
	if (container->propagation == (MS_SHARED | MS_REC))
		return taken ? 0 : MS_SHARED;
	if ((container->propagation & MS_SHARED) || !taken)
		return 0;
	return (container->propagation & MS_SLAVE) || wants_slave(&plan->options) ? MS_SLAVE
										  : MS_PRIVATE;
}

int mount_open_source(const struct container *container, struct mount_plan *plan, struct error *err)
{
	struct mount_attr separate = {.propagation = first_propagation(container, plan)};
	bool nofollow = plan->options.extras & EXTRA_SOURCE_NOFOLLOW;
	unsigned int depth = plan->options.recursive ? AT_RECURSIVE : 0;
	struct stat status;

	plan->fd = mount_tree_clone(AT_FDCWD, plan->source,
				    depth | (nofollow ? AT_SYMLINK_NOFOLLOW : 0), &separate);
	if (plan->fd < 0) {
		error_errno(err, errno, "bind source %s", plan->source);
		return err->code == EINVAL && !depth
			       ? error_hint(err, "there are mounts below it that must not be "
						 "uncovered: use rbind")
			       : -err->code;
	}
	if (fstat(plan->fd, &status) < 0)
		return error_errno(err, errno, "bind source %s", plan->source);
	if (plan->inode && (plan->device != status.st_dev || plan->inode != status.st_ino))
		return error_config(err, "bind source %s was exchanged in the meantime",
				    plan->source);
	plan->is_file = !S_ISDIR(status.st_mode);
	plan->separated = true;
	return 0;
}

int mount_open_host(const char *path, struct error *err)
{
	int fd = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | AT_RECURSIVE);

	return fd >= 0 ? fd : error_errno(err, errno, "bind %s", path);
}

/* In a user namespace, what the host has locked can't be taken off; says what that is. */
static int explain_locked(int fd, uint64_t clear, struct error *err)
{
	static const struct {
		uint64_t attribute;
		const char *word;
	} names[] = {
		{MOUNT_ATTR_RDONLY, "ro"},
		{MOUNT_ATTR_NOSUID, "nosuid"},
		{MOUNT_ATTR_NODEV, "nodev"},
		{MOUNT_ATTR_NOEXEC, "noexec"},
	};
	struct statfs status;

	/* statfs(2) has the same bits for these. */
	for (size_t i = 0; fstatfs(fd, &status) == 0 && i < sizeof(names) / sizeof(names[0]); i++)
		if ((clear & names[i].attribute) && ((uint64_t)status.f_flags & names[i].attribute))
			return error_hint(err,
					  "the source is \"%s\" on the host, and a user namespace "
					  "can't take that off",
					  names[i].word);
	return error_hint(err,
			  "a user namespace can't change how access times of what is the host's "
			  "are kept");
}

static int set_attributes(int fd, unsigned int depth, struct mount_attr change, struct error *err)
{
	if (!change.attr_set && !change.attr_clr && !change.propagation)
		return 0;
	if (sys_mount_setattr(fd, depth, &change) == 0)
		return 0;
	error_errno(err, errno, "set its options");
	if (err->code == ENOSYS)
		return error_hint(err, "that takes mount_setattr(2), which Linux has from 5.12 on");
	if (err->code == EINVAL && (change.attr_set & MOUNT_ATTR_NOSYMFOLLOW))
		return error_hint(err, "nosymfollow takes Linux 5.14");
	return err->code == EPERM ? explain_locked(fd, change.attr_clr, err) : -err->code;
}

int mount_dress(const struct container *container, const struct mount_plan *plan, int fd,
		struct error *err)
{
	const struct mount_options *options = &plan->options;
	struct mount_attr all = {
		.attr_set = options->rec_set,
		.attr_clr = options->rec_clear,
		.propagation = first_propagation(container, plan),
	};
	uint64_t first = all.propagation;
	struct mount_attr own = {.attr_set = options->set, .attr_clr = options->clear};

	if (plan->kind == MOUNT_FILE_SYSTEM && !plan->legacy_data) /* fsmount(2) was told */
		own = (struct mount_attr){0};
	if (plan->finish_readonly)
		own.attr_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	if (plan->separated)
		all.propagation = 0;
	if (plan->kind == MOUNT_BIND && !options->recursive) { /* it is one mount: one call */
		all.attr_set = (all.attr_set & ~own.attr_clr) | own.attr_set;
		all.attr_clr = (all.attr_clr & ~own.attr_set) | own.attr_clr;
		own = (struct mount_attr){0};
	}
	if (set_attributes(fd, AT_RECURSIVE, all, err) < 0 || set_attributes(fd, 0, own, err) < 0)
		return -err->code;
	for (size_t i = 0; i < options->propagation_len; i++) {
		uint64_t word = options->propagation[i];
		struct mount_attr change = {.propagation = word & ~(uint64_t)MS_REC};

		if (word == (first | MS_REC) && i == 0)
			continue; /* it is so already */
		if ((word & MS_PRIVATE) && plan->kind == MOUNT_FILE_SYSTEM && !first)
			continue; /* as what is new is */
		if (set_attributes(fd, word & MS_REC ? AT_RECURSIVE : 0, change, err) < 0)
			return -err->code;
	}
	return 0;
}

static bool has_long_layers(const struct mount_plan *plan)
{
	for (size_t i = 0; i < plan->options.data_len; i++)
		if (mount_overlay_is_long(plan->type, &plan->options.data[i]))
			return true;
	return false;
}

static int open_file_system(const struct container *container, struct mount_plan *plan,
			    struct error *err)
{
	if (plan->fd >= 0) /* by the runtime, which has mapped its ids */
		return mount_dress(container, plan, plan->fd, err);
	if (!plan->legacy_data || has_long_layers(plan))
		plan->fd = mount_open_file_system(plan, plan->type, err);
	if (plan->fd >= 0)
		plan->legacy_data = NULL;
	else if (plan->legacy_data)
		plan->fd = open_legacy(container, plan, err);
	if (plan->fd < 0)
		plan->fd = mount_fall_back(plan, err);
	return plan->fd < 0 ? plan->fd : mount_dress(container, plan, plan->fd, err);
}

static int open_bind(const struct container *container, struct mount_plan *plan, struct error *err)
{
	if (plan->fd < 0 && mount_open_source(container, plan, err) < 0)
		return -err->code;
	return mount_dress(container, plan, plan->fd, err);
}

static int open_mount(const struct container *container, struct mount_plan *plan, struct error *err)
{
	switch (plan->kind) {
	case MOUNT_FILE_SYSTEM:
		return open_file_system(container, plan, err);
	case MOUNT_BIND:
		return open_bind(container, plan, err);
	case MOUNT_CGROUP:
		return mount_cgroup_open(container, plan, err);
	case MOUNT_LINK:
	case MOUNT_REMOUNT:
		break;
	}
	return 0;
}

/* Those that show cgroups, or all others. */
static int open_mounts(struct container *container, bool cgroups, struct error *err)
{
	for (size_t i = 0; i < container->mounts_len; i++) {
		struct mount_plan *plan = &container->mounts[i];

		if ((plan->kind == MOUNT_CGROUP) == cgroups && open_mount(container, plan, err) < 0)
			return mount_error_in(plan, err);
	}
	return 0;
}

static int mounts_open(struct container *container, struct error *err)
{
	/* Nothing that happens in here may get out.  A container whose root is to be shared still has to
	 * take shared mounts from this tree: there it happens when the root is attached. */
	if ((container->new_namespaces & CLONE_NEWNS) && !container->leaves_host &&
	    !(container->propagation & MS_SHARED) &&
	    sys_mount_propagation("/", MS_REC | MS_SLAVE) < 0)
		return error_errno(err, errno, "separate the mounts from the host's");
	return open_mounts(container, false, err);
}

const struct step step_mounts_open = {
	.name = "mounts: open",
	.apply = mounts_open,
};

static int mounts_open_cgroups(struct container *container, struct error *err)
{
	return open_mounts(container, true, err);
}

const struct step step_mounts_open_cgroups = {
	.name = "mounts: open cgroups",
	.apply = mounts_open_cgroups,
};
