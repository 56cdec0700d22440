/*
 * linux.uidMappings and linux.gidMappings: who the container's users are outside of it.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#user-namespace-mappings
 *	user_namespaces(7), newuidmap(1), subuid(5)
 *
 * With CAP_SETUID over the parent namespace the runtime writes the maps itself.  A plain user may write a
 * map of one range, his own id, and only after giving up setgroups(2); any other map is written for him
 * by newuidmap and newgidmap, which look up what he was given in /etc/subuid and /etc/subgid.  Both run
 * at the same time.
 *
 * A new user namespace without maps gets them from there too: root inside is the user himself, and the
 * ids from 1 are his subordinate ones.
 */
#include "linux/id-mappings.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/log.h"
#include "basic/procfs.h"
#include "linux/section.h"
#include "linux/subordinate-ids.h"

#define NEWUIDMAP "/usr/bin/newuidmap"
#define NEWGIDMAP "/usr/bin/newgidmap"

enum {
	MOST_MAP_BYTES = 4095,
	RANGE_TEXT = 3 * 11 + 1 /* three 32-bit numbers and what parts them */
};

static bool meet(uint64_t one, uint64_t other, uint64_t size_of_one, uint64_t size_of_other)
{
	return one < other + size_of_other && other < one + size_of_one;
}

/* On either side. */
static bool overlap(const struct oci_id_mapping *one, const struct oci_id_mapping *other)
{
	return meet(one->container_id, other->container_id, one->size, other->size) ||
	       meet(one->host_id, other->host_id, one->size, other->size);
}

/* The kernel takes a map only as one write of less than a page. */
static int validate_length(const struct oci_id_mapping *maps, size_t count, struct error *err)
{
	int length = 0;

	for (size_t i = 0; i < count; i++)
		length += snprintf(NULL, 0, "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n",
				   maps[i].container_id, maps[i].host_id, maps[i].size);
	if (length <= MOST_MAP_BYTES)
		return 0;
	error_config(err, "%zu ranges take %d bytes to write, but the kernel takes %d", count,
		     length, MOST_MAP_BYTES);
	return error_hint(err, "use fewer ranges, or smaller ids");
}

int id_mappings_validate_ranges(const struct oci_id_mapping *maps, size_t count, struct error *err)
{
	if (count > MOST_ID_RANGES)
		return error_config(err, "%zu ranges, but the kernel takes %d", count,
				    MOST_ID_RANGES);
	for (size_t i = 0; i < count; i++) {
		uint64_t inside = (uint64_t)maps[i].container_id + maps[i].size;
		uint64_t outside = (uint64_t)maps[i].host_id + maps[i].size;

		if (maps[i].size == 0)
			return error_config(err, "size of range %zu is 0", i);
		if (inside > UINT32_MAX || outside > UINT32_MAX)
			return error_config(err, "range %zu goes beyond the last id, 4294967294",
					    i);
		for (size_t j = 0; j < i; j++)
			if (overlap(&maps[i], &maps[j]))
				return error_config(err, "ranges %zu and %zu overlap", j, i);
	}
	return validate_length(maps, count, err);
}

static int id_mappings_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_linux *properties = config->linux;

	if (!properties)
		return 0;
	if (id_mappings_validate_ranges(properties->uid_mappings, properties->uid_mappings_len,
					err) < 0)
		return error_in(err, "linux.uidMappings");
	if (id_mappings_validate_ranges(properties->gid_mappings, properties->gid_mappings_len,
					err) < 0)
		return error_in(err, "linux.gidMappings");
	if (!properties->uid_mappings_len != !properties->gid_mappings_len) {
		error_config(err, "linux.%cidMappings is missing",
			     properties->uid_mappings_len ? 'g' : 'u');
		return error_hint(err, "give both, or none to have them made from /etc/subuid and "
				       "/etc/subgid");
	}
	return 0;
}

static int copy_ranges(struct arena *arena, const struct oci_id_mapping *maps, size_t count,
		       struct id_map *map, struct error *err)
{
	map->ranges = arena_array(arena, struct id_range, count);
	if (!map->ranges)
		return arena_full(arena, err);
	for (size_t i = 0; i < count; i++)
		map->ranges[map->ranges_len++] = (struct id_range){
			.inside = maps[i].container_id,
			.outside = maps[i].host_id,
			.count = maps[i].size,
		};
	return 0;
}

/* Root inside is the caller; what subordinate ids there are follow from 1, if there is a tool that may
 * map them. */
static int make_ranges(struct arena *arena, const char *file, uint32_t own, struct id_map *map,
		       struct error *err)
{
	uint32_t next = 1;
	int r;

