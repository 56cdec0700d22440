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
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/large.h"
#include "basic/lines.h"
#include "basic/procfs.h"

#define USUAL_MOUNT "/sys/fs/cgroup"

enum {
	LINES_SIZE = 64 * 1024, /* of /proc/self/cgroup */
	MOUNT_LINE_SIZE =
		32 * 1024, /* at least the two paths in it, all their bytes as octal numbers */
	ROOT_INODE = 1,	   /* of a hierarchy's root cgroup, as the kernel numbers them */
};

/* The inode of the cgroup namespace that the system started with: PROC_CGROUP_INIT_INO in the kernel. */
#define FIRST_NAMESPACE 0xeffffffbU

/* A line of mountinfo that is of a cgroup file system. */
struct mount_line {
	dev_t device;
	char *root;    /* what of the hierarchy is mounted */
	char *mount;   /* where */
	char *type;    /* "cgroup" or "cgroup2" */
	char *options; /* of the file system: "rw,cpu,cpuacct" */
};

/* Whether it is one of a cgroup file system; line is cut up. */
static bool parse_mount(char *line, struct mount_line *mount)
{
	char *tail = strstr(line, " - "), *fields[5], *rest;
	unsigned int major, minor;

	if (!tail || strncmp(tail, " - cgroup", strlen(" - cgroup")) != 0)
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
	procfs_unescape(mount->root);
	procfs_unescape(mount->mount);
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

/* A process's lines; "" where the kernel has no cgroups. */
static int read_lines(int proc, const char *path, char text[LINES_SIZE], struct error *err)
{
	ssize_t length = procfs_read(proc, path, text, LINES_SIZE);

	if (length >= 0 || length == -ENOENT)
		return 0;
	error_errno(err, (int)-length, "read /proc/%s", path);
	return procfs_hint(err);
}

/* Whether each hierarchy that the caller is in has been found, with the caller in it: no further mount would
 * change anything. */
static bool is_complete(const struct hierarchies *found, size_t lines)
{
	for (size_t i = 0; i < found->count; i++)
		if (!found->list[i].own)
			return false;
	return found->count == lines;
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static int read_mountinfo(int proc, const char *cgroups, struct arena *arena,
			  struct hierarchies *found, struct error *err)
{
	autoclose int fd = procfs_open(proc, "self/mountinfo", O_RDONLY);
	const size_t own = count_lines(cgroups);
	struct mount_line mount;
	static struct lines lines LARGE;
	char *line;

	if (fd < 0)
		return error_errno(err, -fd, "read /proc/self/mountinfo");
	lines_begin(&lines, fd);
	while (!is_complete(found, own) && (line = lines_next(&lines)) != NULL)
		if (parse_mount(line, &mount) && add_mount(arena, &mount, cgroups, found, err) < 0)
			return -err->code;
	if (lines.error)
		return error_errno(err, lines.error, "read /proc/self/mountinfo");
	put_in_order(found);
	return 0;
}

/* The process's line of version 2, whose number is 0: the kernel writes it last. */
static bool is_in_v2(const char *cgroups)
{
	return strncmp(cgroups, "0::/", 4) == 0 || strstr(cgroups, "\n0::/");
}

/*
 * Whether the whole of version 2 is mounted at the usual place.  Then that is what is meant for containers, and
 * one of version 1 that is mounted elsewhere is somebody's own, as the net_cls of some programs for private
 * networks.  So mountinfo is not read, which is as long as the host has mounts.  In a cgroup namespace other
 * than the first paths count from elsewhere.
 */
static bool is_usual(int proc, const char *cgroups)
{
	struct statfs filesystem;
	struct stat status;
	ino_t namespace;

	return is_in_v2(cgroups) && stat(USUAL_MOUNT, &status) == 0 &&
	       status.st_ino == ROOT_INODE && statfs(USUAL_MOUNT, &filesystem) == 0 &&
	       filesystem.f_type == CGROUP2_SUPER_MAGIC &&
	       procfs_namespace(proc, "self/ns/cgroup", &namespace) == 0 &&
	       namespace == FIRST_NAMESPACE;
}

int hierarchies_read(struct arena *arena, int proc, const char *cgroups, struct hierarchies *found,
		     struct error *err)
{
	char root[] = "/", usual[] = USUAL_MOUNT, type[] = "cgroup2", options[] = "";
	const struct mount_line mount = {
		.root = root, .mount = usual, .type = type, .options = options};
	static char own[LINES_SIZE] LARGE; /* not on the stack: see basic/lines.h */
	int r;

	*found = (struct hierarchies){0};
	if (read_lines(proc, cgroups, own, err) < 0)
		return -err->code;
	if (!is_usual(proc, own))
		return read_mountinfo(proc, own, arena, found, err);
	r = add_mount(arena, &mount, own, found, err);
	if (r == 0)
		put_in_order(found);
	return r;
}

int hierarchies_find(struct arena *arena, struct hierarchies *found, struct error *err)
{
	return hierarchies_read(arena, procfs_own(), "self/cgroup", found, err);
}

bool hierarchies_have(const struct hierarchies *found, const char *controller)
{
	for (size_t i = 0; i < found->count; i++)
		if (!found->list[i].v2 &&
		    has_word(found->list[i].controllers, controller, strlen(controller)))
			return true;
	return false;
}
