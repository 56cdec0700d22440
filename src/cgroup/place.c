/*
 * Where a container's cgroup will be, in each hierarchy.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#cgroups-path
 *
 * An absolute linux.cgroupsPath counts from where each hierarchy is mounted.  A relative one, or
 * the container's id without one, counts from the caller's own cgroup: below it in version 1; in
 * version 2 beside it, because a cgroup that has processes cannot have controllers for cgroups
 * below it.
 *
 * Nothing is changed here, and what could do harm is refused here: once the place is in the state
 * record, other commands kill what is in it and remove it.
 */
#include "cgroup/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cgroup/controller.h"
#include "cgroup/hierarchies.h"
#include "cgroup/subtree.h"

/* "slice:prefix:name" is how a place in a systemd is written. */
static int refuse_systemd(const char *path, struct error *err)
{
	const char *colon = strchr(path, ':');

	if (!colon || path[0] == '/' || strchr(path, '/') || !strchr(colon + 1, ':'))
		return 0;
	error_config(err, "linux.cgroupsPath \"%s\": the cgroupfs manager takes a path", path);
	return error_hint(err, "this is a place in a systemd, for --systemd-cgroup; or have the "
			       "engine use the cgroupfs manager");
}

/* Copies path without empty and "." components, and with a "/" before each; "" is the root. */
static int clean_path(const char *path, struct arena *arena, const char **cleaned,
		      struct error *err)
{
	size_t size = strlen(path) + 2, used = 0;
	char *clean;

	if (size > PATH_MAX / 2)
		return error_config(err, "linux.cgroupsPath is too long");
	*cleaned = clean = arena_alloc(arena, size);
	if (!clean)
		return arena_full(arena, err);
	for (; *path; path += strcspn(path, "/")) {
		size_t length;

		path += strspn(path, "/");
		length = strcspn(path, "/");
		if (length == 2 && strncmp(path, "..", 2) == 0)
			return error_config(err, "linux.cgroupsPath: \"..\" could lead out of it");
		if (length == 0 || (length == 1 && *path == '.'))
			continue;
		if (length > NAME_MAX || memchr(path, '\n', length))
			return error_config(err,
					    "linux.cgroupsPath: no cgroup can have the name "
					    "\"%.*s\"",
					    (int)length, path);
		used += (size_t)snprintf(clean + used, size - used, "/%.*s", (int)length, path);
	}
	return 0;
}

/* How much of the caller's own path comes before the container's. */
static size_t own_part(const struct hierarchy *hierarchy, bool absolute, const char *path)
{
	const char *own = hierarchy->own ? hierarchy->own : "";
	const char *last = strrchr(own, '/');
	size_t length = strlen(own);

	if (absolute)
		length = 0;
	else if (hierarchy->v2 && last)
		length = (size_t)(last - own);
	return length + strlen(path) >= PATH_MAX ? 0 : length;
}

/* Whether below is path, or lies below it. */
static bool is_at_or_below(const char *below, const char *path)
{
	size_t length = strlen(path);

	return strncmp(below, path, length) == 0 && (below[length] == '/' || below[length] == '\0');
}

/* The container's end would be the caller's, or the machine's. */
static int refuse_own(const struct hierarchy *hierarchy, const char *path, struct error *err)
{
	if (path[0] == '\0')
		return error_config(err, "linux.cgroupsPath: the root cgroup cannot be a "
					 "container's");
	if (hierarchy->own && is_at_or_below(hierarchy->own, path)) {
		error_config(err, "linux.cgroupsPath: %s%s cannot be a container's cgroup",
			     hierarchy->mount, path);
		return error_hint(err,
				  "the process that starts it is in it, and would end with it");
	}
	return 0;
}

