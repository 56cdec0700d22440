/*
 * Mounts with an id mapping of their own, see mount-idmap.h.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#posix-platform-mounts
 *	mount_setattr(2), MOUNT_ATTR_IDMAP; user_namespaces(7)
 *
 * The kernel takes a mapping only in the form of a user namespace.  The container's own does not exist yet,
 * and if it did the mapping would have to wait for it: so the runtime makes one, by a child that does nothing
 * but be in it until the namespace is open.  The child ends when its pipe closes, so whatever becomes of the
 * runtime it is not left behind.
 *
 * All this is done by the runtime, on detached mounts and before anything else is made: it takes privileges
 * over the file system, which init has given up when it is in a user namespace.
 */
#include "linux/mount-idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "basic/cleanup.h"
#include "basic/large.h"
#include "basic/lines.h"
#include "basic/procfs.h"
#include "basic/syscalls.h"
#include "linux/id-mappings.h"
#include "linux/mounts.h"
#include "linux/namespaces.h"

/* A mapping, and the user namespace that has it. */
struct idmap {
	struct id_map uids, gids;
	int user_namespace; /* or -1 */
};

/* -- the list behind the option's word --------------------------------------------------------- */

struct range_text {
	struct oci_id_mapping range;
	bool relative;
};

/* Reads a number that ends with one of the characters of end; *text is then behind it. */
static int take_number(const char **text, const char *end, uint32_t *number)
{
	unsigned long value;
	char *behind;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoul(*text, &behind, 10);
	if (errno || value > UINT32_MAX || !strchr(end, *behind))
		return -EINVAL;
	*number = (uint32_t)value;
	*text = behind;
	return 0;
}

/* Reads "0-1000-10", with "@" before it or without. */
static int take_range(const char **text, struct range_text *taken)
{
	taken->relative = **text == '@';
	*text += taken->relative;
	if (take_number(text, "-", &taken->range.container_id) < 0 || *(*text)++ != '-' ||
	    take_number(text, "-", &taken->range.host_id) < 0 || *(*text)++ != '-' ||
	    take_number(text, "#;", &taken->range.size) < 0)
		return -EINVAL;
	return 0;
}

static int add_range(struct arena *arena, struct id_map *map, const struct id_range *range,
		     struct error *err)
{
	if (!map->ranges)
		map->ranges = arena_array(arena, struct id_range, MOST_ID_RANGES);
	if (!map->ranges)
		return arena_full(arena, err);
	if (map->ranges_len == MOST_ID_RANGES)
		return error_config(err, "more than %d ranges", MOST_ID_RANGES);
	map->ranges[map->ranges_len++] = *range;
	return 0;
}

/* The part of range that lies in one piece on the host. */
static bool cut_relative(const struct id_map *container, const struct oci_id_mapping *range,
			 struct id_range *piece)
{
	for (size_t i = 0; i < container->ranges_len; i++) {
		const struct id_range *own = &container->ranges[i];
		uint32_t offset = range->host_id - own->inside;

		if (range->host_id < own->inside || offset >= own->count)
			continue;
		*piece = (struct id_range){
			.inside = range->container_id,
			.outside = own->outside + offset,
			.count = own->count - offset < range->size ? own->count - offset
								   : range->size,
		};
		return true;
	}
	return false;
}

/* A range of ids of the container may be several on the host. */
static int add_relative(struct arena *arena, const struct id_map *container,
			struct oci_id_mapping range, struct id_map *map, struct error *err)
{
	struct id_range piece;

	for (; range.size > 0; range.size -= piece.count) {
		if (!cut_relative(container, &range, &piece)) {
			error_config(err, "the container has no id %" PRIu32, range.host_id);
			return error_hint(err, "ids behind \"@\" are the container's: they must be "
					       "in linux.uidMappings and linux.gidMappings");
		}
		if (add_range(arena, map, &piece, err) < 0)
			return -err->code;
		range.container_id += piece.count;
		range.host_id += piece.count;
	}
	return 0;
}

