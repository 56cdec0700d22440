/*
 * Where the cgroups of a scope are: see systemd.h.
 *
 * systemd decides that.  What is relied on is where the helper finds itself once it is in the scope, in
 * each hierarchy, as its /proc/PID/cgroup tells: names are escaped by rules of systemd's, and its own cgroup
 * is not the root where it runs in a container.
 *
 * In version 1 systemd has a hierarchy of its own, name=systemd, and uses some of the others.  The same path
 * is taken in all, and made where systemd does not.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "cgroup/systemd.h"
#include "systemd/unit-name.h"

#define SYSTEMD_HIERARCHY "name=systemd"

static const char *own_path(const struct hierarchies *found, bool v2)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct hierarchy *one = &found->list[i];

		if (one->v2 == v2 && (v2 || strcmp(one->controllers, SYSTEMD_HIERARCHY) == 0))
			return one->own;
	}
	return NULL;
}

/* The hierarchy in which systemd keeps its units. */
static const char *systemd_path(const struct hierarchies *found)
{
	const char *path = own_path(found, found->mode == CGROUP_V2);

	return !path && found->mode == CGROUP_HYBRID ? own_path(found, true) : path;
}

/* In all hierarchies, or in those in which the process is there already. */
static int set_directories(const struct hierarchies *found, const char *path, struct arena *arena,
			   struct oci_record_cgroup *place, struct error *err)
{
	bool all = place->path != NULL;

	place->directories = arena_array(arena, const char *, found->count + 1);
	place->directories_len = 0;
	place->path = arena_copy(arena, path, strlen(path));
	if (!place->directories || !place->path)
		return arena_full(arena, err);
	for (size_t i = 0; i < found->count; i++) {
		const struct hierarchy *one = &found->list[i];
		const char *directory;

		/* A user's systemd may not make any in the others. */
		if (!all && (!one->own || strcmp(one->own, path) != 0))
			continue;
		directory = arena_printf(arena, "%s%s", one->mount, path);
		if (!directory)
			return arena_full(arena, err);
		if (strlen(directory) >= PATH_MAX - NAME_MAX)
			return error_config(err, "the cgroup's path is too long: %s", directory);
		if (one->v2)
			place->v2 = directory;
		else
			place->directories[place->directories_len++] = directory;
	}
	return 0;
}

int scope_predict(const struct hierarchies *manager, struct arena *arena,
		  struct oci_record_cgroup *place, struct error *err)
{
	static const char init[] = "/init.scope";
	const char *own = systemd_path(manager), *slices, *path;
	size_t length;

	if (manager->mode == CGROUP_V2 || !own)
		return 0;
	length = strlen(own);
	if (length >= strlen(init) && strcmp(own + length - strlen(init), init) == 0)
		length -= strlen(init);
	slices = unit_slice_path(place->systemd->slice, arena);
	path = slices ? arena_printf(arena, "%.*s%s/%s", (int)length, own, slices,
				     place->systemd->unit)
		      : NULL;
	if (!path)
		return arena_full(arena, err);
	place->path = path;
	if (set_directories(manager, path, arena, place, err) < 0)
		return -err->code;
	place->v2 = NULL;
	return 0;
}

/* Whether the path ends in the unit's name, before which systemd may put a "_". */
static bool is_scope(const char *path, const char *unit)
{
	const char *last = strrchr(path, '/');

	if (!last)
		return false;
	return strcmp(last + 1, unit) == 0 || (last[1] == '_' && strcmp(last + 2, unit) == 0);
}

int scope_locate(const struct hierarchies *process, struct arena *arena,
		 struct oci_record_cgroup *place, struct error *err)
{
	const char *path = systemd_path(process);

	if (!path) {
		error_config(err, "the cgroup of %s cannot be seen from here",
			     place->systemd->unit);
		return error_hint(err, "this is another cgroup namespace than systemd's");
	}
	if (!is_scope(path, place->systemd->unit))
		return error_config(err, "systemd made %s, but its process is in %s",
				    place->systemd->unit, path);
	if (place->path && strcmp(path, place->path) != 0)
		return error_config(err, "systemd put %s in %s, and not in %s",
				    place->systemd->unit, path, place->path);
	return set_directories(process, path, arena, place, err);
}
