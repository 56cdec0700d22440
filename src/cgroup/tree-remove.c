/*
 * Removing a cgroup's directory with all below it: see tree.h.
 *
 *	cgroups(7), "Destroying cgroups and event notification"
 *
 * It comes last, when all in it have been killed.  A cgroup can be removed once it has neither
 * processes nor cgroups below it; a process that was killed still counts until the kernel is done
 * with it, which takes its time: so EBUSY means to wait, but not for ever.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "cgroup/patience.h"
#include "cgroup/tree.h"

enum {
	MOST_DESCENTS = 100000 /* who goes on making cgroups meanwhile does not keep us for ever */
};

struct removal {
	const char *path;
	struct patience *patience;
	int dir;   /* open on the directory at depth below path */
	int depth; /* one descriptor is enough: the way up is ".." */
	int descents;
};

int tree_explain_busy(const char *path, const char *doing, struct error *err)
{
	struct pid_list list = {0};
	struct error ignored = {0};
	char pids[256] = "";
	size_t used = 0;

	tree_processes(path, &list, &ignored);
	for (size_t i = 0; i < list.count && used < sizeof(pids) - 16; i++)
		used += (size_t)snprintf(pids + used, sizeof(pids) - used, "%s%d",
					 i == 0 ? "" : ", ", list.pids[i]);
	if (list.count + list.foreign == 0)
		return 0;
	error_errno(err, EBUSY, "%s cgroup %s", doing, path);
	if (list.count > 0)
		error_hint(err, "%zu process(es) are still in it: %s", list.count, pids);
	else
		error_hint(err, "%zu process(es) of another pid namespace are still in it",
			   list.foreign);
	free(list.pids);
	return -EBUSY;
}

static int give_up(const char *path, struct error *err)
{
	int r = tree_explain_busy(path, "remove", err);

	return r < 0 ? r : error_errno(err, EBUSY, "remove cgroup %s", path);
}

static int open_top(struct removal *removal, struct error *err)
{
	close_fd(&removal->dir);
	removal->depth = 0;
	removal->dir = openat(AT_FDCWD, removal->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (removal->dir < 0 && !tree_gone(errno))
		return error_errno(err, errno, "open cgroup %s", removal->path);
	return 0;
}

/* Removes one child, or steps into it because it has children itself: returns 1 then. */
static int remove_child(struct removal *removal, const char *name, struct error *err)
{
	for (;;) {
		autoclose int child = -1;
		struct stat status;

		if (unlinkat(removal->dir, name, AT_REMOVEDIR) == 0 || tree_gone(errno))
			return 0;
		if (errno != EBUSY)
			return error_errno(err, errno, "remove a cgroup below %s", removal->path);
		child = openat(removal->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (child < 0 && tree_gone(errno))
			return 0;
		if (child < 0 || fstat(child, &status) < 0)
			return error_errno(err, errno, "open a cgroup below %s", removal->path);
		/* In a cgroup file system each directory below adds a link. */
		if (status.st_nlink != 2) {
			close_fd(&removal->dir);
			removal->dir = take_fd(&child);
			removal->depth++;
			return 1;
		}
		if (!patience_wait(removal->patience, child))
			return give_up(removal->path, err);
	}
}

/* Removes the children of the directory where it is, or steps into the first that has children. */
static int remove_children(struct removal *removal, struct error *err)
{
	autoclose int fd = openat(removal->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int r = 0;

	if (!listing)
		return tree_gone(errno) ? 0 : error_errno(err, errno, "list %s", removal->path);
	take_fd(&fd);
	while (r == 0 && (entry = readdir(listing)) != NULL)
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			r = remove_child(removal, entry->d_name, err);
	closedir(listing);
	return r;
}

static int step_up(struct removal *removal, struct error *err)
{
	int above = openat(removal->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (above < 0)
		return open_top(removal, err);
	close_fd(&removal->dir);
	removal->dir = above;
	removal->depth--;
	return 0;
}

static int remove_below(struct removal *removal, struct error *err)
{
	int r = open_top(removal, err);

	while (r >= 0 && removal->dir >= 0) {
		if (removal->descents++ == MOST_DESCENTS)
			return error_errno(err, ELOOP, "remove the cgroups below %s",
					   removal->path);
		r = remove_children(removal, err);
		if (r != 0)
			continue;
		if (removal->depth == 0)
			return 0;
		r = step_up(removal, err);
	}
	return r;
}

int tree_remove(const char *path, struct patience *patience, struct error *err)
{
	struct removal removal = {.path = path, .patience = patience, .dir = -1};
	int r = 0;

	for (;;) {
		if (rmdir(path) == 0 || tree_gone(errno))
			break;
		if (errno != EBUSY) {
			r = error_errno(err, errno, "remove cgroup %s", path);
			break;
		}
		r = remove_below(&removal, err);
		if (r < 0 || rmdir(path) == 0 || tree_gone(errno))
			break;
		if (!patience_wait(patience, removal.dir)) {
			r = give_up(path, err);
			break;
		}
	}
	close_fd(&removal.dir);
	return r;
}
