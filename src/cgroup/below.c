/*
 * The cgroups below a container's: where "exec --cgroup" puts a program, and where the container's first
 * process has gone.
 *
 *	cgroups(7), /proc/[pid]/cgroup
 *
 * What lies below is the container's to make and to name.  All that matters is that it does lie below: what
 * is above the container's cgroup, or beside it, has other limits and another end.
 */
#include "cgroup/below.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/procfs.h"
#include "cgroup/hierarchies.h"

enum { LINES_SIZE = 16 * 1024 };

/* -- of the caller's choice -------------------------------------------------------------------- */

struct descent {
	struct oci_record_cgroup *below;
	struct arena *arena;
	struct hierarchies hierarchies; /* read when it is needed */
	bool known;
};

static bool leads_out(const char *path)
{
	for (; path; path = strchr(path, '/')) {
		path += strspn(path, "/");
		if (strncmp(path, "..", 2) == 0 && (path[2] == '/' || path[2] == '\0'))
			return true;
	}
	return false;
}

/* Replaces *directory by the one at path below it. */
static int descend(const char **directory, const char *path, struct arena *arena, struct error *err)
{
	const char *deeper = arena_printf(arena, "%s/%s", *directory, path + strspn(path, "/"));

	if (!deeper)
		return arena_full(arena, err);
	if (access(deeper, F_OK) < 0) {
		error_config(err, "the container has no such cgroup: %s is not there", deeper);
		return error_hint(err, "it takes one that was made in the container before");
	}
	*directory = deeper;
	return 0;
}

static int descend_everywhere(struct descent *descent, const char *path, struct error *err)
{
	struct oci_record_cgroup *below = descent->below;

	for (size_t i = 0; i < below->directories_len; i++)
		if (descend(&below->directories[i], path, descent->arena, err) < 0)
			return -err->code;
	return below->v2 ? descend(&below->v2, path, descent->arena, err) : 0;
}

static bool has_word(const char *list, const char *word, size_t length)
{
	for (; *list; list += strcspn(list, ","), list += *list == ',')
		if (strcspn(list, ",") == length && strncmp(list, word, length) == 0)
			return true;
	return false;
}

/* Whether directory is in the v1 hierarchy that has the controller. */
static bool has_controller(const struct descent *descent, const char *directory,
			   const char *controller, size_t length)
{
	for (size_t i = 0; i < descent->hierarchies.count; i++) {
		const struct hierarchy *hierarchy = &descent->hierarchies.list[i];
		size_t mount = strlen(hierarchy->mount);

		if (!hierarchy->v2 && has_word(hierarchy->controllers, controller, length) &&
		    strncmp(directory, hierarchy->mount, mount) == 0 && directory[mount] == '/')
			return true;
	}
	return false;
}

static int find_directory(const struct descent *descent, const char *controller, size_t length,
			  struct error *err)
{
	for (size_t i = 0; i < descent->below->directories_len; i++)
		if (has_controller(descent, descent->below->directories[i], controller, length))
			return (int)i;
	error_config(err, "the container has no v1 cgroup with the controller \"%.*s\"",
		     (int)length, controller);
	return error_hint(err, "in version 2 all controllers are in one: give the path alone");
}

/* Controllers that are mounted together have one directory. */
static int descend_for(struct descent *descent, const char *controllers, const char *path,
		       struct error *err)
{
	uint64_t done = 0;

	for (const char *next = controllers; next < path; next += strcspn(next, ",:") + 1) {
		int index = find_directory(descent, next, strcspn(next, ",:"), err);

		if (index < 0)
			return index;
		if (index < MOST_HIERARCHIES && (done & UINT64_C(1) << index))
			continue;
		done |= UINT64_C(1) << index;
		if (descend(&descent->below->directories[index], path, descent->arena, err) < 0)
			return -err->code;
	}
	return 0;
}

static int follow(struct descent *descent, const char *choice, struct error *err)
{
	const char *colon = strchr(choice, ':');
	const char *path = colon ? colon + 1 : choice;

	if (!path[strspn(path, "/")])
		return error_config(err, "it names no cgroup below the container's");
	if (strlen(path) >= NAME_MAX)
		return error_config(err, "it is too long");
	if (leads_out(path))
		return error_config(err, "\"..\" would lead out of the container's cgroup");
	if (!colon)
		return descend_everywhere(descent, path, err);
	if (!descent->known && hierarchies_find(descent->arena, &descent->hierarchies, err) < 0)
		return -err->code;
	descent->known = true;
	return descend_for(descent, choice, path, err);
}

int cgroup_below(const struct oci_record_cgroup *place, const struct text_list *chosen,
		 struct arena *arena, struct oci_record_cgroup *below, struct error *err)
{
	struct descent descent = {.below = below, .arena = arena};
	const char **directories = arena_array(arena, const char *, place->directories_len + 1);

	if (!directories)
		return arena_full(arena, err);
	for (size_t i = 0; i < place->directories_len; i++)
		directories[i] = place->directories[i];
	*below = *place;
	below->directories = directories;
	if (chosen->count && !place->v2 && place->directories_len == 0)
		return error_config(err, "--cgroup: the container has no cgroup of its own");
	/* What it sees as the root is meant. */
	if (chosen->count && place->leaf) {
		below->v2 = place->leaf;
		below->leaf = NULL;
	}
	for (size_t i = 0; i < chosen->count; i++)
		if (follow(&descent, chosen->items[i], err) < 0)
			return error_in(err, "--cgroup %s", chosen->items[i]);
	return 0;
}

/* -- of a process ------------------------------------------------------------------------------ */

/* What of the path in the v2 line of /proc/PID/cgroup ("0::/a/b") lies below the cgroup at place, ended by
 * the line's end; NULL if it is somewhere else. */
static char *part_below(char *lines, const char *place)
{
	size_t length = strlen(place);
	char *line = strncmp(lines, "0::", 3) == 0 ? lines : strstr(lines, "\n0::");
	char *path;

	if (!line)
		return NULL;
	path = strchr(line, '/');
	if (!path)
		return NULL;
	path[strcspn(path, "\n")] = '\0';
	if (strncmp(path, place, length) != 0 || path[length] != '/' || leads_out(path))
		return NULL;
	return path + length;
}

int cgroup_clone_fd_of(const struct oci_record_cgroup *place, pid_t pid)
{
	char file[32], lines[LINES_SIZE], directory[PATH_MAX];
	const char *part;

	snprintf(file, sizeof(file), "%d/cgroup", pid);
	if (!place->v2 || !place->path ||
	    procfs_read(procfs_own(), file, lines, sizeof(lines)) <= 0)
		return -1;
	part = part_below(lines, place->path);
	if (!part || snprintf(directory, sizeof(directory), "%s%s", place->v2, part) >=
			     (int)sizeof(directory))
		return -1;
	return openat(AT_FDCWD, directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}