	r = subordinate_ids(arena, file, map, err);
	if (r < 0)
		return r;
	if (access(NEWUIDMAP, X_OK) < 0) {
		log_debug("no " NEWUIDMAP ": only one's own id is mapped");
		map->ranges_len = 1;
	}
	map->ranges[0] = (struct id_range){.inside = 0, .outside = own, .count = 1};
	for (size_t i = 1; i < map->ranges_len; i++) {
		if (map->ranges[i].count > UINT32_MAX - next) {
			map->ranges_len = i;
			break;
		}
		map->ranges[i].inside = next;
		next += map->ranges[i].count;
	}
	return 0;
}

static int make_maps(struct container *container, struct error *err)
{
	int r;

	if (container->host_privileges) {
		error_config(err, "linux.uidMappings is missing");
		return error_hint(err, "a new user namespace needs linux.uidMappings and "
				       "linux.gidMappings");
	}
	r = make_ranges(container->arena, "/etc/subuid", container->uid, &container->uid_map, err);
	if (r == 0)
		r = make_ranges(container->arena, "/etc/subgid", container->gid,
				&container->gid_map, err);
	return r;
}

static bool is_own_id_alone(const struct id_map *map, uint32_t own)
{
	return map->ranges_len == 1 && map->ranges[0].count == 1 && map->ranges[0].outside == own;
}

static int id_mappings_prepare(struct container *container, struct error *err)
{
	const struct oci_linux *properties = container->config->linux;
	int r;

	if (!(container->new_namespaces & CLONE_NEWUSER)) {
		/* A joined one has its map already; a config's is what engines know of it. */
		if (!(container->joined_namespaces & CLONE_NEWUSER) || !properties ||
		    properties->uid_mappings_len == 0)
			return 0;
	}
	if (!properties || properties->uid_mappings_len == 0)
		r = make_maps(container, err);
	else
		r = copy_ranges(container->arena, properties->uid_mappings,
				properties->uid_mappings_len, &container->uid_map, err);
	if (r == 0 && container->gid_map.ranges_len == 0)
		r = copy_ranges(container->arena, properties->gid_mappings,
				properties->gid_mappings_len, &container->gid_map, err);
	if (r < 0)
		return r;
	container->deny_setgroups =
		!container->host_privileges && is_own_id_alone(&container->gid_map, container->gid);
	return 0;
}

bool id_map_lookup(const struct container *container, const struct id_map *map, uint32_t id,
		   uint32_t *outside)
{
	(void)container;
	*outside = id;
	if (map->ranges_len == 0)
		return true;
	for (size_t i = 0; i < map->ranges_len; i++) {
		const struct id_range *range = &map->ranges[i];

		if (id < range->inside || id - range->inside >= range->count)
			continue;
		*outside = range->outside + (id - range->inside);
		return true;
	}
	return false;
}

/* -- writing them ------------------------------------------------------------------------------ */

/* One of the two maps, and what is needed to write it. */
struct map_file {
	const char *file; /* below /proc/PID */
	const char *tool;
	const char *property; /* its place in config.json */
	const struct id_map *map;
};

int id_map_write(int proc, const struct id_map *map, pid_t pid, const char *file, struct error *err)
{
	autofree char *text = malloc(map->ranges_len * RANGE_TEXT + 1);
	char path[64];
	size_t used = 0;
	int r;

	if (!text)
		return error_errno(err, ENOMEM, "write %s", file);
	for (size_t i = 0; i < map->ranges_len; i++) {
		const struct id_range *range = &map->ranges[i];

		used += (size_t)snprintf(text + used, RANGE_TEXT + 1,
					 "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n", range->inside,
					 range->outside, range->count);
	}
	snprintf(path, sizeof(path), "%d/%s", pid, file);
	r = procfs_write(proc, path, text);
	if (r == 0)
		return 0;
	error_errno(err, -r, "write /proc/%s", path);
	if (r == -EPERM)
		error_hint(err, "the ids on the host must be ones that the runtime itself has");
	return r;
}

static int write_directly(int proc, const struct map_file *what, pid_t pid, struct error *err)
{
	int r = id_map_write(proc, what->map, pid, what->file, err);

	return r < 0 ? error_in(err, "%s", what->property) : 0;
}

