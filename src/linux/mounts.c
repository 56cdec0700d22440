/*
 * mounts: the plan of all that is mounted in the container.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#mounts
 *	open_tree(2), fsopen(2), mount_setattr(2), move_mount(2)
 *
 * Each mount has three moments.  Here, in the runtime, its options are parsed and its source is looked
 * at: with privileges it is opened for good, as a detached tree, because init may not be able to reach
 * it from a user namespace; without, it is remembered by device and inode, so that init notices if it
 * was exchanged.  Init makes the rest of the mounts while the host's tree is still there to take from
 * (mount-open.c), and puts all in place once the container's root is open (mount-attach.c).
 */
#include "linux/mounts.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/cleanup.h"
#include "basic/inside.h"
#include "basic/log.h"
#include "basic/procfs.h"
#include "basic/syscalls.h"
#include "linux/mount-idmap.h"
#include "linux/mount-label.h"
#include "linux/mount-options.h"
#include "linux/notify-mount.h"
#include "linux/section.h"

/* mount(2) takes a page of all options together. */
enum { LONGEST_DATA = 4095 };

bool mount_namespace_is_new(const struct oci_config *config)
{
	const struct oci_linux *properties = config->linux;

	for (size_t i = 0; properties && i < properties->namespaces_len; i++) {
		const struct oci_namespace *namespace = &properties->namespaces[i];

		if (strcmp(namespace->type, "mount") == 0)
			return !namespace->path || !namespace->path[0];
	}
	return false;
}

int mount_namespace_needed(const struct oci_config *config, const char *property, struct error *err)
{
	if (mount_namespace_is_new(config))
		return 0;
	error_config(err, "%s needs a new mount namespace", property);
	return error_hint(err, "it would change what others see; add {\"type\": \"mount\"} to "
			       "linux.namespaces");
}

int mount_clean_path(const char *path, char *clean, size_t size, struct error *err)
{
	size_t used = 0;

	for (size_t length; *path; path += length) {
		length = *path == '/' ? 1 : strcspn(path, "/");
		if (*path == '/')
			continue;
		if (length == 1 && path[0] == '.')
			continue;
		if (length == 2 && path[0] == '.' && path[1] == '.') {
			while (used > 0 && clean[--used] != '/')
				;
			continue;
		}
		if (used + 1 + length >= size)
			return error_errno(err, ENAMETOOLONG, "take the path");
		clean[used++] = '/';
		memcpy(clean + used, path, length);
		used += length;
	}
	if (used == 0)
		clean[used++] = '/';
	clean[used] = '\0';
	return 0;
}

static int error_in_mount(size_t index, const char *destination, struct error *err)
{
	if (index == MOUNT_OF_RUNTIME)
		return error_in(err, "%s", destination);
	if (!destination[0])
		return error_in(err, "mounts[%zu]", index);
	return error_in(err, "mounts[%zu] (%s)", index, destination);
}

int mount_error_in(const struct mount_plan *plan, struct error *err)
{
	return error_in_mount(plan->index, plan->destination, err);
}

/* What may be mounted inside /proc: single files that say how large the container is, as lxcfs makes
 * them.  Anything else there could be a file that the runtime or a privileged program trusts. */
static bool allowed_in_proc(const char *destination)
{
	static const char *const allowed[] = {
		"cpuinfo",
		"diskstats",
		"loadavg",
		"meminfo",
		"stat",
		"swaps",
		"uptime",
		"slabinfo",
		"sys/kernel/ns_last_pid",
		"sys/crypto/fips_enabled",
	};
	static const char proc[] = "/proc/";

	if (strncmp(destination, proc, sizeof(proc) - 1) != 0)
		return true;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (strcmp(destination + sizeof(proc) - 1, allowed[i]) == 0)
			return true;
	return false;
}

