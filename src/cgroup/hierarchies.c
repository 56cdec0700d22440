/*
 * Which cgroup hierarchies are mounted: see hierarchies.h.
 *
 *	cgroups(7), proc_pid_mountinfo(5), proc_pid_cgroup(5)
 *
 * It comes once per command, when a container's cgroup gets its place; later commands go by the
 * place that the state record holds.
 */
#include "cgroup/hierarchies.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/cleanup.h"
#include "basic/file.h"

/* A line of mountinfo that is of a cgroup file system. */
struct mount_line {
	dev_t device;
	char *root;    /* what of the hierarchy is mounted */
	char *mount;   /* where */
	char *type;    /* "cgroup" or "cgroup2" */
	char *options; /* of the file system: "rw,cpu,cpuacct" */
};

/* In mountinfo a space, tab, newline or backslash in a path stands as an octal number: "\040". */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		unsigned int byte;

		if (text[0] == '\\' && sscanf(text + 1, "%3o", &byte) == 1) {
			*to++ = (char)byte;
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* Whether it is one of a cgroup file system; line is cut up. */
static bool parse_mount(char *line, struct mount_line *mount)
{
	char *tail = strstr(line, " - cgroup"), *fields[5], *rest;
	unsigned int major, minor;

	if (!tail)
		return false;
	*tail = '\0';
	mount->type = strtok_r(tail + strlen(" - "), " ", &rest);
	strtok_r(NULL, " ", &rest); /* the source */
	mount->options = strtok_r(NULL, " \n", &rest);
	fields[0] = strtok_r(line, " ", &rest);
	for (int i = 1; i < 5; i++)
		fields[i] = strtok_r(NULL, " ", &rest);
	if (!mount->options || !fields[4] || sscanf(fields[2], "%u:%u", &major, &minor) != 2)
		return false;
	mount->device = makedev(major, minor);
	mount->root = fields[3];
	mount->mount = fields[4];
	unescape(mount->root);
	unescape(mount->mount);
	return strcmp(mount->type, "cgroup") == 0 || strcmp(mount->type, "cgroup2") == 0;
}

static bool has_word(const char *list, const char *word, size_t length)
{
	for (;; list++) {
		if (strncmp(list, word, length) == 0 &&
		    (list[length] == ',' || list[length] == '\0'))
			return true;
		list = strchr(list, ',');
		if (!list)
			return false;
	}
}

/* Points *controllers and *path at the caller's line for this hierarchy: "4:memory:/a/b"; every
 * line ends in a newline.  Co-mounted controllers stand in one line. */
static bool find_own(const char *cgroups, const struct mount_line *mount, const char **controllers,
		     const char **path)
{
	bool v2 = strcmp(mount->type, "cgroup2") == 0;

	for (const char *line = cgroups; line && *line; line = strchr(line, '\n') + 1) {
		const char *first = strchr(line, ':');

		if (!first || !strchr(line, '\n'))
			return false;
		*controllers = ++first;
		*path = strchr(first, ':');
		if (!*path)
			return false;
		(*path)++;
		if (v2 && *first == ':')
			return true;
		if (!v2 && *first != ':' && has_word(mount->options, first, strcspn(first, ",:")))
			return true;
	}
	return false;
}

/* The part of the caller's path that lies below what is mounted, or NULL. */
static const char *below_root(const char *root, const char *path)
{
	size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);

	/* "/../x": in a cgroup namespace, of which the caller is not inside. */
	if (strncmp(path, "/..", 3) == 0 && (path[3] == '/' || path[3] == '\n'))
		return NULL;
	if (strncmp(path, root, length) != 0 || (path[length] != '/' && path[length] != '\n'))
		return NULL;
	path += length;
	return path[0] == '/' && path[1] == '\n' ? path + 1 : path;
}

static struct hierarchy *find_same(struct hierarchies *found, const char *controllers,
				   size_t length)
{
	for (size_t i = 0; i < found->count; i++)
		if (strlen(found->list[i].controllers) == length &&
		    strncmp(found->list[i].controllers, controllers, length) == 0)
			return &found->list[i];
	return NULL;
}