/* Starts the tool for the map, with a pipe for what it has to say. */
static int start_tool(const struct map_file *what, pid_t pid, pid_t *tool, int *output,
		      struct error *err)
{
	size_t count = what->map->ranges_len, next = 0;
	autofree char *numbers = malloc((3 * count + 1) * 12);
	autofree char **args = calloc(3 * count + 3, sizeof(*args));
	static char *const environment[] = {(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	autoclose int writer = -1;
	int ends[2];

	if (!numbers || !args || pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, ENOMEM, "start %s", what->tool);
	*output = ends[0];
	writer = ends[1];
	args[next++] = (char *)(uintptr_t)what->tool;
	for (size_t i = 0; i < 1 + 3 * count; i++) {
		const struct id_range *range = &what->map->ranges[i ? (i - 1) / 3 : 0];
		const uint32_t values[] = {range->inside, range->outside, range->count};

		snprintf(numbers + i * 12, 12, "%" PRIu32, i ? values[(i - 1) % 3] : (uint32_t)pid);
		args[next++] = numbers + i * 12;
	}
	*tool = fork();
	if (*tool < 0)
		return error_errno(err, errno, "start %s", what->tool);
	if (*tool > 0)
		return 0;
	dup2(writer, STDOUT_FILENO);
	dup2(writer, STDERR_FILENO);
	execve(what->tool, args, environment);
	_exit(127);
}

/* Reads what the tool said, its first line, and waits for its end. */
static int finish_tool(const struct map_file *what, pid_t tool, int output, struct error *err)
{
	char said[256];
	ssize_t length = read(output, said, sizeof(said) - 1);
	int status = 0;

	said[length > 0 ? length : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
	while (waitpid(tool, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	error_config(err, "%s: %s failed%s%s", what->property, what->tool, said[0] ? ": " : "",
		     said);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return error_hint(err,
				  "more than one's own id takes newuidmap and newgidmap: install "
				  "the package uidmap");
	return error_hint(err,
			  "the ranges must lie within what /etc/subuid and /etc/subgid give you");
}

static int run_tools(const struct map_file files[2], pid_t pid, struct error *err)
{
	autoclose int first = -1, second = -1;
	pid_t tools[2] = {-1, -1};
	int r;

	r = start_tool(&files[0], pid, &tools[0], &first, err);
	if (r == 0)
		r = start_tool(&files[1], pid, &tools[1], &second, err);
	if (r < 0) {
		/* Its pipe is closed with this function; it ends by itself. */
		if (tools[0] > 0)
			waitpid(tools[0], NULL, 0);
		return r;
	}
	r = finish_tool(&files[0], tools[0], first, err);
	if (r < 0) {
		struct error unheard = {0};

		(void)finish_tool(&files[1], tools[1], second, &unheard);
		return r;
	}
	return finish_tool(&files[1], tools[1], second, err);
}

static int deny_setgroups(int proc, pid_t pid, struct error *err)
{
	char path[64];
	int r;

	snprintf(path, sizeof(path), "%d/setgroups", pid);
	r = procfs_write(proc, path, "deny");
	return r < 0 ? error_errno(err, -r, "write /proc/%s", path) : 0;
}

int id_mappings_write(const struct container *container, pid_t pid, struct error *err)
{
	const struct map_file files[] = {
		{"uid_map", NEWUIDMAP, "linux.uidMappings", &container->uid_map},
		{"gid_map", NEWGIDMAP, "linux.gidMappings", &container->gid_map},
	};
	bool alone = is_own_id_alone(&container->uid_map, container->uid) &&
		     is_own_id_alone(&container->gid_map, container->gid);
	int r = 0;

	if (!container->host_privileges && !alone)
		return run_tools(files, pid, err);
	if (container->deny_setgroups)
		r = deny_setgroups(container->proc_fd, pid, err);
	for (size_t i = 0; i < 2 && r == 0; i++)
		r = write_directly(container->proc_fd, &files[i], pid, err);
	return r;
}

/* 0 where the map has it, or else the first id that it has. */
static uint32_t first_inside(const struct id_map *map)
{
	for (size_t i = 0; i < map->ranges_len; i++)
		if (map->ranges[i].inside == 0)
			return 0;
	return map->ranges_len ? map->ranges[0].inside : 0;
}

int id_mappings_become(const struct container *container, struct error *err)
{
	uint32_t uid = first_inside(&container->uid_map);
	uint32_t gid = first_inside(&container->gid_map);

	if (!container->deny_setgroups && setgroups(0, NULL) < 0 && errno != EPERM)
		return error_errno(err, errno, "drop the supplementary groups");
	if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return error_errno(err, errno,
				   "become user %" PRIu32 ":%" PRIu32 " of the user namespace", uid,
				   gid);
	return 0;
}

const struct section section_id_mappings = {
	.path = "linux.uidMappings",
	.validate = id_mappings_validate,
	.prepare = id_mappings_prepare,
};