static int validate_destination(const struct oci_config *config, const struct oci_mount *mount,
				bool bind, struct error *err)
{
	char clean[PATH_MAX];

	if (mount->destination[0] == '\0')
		return error_config(err, "the destination is empty");
	if (mount_clean_path(mount->destination, clean, sizeof(clean), err) < 0)
		return -err->code;
	if (!allowed_in_proc(clean)) {
		error_config(err, "nothing may be mounted on this part of /proc");
		return error_hint(err, "the runtime and the container's programs trust it; only "
				       "files such as /proc/meminfo may be covered");
	}
	if (strcmp(clean, "/proc") == 0 && !bind && strcmp(mount->type, "proc") != 0)
		return error_config(err, "a %s may not be mounted on /proc", mount->type);
	if (strcmp(clean, "/") == 0)
		return mount_namespace_needed(config, "to mount on /", err);
	return 0;
}

/* What is asked of the runtime itself must make sense with the rest. */
static int validate_extras(const struct oci_mount *mount, const struct mount_options *options,
			   struct error *err)
{
	unsigned int nofollow = EXTRA_SOURCE_NOFOLLOW | EXTRA_DESTINATION_NOFOLLOW;
	unsigned int extras = options->extras;
	bool new = !options->bind && !options->remount;

	if ((extras & EXTRA_COPY_SYMLINK) && (extras & nofollow))
		return error_config(err, "copy-symlink can't be combined with src-nofollow or "
					 "dest-nofollow");
	if ((extras & (EXTRA_COPY_SYMLINK | EXTRA_SOURCE_NOFOLLOW)) &&
	    (!options->bind || options->remount))
		return error_config(err, "%s is for bind mounts only",
				    extras & EXTRA_COPY_SYMLINK ? "copy-symlink" : "src-nofollow");
	if ((extras & EXTRA_COPY_UP) && (!new || !mount->type || strcmp(mount->type, "tmpfs") != 0))
		return error_config(err, "tmpcopyup is for a tmpfs only");
	return 0;
}

static int validate_mount(const struct oci_config *config, const struct oci_mount *mount,
			  struct error *err)
{
	struct mount_options options;

	if (mount_options_parse(mount, NULL, &options, err) < 0)
		return -err->code;
	if (options.bind && !options.remount && (!mount->source || !mount->source[0]))
		return error_config(err, "a bind mount needs a source");
	if (!options.bind && !options.remount && (!mount->type || !mount->type[0])) {
		error_config(err, "the type is missing");
		return error_hint(err, "a bind mount says so by the option bind or rbind");
	}
	if (validate_extras(mount, &options, err) < 0 ||
	    mount_idmap_validate(config, mount, &options, err) < 0)
		return -err->code;
	return validate_destination(config, mount, options.bind || options.remount, err);
}

static int mounts_validate(const struct oci_config *config, struct error *err)
{
	for (size_t i = 0; i < config->mounts_len; i++)
		if (validate_mount(config, &config->mounts[i], err) < 0)
			return error_in_mount(i, config->mounts[i].destination, err);
	return 0;
}

static const char *bind_source(const struct container *container, const char *source)
{
	if (source[0] == '/')
		return source;
	return arena_printf(container->arena, "%s/%s", container->bundle, source);
}

/* The source of a bind mount that is a symbolic link, and is to be one in the container too.  Returns whether
 * it is. */
static int copy_symlink(struct container *container, struct mount_plan *plan, struct error *err)
{
	char target[PATH_MAX];
	ssize_t length = readlink(plan->source, target, sizeof(target) - 1);

	if (length < 0 && errno == EINVAL)
		return 0;
	if (length < 0)
		return error_errno(err, errno, "bind source %s", plan->source);
	plan->kind = MOUNT_LINK;
	plan->source = arena_copy(container->arena, target, (size_t)length);
	return plan->source ? 1 : arena_full(container->arena, err);
}

/* Without privileges: what init will open must be what the user could see. */
static int look_at_source(struct mount_plan *plan, struct error *err)
{
	autoclose int source = mount_find_source(plan, err);
	struct stat status;

	if (source < 0)
		return source;
	if (fstat(source, &status) < 0)
		return error_errno(err, errno, "bind source %s", plan->source);
	plan->device = status.st_dev;
	plan->inode = status.st_ino;
	plan->is_file = !S_ISDIR(status.st_mode);
	return 0;
}

