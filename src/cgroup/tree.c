/*
 * Walks over a cgroup's directory with all below it: see tree.h.
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#core-interface-files, cgroups(7)
 *
 * Used when a container ends, and before its cgroup is taken, to see that it is nobody's.
 */
#include "cgroup/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/syscalls.h"

enum {
	MOST_DEPTH = 256, /* of a walk, which keeps a descriptor for each level */
	KILL_BATCH = 256, /* processes of one directory that are killed in one go */
};

/* In a cgroup file system the link count tells how many directories are below. */
static bool has_children(int dir)
{
	struct stat status;

	return fstat(dir, &status) < 0 || status.st_nlink != 2;
}

static DIR *open_listing(int dir)
{
	autoclose int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);

	if (listing)
		take_fd(&fd);
	return listing;
}

/* The next directory in the listing, or NULL. */
static const char *next_child(DIR *listing)
{
	const struct dirent *entry;

	while ((entry = readdir(listing)) != NULL)
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			return entry->d_name;
	return NULL;
}

/* -- visiting --------------------------------------------------------------------------------- */

struct walk {
	tree_visitor *visit;
	void *context;
	int depth;
};

static int visit_from(int above, const char *name, struct walk *walk, struct error *err);

static int visit_children(int dir, struct walk *walk, struct error *err)
{
	DIR *listing = open_listing(dir);
	const char *name;
	int r = 0;

	if (!listing)
		return tree_gone(errno) ? 0 : error_errno(err, errno, "list a cgroup");
	while (r == 0 && (name = next_child(listing)) != NULL)
		r = visit_from(dir, name, walk, err);
	closedir(listing);
	return r;
}

static int visit_from(int above, const char *name, struct walk *walk, struct error *err)
{
	autoclose int dir = openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (dir < 0)
		return tree_gone(errno) ? 0 : error_errno(err, errno, "open %s", name);
	if (walk->depth == MOST_DEPTH)
		return error_errno(err, ELOOP, "cgroups lie more than %d deep", MOST_DEPTH);
	walk->depth++;
	r = walk->visit(dir, walk->context, err);
	if (r >= 0)
		r = has_children(dir) ? visit_children(dir, walk, err) : 0;
	walk->depth--;
	return r;
}

int tree_visit(const char *path, tree_visitor *visit, void *context, struct error *err)
{
	struct walk walk = {.visit = visit, .context = context};

	return visit_from(AT_FDCWD, path, &walk, err);
}

/* -- processes -------------------------------------------------------------------------------- */

struct pid_reader {
	pid_visitor *visit;
	void *context;
	pid_t pid; /* as far as it has been read: a piece of the file may end within a number */
};

static int visit_numbers(struct pid_reader *reader, const char *text, size_t length,
			 struct error *err)
{
	for (size_t i = 0; i < length; i++) {
		int r;

		if (text[i] >= '0' && text[i] <= '9') {
			reader->pid = reader->pid * 10 + (text[i] - '0');
			continue;
		}
		r = reader->visit(reader->pid, reader->context, err);
		if (r < 0)
			return r;
		reader->pid = 0;
	}
	return 0;
}

int tree_pids(int dir, pid_visitor *visit, void *context, struct error *err)
{
	autoclose int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	struct pid_reader reader = {.visit = visit, .context = context};
	char text[4096];
	ssize_t count;

	if (fd < 0)
		return tree_gone(errno) ? 0 : error_errno(err, errno, "open cgroup.procs");
	while ((count = read(fd, text, sizeof(text))) > 0) {
		int r = visit_numbers(&reader, text, (size_t)count, err);

		if (r < 0)
			return r;
	}
	if (count < 0 && errno != EOPNOTSUPP && !tree_gone(errno))
		return error_errno(err, errno, "read cgroup.procs");
	return 0;
}

static int add_pid(pid_t pid, void *context, struct error *err)
{
	struct pid_list *list = context;

	if (pid == 0) {
		list->foreign++;
		return 0;
	}
	if (list->count == list->size) {
		size_t size = list->size ? 2 * list->size : 64;
		pid_t *more = realloc(list->pids, size * sizeof(*more));

		if (!more)
			return error_errno(err, ENOMEM, "list the processes of a cgroup");
		list->pids = more;
		list->size = size;
	}
	list->pids[list->count++] = pid;
	return 0;
}

static int add_pids(int dir, void *context, struct error *err)
{
	return tree_pids(dir, add_pid, context, err);
}

int tree_processes(const char *path, struct pid_list *list, struct error *err)
{
	return tree_visit(path, add_pids, list, err);
}

/* -- killing ---------------------------------------------------------------------------------- */

struct batch {
	struct target {
		pid_t pid;
		int pidfd;
	} targets[KILL_BATCH];
	size_t count;
	int seen; /* processes, of the whole walk */
};

static int open_target(pid_t pid, void *context, struct error *err)
{
	struct batch *batch = context;
	int pidfd;

	(void)err;
	batch->seen++;
	/* A pid of 0 would be the caller's whole process group. */
	if (pid == 0 || pid == getpid() || batch->count == KILL_BATCH)
		return 0;
	pidfd = sys_pidfd_open(pid);
	if (pidfd >= 0)
		batch->targets[batch->count++] = (struct target){pid, pidfd};
	return 0;
}

static int kill_target(pid_t pid, void *context, struct error *err)
{
	struct batch *batch = context;

	(void)err;
	for (size_t i = 0; i < batch->count; i++)
		if (batch->targets[i].pid == pid)
			sys_pidfd_send_signal(batch->targets[i].pidfd, SIGKILL);
	return 0;
}

/*
 * Between reading a pid and opening it, it may have become a stranger's.  So the list is read again
 * afterwards: a process that is open and still listed was inside, or is dead by now and cannot be
 * hit.
 */
static int kill_here(int dir, void *context, struct error *err)
{
	struct batch *batch = context;
	int r;

	batch->count = 0;
	r = tree_pids(dir, open_target, batch, err);
	if (r == 0 && batch->count > 0)
		r = tree_pids(dir, kill_target, batch, err);
	for (size_t i = 0; i < batch->count; i++)
		close(batch->targets[i].pidfd);
	return r;
}

int tree_kill(const char *path, struct error *err)
{
	struct batch batch = {.seen = 0};
	int r = tree_visit(path, kill_here, &batch, err);

	return r < 0 ? r : batch.seen;
}