static bool may_write(const char *path)
{
	return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

/* What needs a buffer for a path and is seldom called stays a function by itself (noinline): the caller's part of
 * the stack would hold it, and its pages would be touched each time. */

/* In version 2 a process may be moved only by who may write to cgroup.procs of the cgroup that
 * both its old and its new place lie in. */
__attribute__((noinline)) static bool may_move(const struct hierarchy *hierarchy, const char *path)
{
	char procs[PATH_MAX];
	size_t common = 0;

	if (!hierarchy->own)
		return true;
	for (size_t i = 0;; i++) {
		bool end = path[i] == '/' || path[i] == '\0';
		bool own_end = hierarchy->own[i] == '/' || hierarchy->own[i] == '\0';

		if (end && own_end)
			common = i;
		if (path[i] != hierarchy->own[i] || path[i] == '\0')
			break;
	}
	if (snprintf(procs, sizeof(procs), "%s%.*s/cgroup.procs", hierarchy->mount, (int)common,
		     path) >= (int)sizeof(procs))
		return false;
	return may_write(procs);
}

/* Whether the directory can be made, or is there and can be used. */
__attribute__((noinline)) static bool may_make(const char *directory)
{
	static const char procs[] = "/cgroup.procs";
	size_t length = strlen(directory);
	char path[PATH_MAX], *slash;
	bool may;

	if (length + sizeof(procs) > sizeof(path))
		return false;
	memcpy(path, directory, length + 1);
	while (!(may = may_write(path)) && errno == ENOENT) {
		slash = strrchr(path, '/');
		if (!slash || slash == path)
			return false;
		*slash = '\0';
	}
	if (strlen(path) < length)
		return may;
	memcpy(path + length, procs, sizeof(procs));
	return may_write(path);
}

struct search {
	const struct cgroup_wish *wish;
	struct arena *arena;
	struct oci_record_cgroup *place;
	const char *path; /* clean */
	bool absolute;
};

static int add_directory(struct search *search, const struct hierarchy *hierarchy,
			 struct error *err)
{
	struct oci_record_cgroup *place = search->place;
	const char *directory, *path;

	directory = arena_printf(search->arena, "%s%.*s%s", hierarchy->mount,
				 (int)own_part(hierarchy, search->absolute, search->path),
				 hierarchy->own ? hierarchy->own : "", search->path);
	if (!directory)
		return arena_full(search->arena, err);
	path = directory + strlen(hierarchy->mount);
	if (refuse_own(hierarchy, path, err) < 0)
		return -err->code;
	if (strlen(directory) >= PATH_MAX - NAME_MAX)
		return error_config(err, "linux.cgroupsPath is too long");
	if (search->wish->optional &&
	    (!may_make(directory) || (hierarchy->v2 && !may_move(hierarchy, path))))
		return 0;
	if (hierarchy->v2)
		place->v2 = directory;
	else
		place->directories[place->directories_len++] = directory;
	/* For people one is enough: they are the same where they are absolute. */
	if (!place->path || hierarchy->v2)
		place->path = path;
	return 0;
}

/* A login session is in a cgroup that is root's, whatever the user's own systemd has. */
__attribute__((noinline)) static int explain_no_delegation(const struct hierarchy *v2,
							   const char *asked, struct error *err)
{
	char directory[PATH_MAX], list[SUBTREE_SIZE];

	snprintf(directory, sizeof(directory), "%s%s", v2->mount, v2->own);
	subtree_read(directory, "cgroup.controllers", list);
	error_config(err,
		     "linux.resources.%s: cgroup %s, with \"%s\" in cgroup.controllers, is not "
		     "delegated to uid %u",
		     asked, directory, list, (unsigned int)geteuid());
	return error_hint(err, "\"systemd-run --user --scope -p Delegate=yes\" runs a command in "
			       "one that is, with the controllers of \"Delegate=cpu cpuset io "
			       "memory pids\" in a drop-in of user@.service");
}

static int explain_none(const struct hierarchies *found, const char *asked, struct error *err)
{
	if (found->mode == CGROUP_NONE) {
		error_config(err, "linux.resources.%s: no cgroup hierarchy is mounted", asked);
		return error_hint(err, "mount cgroup2 at /sys/fs/cgroup");
	}
	if (found->mode == CGROUP_V2 && found->list[0].own)
		return explain_no_delegation(&found->list[0], asked, err);
	error_config(err, "linux.resources.%s: no cgroup is delegated to uid %u", asked,
		     (unsigned int)geteuid());
	return error_hint(err, "remove linux.resources, or give user@.service a drop-in with "
			       "Delegate=cpu cpuset io memory pids");
}

int place_disable(const struct cgroup_wish *wish, struct arena *arena,
		  struct oci_record_cgroup *place, struct error *err)
{
	const char *asked = limits_asked(wish->resources);

	*place = (struct oci_record_cgroup){.manager = arena_printf(arena, "disabled")};
	if (!place->manager)
		return arena_full(arena, err);
	if (!asked)
		return 0;
	error_config(err, "linux.resources.%s: the container gets no cgroup that could be limited",
		     asked);
	return error_hint(err, "the cgroup manager is \"disabled\"");
}

int place_refuse_delegation(struct error *err)
{
	return error_config(err,
			    "annotations[\"run.oci.delegate-cgroup\"]: only version 2 of cgroups "
			    "can be delegated");
}

static int find_leaf(const struct search *search, const struct hierarchies *found,
		     struct error *err)
{
	struct oci_record_cgroup *place = search->place;
	const char *name = search->wish->delegate;

	if (!name)
		return 0;
	if (!place->v2 || found->mode != CGROUP_V2)
		return place_refuse_delegation(err);
	place->leaf = arena_printf(search->arena, "%s/%s", place->v2, name);
	if (!place->leaf)
		return arena_full(search->arena, err);
	if (strlen(place->leaf) >= PATH_MAX - NAME_MAX)
		return error_config(err, "linux.cgroupsPath is too long");
	return 0;
}

static int settle(struct search *search, const struct hierarchies *found, struct error *err)
{
	const char *asked = limits_asked(search->wish->resources);

	if (search->place->v2 || search->place->directories_len)
		return limits_foresee(search->place, found, search->wish->resources, err);
	if (asked)
		return explain_none(found, asked, err);
	if (search->wish->optional)
		return place_disable(search->wish, search->arena, search->place, err);
	error_config(err, "no cgroup hierarchy is mounted");
	return error_hint(err, "mount cgroup2 at /sys/fs/cgroup, or do without cgroups: "
			       "--cgroup-manager disabled");
}

int place_find(const struct cgroup_wish *wish, struct arena *arena, struct oci_record_cgroup *place,
	       struct error *err)
{
	const char *path =
		wish->cgroups_path && wish->cgroups_path[0] ? wish->cgroups_path : wish->id;
	struct search search = {.wish = wish, .arena = arena, .place = place};
	struct hierarchies found;
	int r;

	search.absolute = path[0] == '/';
	if (refuse_systemd(path, err) < 0 || clean_path(path, arena, &search.path, err) < 0 ||
	    limits_check(wish->resources, err) < 0 || hierarchies_find(arena, &found, err) < 0)
		return -err->code;
	*place = (struct oci_record_cgroup){
		.manager = arena_printf(arena, "cgroupfs"),
		.directories = arena_array(arena, const char *, found.count + 1),
	};
	if (!place->manager || !place->directories)
		return arena_full(arena, err);
	for (size_t i = 0; i < found.count; i++) {
		r = add_directory(&search, &found.list[i], err);
		if (r < 0)
			return r;
	}
	r = find_leaf(&search, &found, err);
	return r < 0 ? r : settle(&search, &found, err);
}