static int add_text(struct arena *arena, const struct id_map *container,
		    const struct range_text *taken, struct id_map *map, struct error *err)
{
	const struct id_range range = {
		.inside = taken->range.container_id,
		.outside = taken->range.host_id,
		.count = taken->range.size,
	};

	if (taken->relative)
		return add_relative(arena, container, taken->range, map, err);
	return add_range(arena, map, &range, err);
}

static int refuse_list(const char *list, struct error *err)
{
	error_config(err, "\"%s\" is no list of id ranges", list);
	return error_hint(err, "it looks like uids=0-1000-10#20-2000-5;gids=0-1000-10");
}

/* Reads the list into map, or without an arena only checks it. */
static int parse_list(const struct container *container, const char *list, struct idmap *map,
		      struct error *err)
{
	const char *text = list;

	while (*text) {
		bool gids = strncmp(text, "gids=", 5) == 0;
		struct range_text taken;

		if (!gids && strncmp(text, "uids=", 5) != 0)
			return refuse_list(list, err);
		for (text += 4; *text && *text != ';';) {
			text++;
			if (take_range(&text, &taken) < 0 || taken.range.size == 0)
				return refuse_list(list, err);
			if (container && add_text(container->arena,
						  gids ? &container->gid_map : &container->uid_map,
						  &taken, gids ? &map->gids : &map->uids, err) < 0)
				return -err->code;
		}
		text += *text == ';';
	}
	return 0;
}

/* -- what config.json says --------------------------------------------------------------------- */

static bool has_mappings(const struct oci_mount *mount)
{
	return mount->uid_mappings_len || mount->gid_mappings_len;
}

static int validate_mappings(const struct oci_mount *mount, struct error *err)
{
	if (!mount->uid_mappings_len || !mount->gid_mappings_len)
		return error_config(err, "%cidMappings is missing",
				    mount->uid_mappings_len ? 'g' : 'u');
	if (id_mappings_validate_ranges(mount->uid_mappings, mount->uid_mappings_len, err) < 0)
		return error_in(err, "uidMappings");
	if (id_mappings_validate_ranges(mount->gid_mappings, mount->gid_mappings_len, err) < 0)
		return error_in(err, "gidMappings");
	return 0;
}

static int need_user_namespace(struct error *err)
{
	error_config(err, "idmap without mappings needs a user namespace");
	return error_hint(err,
			  "give the mount uidMappings and gidMappings, or the container a user "
			  "namespace of its own");
}

int mount_idmap_validate(const struct oci_config *config, const struct oci_mount *mount,
			 const struct mount_options *options, struct error *err)
{
	const char *list = options->id_ranges;

	if (!has_mappings(mount) && !(options->extras & EXTRA_IDMAP))
		return 0;
	if (options->remount)
		return error_config(err, "the ids of a mount that is there can't be mapped anew");
	if (has_mappings(mount) && list)
		return error_config(err,
				    "there are mappings both in the option idmap and beside it");
	if (has_mappings(mount))
		return validate_mappings(mount, err);
	if (list && parse_list(NULL, list, NULL, err) < 0)
		return -err->code;
	if (list && strstr(list, "uids=") && strstr(list, "gids="))
		return 0;
	return namespace_has(config, "user") ? 0 : need_user_namespace(err);
}

static int copy_mappings(struct arena *arena, const struct oci_id_mapping *mappings, size_t count,
			 struct id_map *map, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct id_range range = {
			.inside = mappings[i].container_id,
			.outside = mappings[i].host_id,
			.count = mappings[i].size,
		};

		if (add_range(arena, map, &range, err) < 0)
			return -err->code;
	}
	return 0;
}

/* Finds out which mapping a mount is to have. */
static int plan_idmap(const struct container *container, const struct mount_plan *plan,
		      struct idmap *map, struct error *err)
{
	const struct oci_mount *mount = &container->config->mounts[plan->index];
	struct arena *arena = container->arena;

