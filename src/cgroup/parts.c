/* Where a container's processes are in each hierarchy: for CRIU, which mounts the hierarchies itself. */
#include <string.h>

#include "basic/large.h"
#include "basic/procfs.h"
#include "cgroup/cgroup.h"
#include "cgroup/controller.h"
#include "cgroup/directory.h"
#include "cgroup/hierarchies.h"

const char *cgroup_freezer(const struct oci_record_cgroup *place)
{
	const char *v1 = place ? limits_v1_directory(place, "freezer.state") : NULL;
	bool v2 = place && place->v2 && setting_exists(place->v2, "cgroup.freeze");

	/* Where there are both, what is paused is so by one of them alone, and CRIU waits for it in vain by the other. */
	if (v1 && (!v2 || directory_frozen_v1(v1)))
		return v1;
	return v2 ? place->v2 : NULL;
}

/* The hierarchy that the directory lies in. */
static const struct hierarchy *find_hierarchy(const struct hierarchies *found,
					      const char *directory)
{
	for (size_t i = 0; i < found->count; i++) {
		size_t length = strlen(found->list[i].mount);

		if (strncmp(found->list[i].mount, directory, length) == 0 &&
		    directory[length] == '/')
			return &found->list[i];
	}
	return NULL;
}

/* A part for each controller of "cpu,cpuacct". */
static int add_parts(const struct hierarchy *hierarchy, const char *path, struct arena *arena,
		     struct cgroup_part *parts)
{
	const char *name = hierarchy->controllers;
	int count = 0;

	for (size_t length; *name; name += length + (name[length] == ',')) {
		length = strcspn(name, ",");
		parts[count].controller = arena_copy(arena, name, length);
		parts[count].path = path;
		if (!parts[count++].controller)
			return -1;
	}
	if (hierarchy->v2)
		parts[count++] = (struct cgroup_part){"", path};
	return count;
}

static bool has_part(const struct cgroup_part *parts, size_t count, const char *controller)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(parts[i].controller, controller) == 0)
			return true;
	return false;
}

/* A line of /proc/self/cgroup, "4:cpu,cpuacct:/a", as a hierarchy; false if it is none. */
static bool parse_line(char *line, struct hierarchy *hierarchy, const char **path)
{
	char *controllers = strchr(line, ':');
	char *end = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!end)
		return false;
	*end = '\0';
	*hierarchy = (struct hierarchy){
		.v2 = !controllers[1],
		.controllers = controllers + 1,
	};
	*path = end + 1;
	return true;
}

/* Where the caller is, for all that have no part yet: text is /proc/self/cgroup. */
static int add_callers(char *text, struct arena *arena, struct cgroup_part *parts, size_t *count)
{
	const size_t own = *count;
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct hierarchy hierarchy;
		const char *path;
		int more = 0;

		if (!parse_line(line, &hierarchy, &path))
			continue;
		more = add_parts(&hierarchy, path, arena, parts + *count);
		if (more < 0)
			return -1;
		if (!has_part(parts, own, parts[*count].controller))
			*count += (size_t)more;
	}
	return 0;
}

static size_t most_parts(const char *cgroups)
{
	size_t count = 1;

	/* Each line has at least one. */
	for (const char *c = cgroups; *c; c++)
		count += *c == '\n' || *c == ',';
	return 2 * count;
}

static int add_own(const struct oci_record_cgroup *place, struct arena *arena,
		   struct cgroup_part *parts, size_t *count, struct error *err)
{
	const char *v2 = place->leaf ? place->leaf : place->v2;
	struct hierarchies found = {.count = 0};

	if (hierarchies_find(arena, &found, err) < 0)
		return -err->code;
	for (size_t i = 0; i <= place->directories_len; i++) {
		const char *directory = i < place->directories_len ? place->directories[i] : v2;
		const struct hierarchy *hierarchy =
			directory ? find_hierarchy(&found, directory) : NULL;
		int more = hierarchy ? add_parts(hierarchy, directory + strlen(hierarchy->mount),
						 arena, parts + *count)
				     : 0;

		if (more < 0)
			return arena_full(arena, err);
		*count += (size_t)more;
	}
	return 0;
}

int cgroup_parts(const struct oci_record_cgroup *place, struct arena *arena,
		 struct cgroup_part **parts, size_t *count, struct error *err)
{
	static char text[16 * 1024] LARGE;
	ssize_t length = procfs_read(procfs_own(), "self/cgroup", text, sizeof(text));

	*count = 0;
	if (length < 0)
		return error_errno(err, (int)-length, "read /proc/self/cgroup");
	*parts = arena_array(arena, struct cgroup_part, most_parts(text));
	if (!*parts)
		return arena_full(arena, err);
	if (add_own(place, arena, *parts, count, err) < 0)
		return -err->code;
	return add_callers(text, arena, *parts, count) < 0 ? arena_full(arena, err) : 0;
}

int cgroup_directory(const struct oci_record_cgroup *place, const char *controllers,
		     struct arena *arena, const char **directory, struct error *err)
{
	struct hierarchies found = {.count = 0};

	*directory = controllers[0] ? NULL : place->leaf ? place->leaf : place->v2;
	if (!controllers[0])
		return 0;
	if (hierarchies_find(arena, &found, err) < 0)
		return -err->code;
	for (size_t i = 0; i < place->directories_len; i++) {
		const struct hierarchy *hierarchy = find_hierarchy(&found, place->directories[i]);

		if (hierarchy && strcmp(hierarchy->controllers, controllers) == 0)
			*directory = place->directories[i];
	}
	return 0;
}