static int plan_bind(struct container *container, struct mount_plan *plan, const char *source,
		     struct error *err)
{
	int r = 0;

	plan->kind = MOUNT_BIND;
	plan->type = arena_copy(container->arena, "bind", strlen("bind"));
	plan->source = bind_source(container, source);
	if (!plan->type || !plan->source)
		return arena_full(container->arena, err);
	if (plan->options.extras & EXTRA_COPY_SYMLINK)
		r = copy_symlink(container, plan, err);
	if (r == 0)
		r = container->host_privileges ? mount_open_source(container, plan, err)
					       : look_at_source(plan, err);
	if (r == -ENOENT)
		error_hint(err, "the source of a bind mount must be there before the container is");
	return r;
}

static uint64_t legacy_flag(const char *word)
{
	if (strcmp(word, "sync") == 0)
		return MS_SYNCHRONOUS;
	if (strcmp(word, "dirsync") == 0)
		return MS_DIRSYNC;
	if (strcmp(word, "lazytime") == 0)
		return MS_LAZYTIME;
	if (strcmp(word, "mand") == 0)
		return MS_MANDLOCK;
	return strcmp(word, "iversion") == 0 ? MS_I_VERSION : 0;
}

/* Overlays of many layers have values that fsconfig(2) does not take, and there is no other way to ask
 * for iversion. */
static bool needs_legacy(const struct mount_plan *plan)
{
	const struct mount_options *options = &plan->options;

	for (size_t i = 0; i < options->data_len; i++)
		if (options->data[i].value && strlen(options->data[i].value) > MOUNT_LONGEST_VALUE)
			return true;
	for (size_t i = 0; i < options->flags_len; i++)
		if (strcmp(options->flags[i], "iversion") == 0)
			return true;
	return false;
}

static int plan_legacy(struct container *container, struct mount_plan *plan, struct error *err)
{
	const struct mount_options *options = &plan->options;
	char data[LONGEST_DATA + 1] = "";
	bool layers = false;
	size_t used = 0;

	for (size_t i = 0; i < options->data_len; i++) {
		const struct oci_pair *pair = &options->data[i];
		const char *quote = mount_label_is(pair->key) ? "\"" : "";
		int length = snprintf(data + used, sizeof(data) - used, "%s%s%s%s%s%s",
				      i ? "," : "", pair->key, pair->value ? "=" : "", quote,
				      pair->value ? pair->value : "", quote);

		used += (size_t)length;
		layers = layers || mount_overlay_is_long(plan->type, pair);
		if (used >= sizeof(data) && layers)
			return 0; /* there is a newer way, and no older one */
		if (used >= sizeof(data))
			return error_config(err, "the options are longer than %d bytes",
					    LONGEST_DATA);
	}
	for (size_t i = 0; i < options->flags_len; i++)
		plan->legacy_flags |= legacy_flag(options->flags[i]);
	if (options->set & MOUNT_ATTR_RDONLY)
		plan->legacy_flags |= MS_RDONLY;
	plan->legacy_data = arena_copy(container->arena, data, used);
	return plan->legacy_data ? 0 : arena_full(container->arena, err);
}

void mount_fold_recursive(struct mount_options *options)
{
	uint64_t set = options->set, clear = options->clear;

	/* What is said of the mount itself was said last. */
	options->set = set | (options->rec_set & ~clear);
	options->clear = clear | (options->rec_clear & ~set);
	options->rec_set = options->rec_clear = 0;
}

static int plan_file_system(struct container *container, struct mount_plan *plan,
			    const struct oci_mount *mount, struct error *err)
{
	plan->kind = MOUNT_FILE_SYSTEM;
	plan->source = mount->source;
	mount_fold_recursive(&plan->options);
	/* Later mounts and devices may have to be made inside of it. */
	plan->finish_readonly =
		strcmp(mount->type, "tmpfs") == 0 && (plan->options.set & MOUNT_ATTR_RDONLY);
	if (mount_label_add(container, plan, err) < 0)
		return -err->code;
	return needs_legacy(plan) ? plan_legacy(container, plan, err) : 0;
}