	if (copy_mappings(arena, mount->uid_mappings, mount->uid_mappings_len, &map->uids, err) <
		    0 ||
	    copy_mappings(arena, mount->gid_mappings, mount->gid_mappings_len, &map->gids, err) < 0)
		return -err->code;
	if (plan->options.id_ranges && parse_list(container, plan->options.id_ranges, map, err) < 0)
		return -err->code;
	if (!map->uids.ranges_len)
		map->uids = container->uid_map;
	if (!map->gids.ranges_len)
		map->gids = container->gid_map;
	return 0;
}

/* -- the user namespace ------------------------------------------------------------------------ */

__attribute__((noreturn)) static void stay_until_closed(int reader, int writer)
{
	char byte;

	close(writer);
	while (read(reader, &byte, 1) < 0 && errno == EINTR)
		continue;
	_exit(0);
}

static int open_user_namespace_of(int proc, pid_t pid, const struct idmap *map, struct error *err)
{
	char path[64];
	int fd;

	if (id_map_write(proc, &map->uids, pid, "uid_map", err) < 0)
		return error_in(err, "uidMappings");
	if (id_map_write(proc, &map->gids, pid, "gid_map", err) < 0)
		return error_in(err, "gidMappings");
	snprintf(path, sizeof(path), "%d/ns/user", pid);
	fd = procfs_follow(proc, path, O_RDONLY);
	return fd >= 0 ? fd : error_errno(err, -fd, "open /proc/%s", path);
}

static int make_user_namespace(int proc, const struct idmap *map, struct error *err)
{
	/* Without a signal at its end: it is nobody's business but this function's. */
	struct clone_args args = {.flags = CLONE_NEWUSER};
	autoclose int reader = -1, writer = -1;
	int ends[2], fd;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "make a pipe");
	reader = ends[0];
	writer = ends[1];
	pid = sys_clone3(&args);
	if (pid == 0)
		stay_until_closed(reader, writer);
	if (pid < 0) {
		error_errno(err, errno, "make a user namespace for the mapping");
		if (err->code == ENOSPC)
			error_hint(err,
				   "/proc/sys/user/max_user_namespaces says how many there may be");
		return -err->code;
	}
	fd = open_user_namespace_of(proc, pid, map, err);
	close_fd(&writer);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		continue;
	return fd;
}

static int joined_user_namespace(const struct container *container)
{
	for (const struct namespace_plan *plan = container->namespaces; plan->flag; plan++)
		if (plan->flag == CLONE_NEWUSER)
			return plan->fd;
	return -1;
}

static bool same_map(const struct id_map *one, const struct id_map *other)
{
	return one->ranges_len == other->ranges_len &&
	       memcmp(one->ranges, other->ranges, one->ranges_len * sizeof(one->ranges[0])) == 0;
}

/* Opens the user namespace of map in *last, unless the mount before had the same mapping. */
static int take_user_namespace(int proc, const struct idmap *map, struct idmap *last,
			       struct error *err)
{
	if (last->user_namespace >= 0 && same_map(&map->uids, &last->uids) &&
	    same_map(&map->gids, &last->gids))
		return 0;
	close_fd(&last->user_namespace);
	*last = *map;
	last->user_namespace = make_user_namespace(proc, map, err);
	return last->user_namespace < 0 ? last->user_namespace : 0;
}

/* -- the mount --------------------------------------------------------------------------------- */

/* Finds the type of the mount with this id in /proc/self/mountinfo; proc(5). */
static void find_type(int mountinfo, uint64_t id, char *type, size_t size)
{
	static struct lines lines LARGE;
	const char *line, *dash;

	lines_begin(&lines, mountinfo);
	while ((line = lines_next(&lines)) != NULL) {
		dash = strstr(line, " - ");
		if (!dash || strtoull(line, NULL, 10) != id)
			continue;
		snprintf(type, size, "%.*s", (int)strcspn(dash + 3, " "), dash + 3);
		return;
	}
}

