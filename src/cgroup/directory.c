/*
 * Making a cgroup's directory in one hierarchy: see directory.h.
 *
 * A directory that is there already is taken only if no process is in it: at the container's end
 * all in its cgroup are killed, and they would be another's.
 */
#include "cgroup/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/closing.h"
#include "basic/file.h"
#include "basic/large.h"
#include "basic/syscalls.h"
#include "cgroup/cpuset.h"
#include "cgroup/subtree.h"
#include "cgroup/tree.h"

#define EVENTS "cgroup.events"

/* -- directories ------------------------------------------------------------------------------ */

static int explain_refusal(const char *path, int code, struct error *err)
{
	if (code == EACCES || code == EPERM) {
		error_config(err, "uid %u may not make cgroup %s", (unsigned int)geteuid(), path);
		return error_hint(err, "the cgroup above it is not delegated to this user");
	}
	if (tree_gone(code))
		return error_config(err, "make cgroup %s: the one above it has just been removed",
				    path);
	error_errno(err, code, "make cgroup %s", path);
	if (code == EROFS)
		return error_hint(err, "the cgroup file system is mounted read-only here");
	if (code == EAGAIN)
		return error_hint(err,
				  "cgroup.max.depth or cgroup.max.descendants of a cgroup above "
				  "it is reached");
	return -code;
}

/* Makes the components of path behind the first kept bytes. */
static int make_rest(const char *path, size_t kept, struct error *err)
{
	char part[PATH_MAX];
	size_t length = strlen(path);

	for (size_t i = kept + 1; i <= length; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)i, path);
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return explain_refusal(part, errno, err);
	}
	return 0;
}

/* The length of the part of path that names what is above its first length bytes. */
static size_t length_above(const char *path, size_t length)
{
	while (length > 0 && path[--length] != '/')
		;
	return length;
}