/* Plans one entry of config.json; returns how many mounts that makes. */
static int plan_mount(struct container *container, const struct oci_mount *mount,
		      struct mount_plan *plan, struct error *err)
{
	char clean[PATH_MAX];
	int r = 0;

	plan->fd = -1;
	plan->type = mount->type;
	plan->destination = mount->destination;
	if (mount_options_parse(mount, container->arena, &plan->options, err) < 0)
		return -err->code;
	if (mount->uid_mappings_len)
		plan->options.extras |= EXTRA_IDMAP;
	if (mount_clean_path(mount->destination, clean, sizeof(clean), err) < 0)
		return -err->code;
	plan->destination = arena_copy(container->arena, clean, strlen(clean));
	if (!plan->destination)
		return arena_full(container->arena, err);
	plan->owns_root = strcmp(clean, "/") == 0;
	plan->finish_readonly = plan->owns_root && (plan->options.set & MOUNT_ATTR_RDONLY);
	if (plan->options.remount)
		plan->kind = MOUNT_REMOUNT;
	else if (plan->options.bind)
		r = plan_bind(container, plan, mount->source, err);
	else if (strcmp(mount->type, "cgroup") == 0)
		return mount_cgroup_plan(container->arena, plan, plan, err);
	else
		r = plan_file_system(container, plan, mount, err);
	return r < 0 ? r : 1;
}

static size_t most_plans(const struct oci_config *config)
{
	size_t most = config->mounts_len + 1; /* for NOTIFY_SOCKET */

	for (size_t i = 0; i < config->mounts_len; i++)
		if (config->mounts[i].type && strcmp(config->mounts[i].type, "cgroup") == 0)
			most += CGROUP_MOUNTS;
	return most;
}

static int mounts_prepare(struct container *container, struct error *err)
{
	const struct oci_config *config = container->config;
	int r;

	if (container->joined_namespaces & CLONE_NEWNS) {
		log_debug("mounts: the mount namespace that is joined has its own");
		return notify_mount_plan(container, NULL, err);
	}
	if (config->mounts_len == 0 && !container->notify_folder)
		return 0;
	container->mounts = arena_array(container->arena, struct mount_plan, most_plans(config));
	if (!container->mounts)
		return arena_full(container->arena, err);
	for (size_t i = 0; i < config->mounts_len; i++) {
		struct mount_plan *plan = &container->mounts[container->mounts_len];
		int planned;

		plan->index = i;
		planned = plan_mount(container, &config->mounts[i], plan, err);
		if (planned < 0)
			return mount_error_in(plan, err);
		container->mounts_len += (size_t)planned;
	}
	r = notify_mount_plan(container, &container->mounts[container->mounts_len], err);
	if (r < 0)
		return r;
	container->mounts_len += (size_t)r;
	return mount_idmap_prepare(container, err);
}

/* Takes away one mount, by the fd of its root, so that no name is resolved outside of the rootfs. */
static int detach(int root, const char *destination, struct error *err)
{
	autoclose int fd = inside_try(root, destination, O_PATH);
	char path[PROCFS_FD_SIZE];
	int r;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0)
		return error_errno(err, -fd, "open %s", destination);
	r = procfs_name_fd(fd, path);
	if (r == 0 && sys_umount2(path, MNT_DETACH) < 0 && errno != EINVAL)
		r = -errno;
	return r < 0 ? error_errno(err, -r, "unmount %s", destination) : 0;
}

bool mounts_copy_up(const struct container *container)
{
	for (size_t i = 0; i < container->mounts_len; i++)
		if (container->mounts[i].options.extras & EXTRA_COPY_UP)
			return true;
	return false;
}

int mounts_detach(const char *rootfs, const char *const *destinations, size_t count,
		  struct error *err)
{
	autoclose int root = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return errno == ENOENT ? 0 : error_errno(err, errno, "open %s", rootfs);
	for (size_t i = count; i-- > 0;)
		if (detach(root, destinations[i], err) < 0)
			return -err->code;
	return 0;
}

const struct section section_mounts = {
	.path = "mounts",
	.validate = mounts_validate,
	.prepare = mounts_prepare,
};