/* Only for an error: what file system the source is on. */
static void name_file_system(const struct mount_plan *plan, char *type, size_t size)
{
	autoclose int mountinfo = -1;
	struct statx status;

	snprintf(type, size, "%s", plan->kind == MOUNT_BIND ? "this" : plan->type);
	if (plan->kind != MOUNT_BIND ||
	    sys_statx(AT_FDCWD, plan->source, 0, STATX_MNT_ID, &status) < 0)
		return;
	mountinfo = procfs_open(procfs_own(), "self/mountinfo", O_RDONLY);
	if (mountinfo >= 0)
		find_type(mountinfo, status.stx_mnt_id, type, size);
}

static int explain_refusal(const struct mount_plan *plan, int code, struct error *err)
{
	char type[64];

	name_file_system(plan, type, sizeof(type));
	error_errno(err, code, "map the ids of a %s file system", type);
	if (code == ENOSYS)
		return error_hint(err, "that takes Linux 5.12");
	if (code == EPERM)
		return error_hint(err,
				  "it takes CAP_SYS_ADMIN in the user namespace which the file "
				  "system belongs to, and a source that is not mapped yet");
	if (code != EINVAL)
		return -err->code;
	if (plan->options.extras & EXTRA_IDMAP_BELOW)
		return error_hint(err, "the kernel can't do it with this type, or that of a mount "
				       "below it");
	return error_hint(err, "the kernel can't do it with this type");
}

static int map_ids(const struct mount_plan *plan, int user_namespace, struct error *err)
{
	unsigned int depth = plan->options.extras & EXTRA_IDMAP_BELOW ? AT_RECURSIVE : 0;
	struct mount_attr change = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (uint64_t)user_namespace,
	};

	if (sys_mount_setattr(plan->fd, depth, &change) == 0)
		return 0;
	return explain_refusal(plan, errno, err);
}

static int open_mount(struct mount_plan *plan, struct error *err)
{
	if (plan->kind == MOUNT_BIND)
		return 0;
	if (plan->kind != MOUNT_FILE_SYSTEM)
		return error_config(err, "the ids of a %s can't be mapped", plan->type);
	if (plan->legacy_data)
		return error_config(err, "the ids of a mount with these options can't be mapped");
	plan->fd = mount_open_file_system(plan, plan->type, err);
	return plan->fd < 0 ? plan->fd : 0;
}

static int prepare_mount(const struct container *container, struct mount_plan *plan,
			 struct idmap *last, struct error *err)
{
	const struct oci_mount *mount = &container->config->mounts[plan->index];
	int joined = joined_user_namespace(container);
	struct idmap map = {.user_namespace = -1};

	if (!container->host_privileges)
		return explain_refusal(plan, EPERM, err);
	if (open_mount(plan, err) < 0)
		return -err->code;
	if (joined >= 0 && !has_mappings(mount) && !plan->options.id_ranges)
		return map_ids(plan, joined, err);
	if (plan_idmap(container, plan, &map, err) < 0)
		return -err->code;
	if (!map.uids.ranges_len || !map.gids.ranges_len)
		return need_user_namespace(err);
	if (take_user_namespace(container->proc_fd, &map, last, err) < 0)
		return -err->code;
	return map_ids(plan, last->user_namespace, err);
}

int mount_idmap_prepare(struct container *container, struct error *err)
{
	struct idmap last = {.user_namespace = -1};
	int r = 0;

	for (size_t i = 0; i < container->mounts_len && r == 0; i++) {
		struct mount_plan *plan = &container->mounts[i];

		/* A symbolic link is copied as it is. */
		if (!(plan->options.extras & EXTRA_IDMAP) || plan->kind == MOUNT_LINK)
			continue;
		r = prepare_mount(container, plan, &last, err);
		if (r < 0)
			r = mount_error_in(plan, err);
	}
	close_fd(&last.user_namespace);
	return r;
}