static int make(const char *path, struct made_directory *made, struct error *err)
{
	size_t length = strlen(path);
	char part[PATH_MAX];

	*made = (struct made_directory){path, length};
	if (mkdir(path, 0755) == 0) {
		made->kept = length_above(path, length);
		return 0;
	}
	if (errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return explain_refusal(path, errno, err);
	do {
		length = length_above(path, length);
		snprintf(part, sizeof(part), "%.*s", (int)length, path);
	} while (length > 0 && access(part, F_OK) < 0);
	made->kept = length;
	return make_rest(path, length, err);
}

void directory_undo(const struct made_directory *made)
{
	char part[PATH_MAX];
	size_t length = strlen(made->path);

	snprintf(part, sizeof(part), "%s", made->path);
	while (length > made->kept) {
		part[length] = '\0';
		rmdir(part);
		length = length_above(part, length);
	}
}

/* -- taking one that is there ----------------------------------------------------------------- */

/*
 * The directory above this one, open, where the last one that was asked for lay in it, too; otherwise AT_FDCWD.  Who
 * looks at many containers finds most of them beside one another, and the way to them is half of the cost.
 */
static int open_above(const char *directory, size_t length)
{
	static char above[PATH_MAX] LARGE;
	static bool asked;
	static int fd = -1;

	/* Most look at one alone. */
	if (!asked) {
		asked = true;
		return AT_FDCWD;
	}
	if (strlen(above) == length && memcmp(above, directory, length) == 0) {
		if (fd < 0)
			fd = openat(AT_FDCWD, above, O_PATH | O_DIRECTORY | O_CLOEXEC);
		return fd < 0 ? AT_FDCWD : fd;
	}
	close_fd(&fd);
	snprintf(above, sizeof(above), "%.*s", (int)length, directory);
	return AT_FDCWD;
}

static int open_in(const char *directory, const char *file)
{
	size_t length = strlen(directory), name = strlen(file) + 1;
	size_t above = length_above(directory, length);
	int fd = open_above(directory, above);
	char path[PATH_MAX];

	if (length + 1 + name > sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (fd >= 0) {
		directory += above + 1;
		length -= above + 1;
	}
	memcpy(path, directory, length);
	path[length] = '/';
	memcpy(path + length + 1, file, name);
	return openat(fd, path, O_RDONLY | O_CLOEXEC);
}

/* Returns whether the file's text begins so, or a negative errno. */
static int file_begins(const char *directory, const char *file, const char *text)
{
	char content[32];
	autoclose int fd = open_in(directory, file);
	ssize_t r = fd < 0 ? -errno : file_read_some(fd, content, sizeof(content));

	return r < 0 ? (int)r : strncmp(content, text, strlen(text)) == 0;
}

static int frozen_v1(const char *path)
{
	/* FROZEN, or FREEZING while it is still on the way. */
	return file_begins(path, "freezer.state", "FR");
}

bool directory_frozen_v1(const char *path)
{
	return frozen_v1(path) > 0;
}

bool directory_frozen_v2(const char *path)
{
	return file_begins(path, "cgroup.freeze", "1") > 0;
}

/* How the kernel names a file of its own by its number: open_by_handle_at(2). */
union numbered {
	struct file_handle handle;
	char room[sizeof(struct file_handle) + sizeof(uint64_t)];
};

enum { KERNFS_NUMBER = 0xfe }; /* FILEID_KERNFS in the kernel, since 5.5 */

uint64_t directory_number_v2(const char *path)
{
	union numbered file = {.handle.handle_bytes = sizeof(uint64_t)};
	uint64_t number = 0;
	char name[PATH_MAX];
	int mount;

	snprintf(name, sizeof(name), "%s/" EVENTS, path);
	if (name_to_handle_at(AT_FDCWD, name, &file.handle, &mount, 0) == 0 &&
	    file.handle.handle_type == KERNFS_NUMBER && file.handle.handle_bytes == sizeof(number))
		memcpy(&number, file.handle.f_handle, sizeof(number));
	return number;
}

/* Its number finds a file twice as fast as its path, and never another's of the same name; but only for who has
 * CAP_DAC_READ_SEARCH on the host.  Any open directory says in which file system. */
static int open_numbered(const char *directory, uint64_t number)
{
	static int within = -1;
	static bool refused;
	union numbered file = {.handle.handle_bytes = sizeof(number),
			       .handle.handle_type = KERNFS_NUMBER};
	int fd;

	if (!number || refused)
		return -EPERM;
	if (within < 0)
		within = openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memcpy(file.handle.f_handle, &number, sizeof(number));
	fd = within < 0 ? -1 : open_by_handle_at(within, &file.handle, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 || within < 0)
		return fd;
	refused = errno != ESTALE;
	return -errno;
}

bool directory_at_work_v2(const char *path, uint64_t number)
{
	autolater int fd = open_numbered(path, number);
	char events[128];

	if (fd < 0 && fd != -ESTALE)
		fd = open_in(path, EVENTS);
	return fd >= 0 && file_read_some(fd, events, sizeof(events)) > 0 &&
	       strncmp(events, "populated 1\nfrozen 0\n", 21) == 0;
}

static int check_free(const char *path, struct error *err)
{
	struct pid_list list = {0};
	int r = tree_processes(path, &list, err);
	size_t count = list.count + list.foreign;

	free(list.pids);
	if (r < 0)
		return error_in(err, "look into cgroup %s", path);
	if (count == 0)
		return 0;
	error_config(err, "container's cgroup is not empty: %zu process(es) found in %s", count,
		     path);
	return error_hint(err, "choose another linux.cgroupsPath, or end them");
}

/* In one that is frozen, or below one, the container's init would never come to its first step. */
static int refuse_frozen(const char *path, bool itself, struct error *err)
{
	error_config(err, "container's cgroup unexpectedly frozen: %s", path);
	if (itself)
		return error_hint(err, "choose another linux.cgroupsPath, or thaw it");
	return error_hint(err, "a cgroup above it is frozen");
}

/* Whether a process that is born into the cgroup is killed at once. */
static bool kills_newborn(const char *path)
{
	autoclose int dir = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Without an exit signal, so that whatever the caller does about SIGCHLD is left alone. */
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .cgroup = (uint64_t)dir};
	int status = 0;
	pid_t pid;

	if (dir < 0)
		return false;
	pid = sys_clone3(&args);
	if (pid == 0)
		_exit(0);
	return pid > 0 && waitpid(pid, &status, __WALL) == pid && WIFSIGNALED(status);
}

/*
 * cgroup.kill was written for a container whose cgroup could not be removed after that.  Some
 * kernels (6.18 is one) kill everything that clone3(2) puts into such a cgroup later, for ever: it
 * is made anew.  Only then, because one that an administrator has prepared has limits of its own.
 */
static int renew(const char *path, struct error *err)
{
	struct patience none = PATIENCE(0);
	int r = tree_remove(path, &none, err);

	if (r < 0)
		return r;
	return mkdir(path, 0755) < 0 ? explain_refusal(path, errno, err) : 0;
}

static int check_thawed(const char *path, bool *found, struct error *err)
{
	int frozen = frozen_v1(path);

	*found = frozen != -ENOENT;
	if (frozen <= 0)
		return 0;
	return refuse_frozen(path, file_begins(path, "freezer.self_freezing", "1") > 0, err);
}

int directory_make_v1(const char *path, struct made_directory *made, struct found_v1 *found,
		      struct error *err)
{
	int r = make(path, made, err);

	if (r == 0 && made->kept == strlen(path))
		r = check_free(path, err);
	if (r == 0 && !found->freezer)
		r = check_thawed(path, &found->freezer, err);
	if (r < 0 || found->cpuset)
		return r;
	r = cpuset_inherit(path, err);
	found->cpuset = r > 0;
	return r < 0 ? r : 0;
}

/* Also from above; a cgroup without processes is so at once. */
static bool is_frozen(const char *path)
{
	char file[PATH_MAX], text[128];

	snprintf(file, sizeof(file), "%s/" EVENTS, path);
	return file_read_small(AT_FDCWD, file, text, sizeof(text)) > 0 && strstr(text, "frozen 1");
}

int directory_make_v2(const char *path, struct made_directory *made, struct error *err)
{
	int r = make(path, made, err);
	bool old = r == 0 && made->kept == strlen(path);

	if (old)
		r = check_free(path, err);
	if (r == 0 && is_frozen(path))
		r = refuse_frozen(path, directory_frozen_v2(path), err);
	if (r == 0 && old && kills_newborn(path))
		r = renew(path, err);
	if (r == 0)
		subtree_enable(path);
	return r;
}