/* A mount that another one covers is not what its path leads to.  No mount has the device 0:0: that
 * is for tests. */
static bool reachable(const struct mount_line *mount)
{
	struct stat status;

	return mount->device == 0 ||
	       (stat(mount->mount, &status) == 0 && status.st_dev == mount->device);
}

static int add_mount(struct arena *arena, const struct mount_line *mount, const char *cgroups,
		     struct hierarchies *found, struct error *err)
{
	const char *controllers, *path, *own;
	struct hierarchy *same;
	size_t length;

	if (!reachable(mount) || !find_own(cgroups, mount, &controllers, &path))
		return 0;
	length = strcspn(controllers, ":");
	own = below_root(mount->root, path);
	same = find_same(found, controllers, length);
	/* Mounted twice: the one counts in which the caller can see itself. */
	if (same && (same->own || !own))
		return 0;
	if (!same && found->count == MOST_HIERARCHIES)
		return error_errno(err, E2BIG, "find the cgroup hierarchies");
	if (!same)
		same = &found->list[found->count++];
	same->v2 = length == 0;
	same->controllers = arena_copy(arena, controllers, length);
	same->mount = arena_copy(arena, mount->mount, strlen(mount->mount));
	same->own = own ? arena_copy(arena, own, strcspn(own, "\n")) : NULL;
	if (!same->controllers || !same->mount || (own && !same->own))
		return arena_full(arena, err);
	return 0;
}

static void swap(struct hierarchy *a, struct hierarchy *b)
{
	struct hierarchy kept = *a;

	*a = *b;
	*b = kept;
}

/* Later commands look first where they find most often: whether the freezer holds it. */
static void put_in_order(struct hierarchies *found)
{
	struct hierarchy *last = &found->list[found->count];
	bool v2 = false;

	for (size_t i = 0; i < found->count; i++)
		if (has_word(found->list[i].controllers, "freezer", strlen("freezer")))
			swap(&found->list[0], &found->list[i]);
	for (size_t i = 0; i < found->count; i++) {
		if (!found->list[i].v2 || v2)
			continue;
		swap(&found->list[i], last - 1);
		v2 = true;
	}
	if (found->count == 0)
		found->mode = CGROUP_NONE;
	else if (!v2)
		found->mode = CGROUP_V1;
	else
		found->mode = found->count == 1 ? CGROUP_V2 : CGROUP_HYBRID;
}

/* The caller's lines, in the arena; *text is "" where the kernel has no cgroups. */
static int read_lines(struct arena *arena, const char *path, char **text, struct error *err)
{
	enum { SIZE = 64 * 1024 };
	ssize_t length;

	*text = arena_alloc_apart(arena, SIZE);
	if (!*text)
		return arena_full(arena, err);
	length = file_read_small(AT_FDCWD, path, *text, SIZE);
	if (length < 0 && length != -ENOENT)
		return error_errno(err, (int)-length, "read %s", path);
	return 0;
}

int hierarchies_read(struct arena *arena, const char *mountinfo, const char *cgroups,
		     struct hierarchies *found, struct error *err)
{
	struct mount_line mount;
	autofree char *line = NULL;
	size_t size = 0;
	char *own;
	FILE *file;
	int r;

	*found = (struct hierarchies){0};
	r = read_lines(arena, cgroups, &own, err);
	if (r < 0)
		return r;
	file = fopen(mountinfo, "re");
	if (!file)
		return error_errno(err, errno, "read %s", mountinfo);
	while (r == 0 && getline(&line, &size, file) > 0)
		if (parse_mount(line, &mount))
			r = add_mount(arena, &mount, own, found, err);
	fclose(file);
	if (r == 0)
		put_in_order(found);
	return r;
}

int hierarchies_find(struct arena *arena, struct hierarchies *found, struct error *err)
{
	return hierarchies_read(arena, "/proc/self/mountinfo", "/proc/self/cgroup", found, err);
}

bool hierarchies_have(const struct hierarchies *found, const char *controller)
{
	for (size_t i = 0; i < found->count; i++)
		if (!found->list[i].v2 &&
		    has_word(found->list[i].controllers, controller, strlen(controller)))
			return true;
	return false;
}
