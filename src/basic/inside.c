#include "basic/inside.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/cleanup.h"
#include "basic/syscalls.h"

/* The kernel answers EAGAIN when a rename anywhere in the system races with "..": try again, but not
 * for ever, because who renames may be an attacker. */
enum { MOST_TRIES = 128 };

int inside_try(int root, const char *path, int flags)
{
	const struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = -1;

	for (int i = 0; i < MOST_TRIES; i++) {
		fd = sys_openat2(root, path[0] ? path : ".", &how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd >= 0 ? fd : -errno;
}

int inside_open(int root, const char *path, int flags, struct error *err)
{
	int fd = inside_try(root, path, flags);

	return fd >= 0 ? fd : error_errno(err, -fd, "open %s in the container", path);
}

/* Makes name in *directory if it is missing and goes into it.  What is there may be another's by now, so
 * a link is not followed by its name, but resolved anew from the root. */
static int step_into(int root, int *directory, const char *walked, mode_t mode, struct error *err)
{
	const char *name = strrchr(walked, '/');
	int fd;

	name = name ? name + 1 : walked;
	if (name[0] == '\0' || strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0)
		return error_config(err, "%s does not exist in the container", walked);
	if (mkdirat(*directory, name, mode) < 0 && errno != EEXIST) {
		error_errno(err, errno, "make %s in the container", walked);
		return err->code == EACCES
			       ? error_hint(err, "the root file system does not belong to "
						 "the container's root user")
			       : -err->code;
	}
	fd = openat(*directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fd = inside_open(root, walked, O_PATH | O_DIRECTORY, err);
	close_fd(directory);
	*directory = fd;
	return fd < 0 ? fd : 0;
}

/* The longest part of path that is there: *length is its length. */
static int open_deepest(int root, char *path, size_t *length)
{
	int fd;

	for (;;) {
		char *slash;

		fd = inside_try(root, path, O_PATH | O_DIRECTORY);
		if (fd != -ENOENT || path[0] == '\0')
			return fd;
		slash = strrchr(path, '/');
		*length = slash ? (size_t)(slash - path) : 0;
		path[*length] = '\0';
	}
}

int inside_make_directory(int root, const char *path, mode_t mode, struct error *err)
{
	size_t length = strlen(path), there = length;
	autoclose int fd = -1;
	char walked[PATH_MAX];

	if (length >= sizeof(walked))
		return error_errno(err, ENAMETOOLONG, "make a directory in the container");
	memcpy(walked, path, length + 1);
	fd = open_deepest(root, walked, &there);
	if (fd < 0)
		return error_errno(err, -fd, "open %s in the container", walked);
	for (size_t end = there + 1; there < length && end <= length; end++) {
		if (path[end] != '/' && path[end] != '\0')
			continue;
		memcpy(walked, path, end);
		walked[end] = '\0';
		if (step_into(root, &fd, walked, mode, err) < 0)
			return -err->code;
	}
	return take_fd(&fd);
}

int inside_make_parent(int root, const char *path, const char **name, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char above[PATH_MAX];

	*name = slash ? slash + 1 : path;
	if ((*name)[0] == '\0' || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0)
		return error_config(err, "%s does not name a file", path);
	if (snprintf(above, sizeof(above), "%.*s", slash ? (int)(slash - path) : 0, path) >=
	    (int)sizeof(above))
		return error_errno(err, ENAMETOOLONG, "make a file in the container");
	return inside_make_directory(root, above, 0755, err);
}

int inside_add_here(int parent, const char *name, mode_t mode)
{
	int type = S_ISDIR(mode) ? O_DIRECTORY : 0;
	struct stat status;
	int fd;

	if ((type ? mkdirat(parent, name, mode) : mknodat(parent, name, mode, 0)) < 0)
		return -errno;
	/* By now it may be another's: never through a link. */
	fd = openat(parent, name, type | O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || type || (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)))
		return fd < 0 ? -errno : fd;
	close(fd);
	return -EEXIST;
}

int inside_add(int root, const char *path, mode_t mode)
{
	const char *slash = strrchr(path, '/');
	autoleave int parent = -1;
	char above[PATH_MAX];

	if (snprintf(above, sizeof(above), "%.*s", slash ? (int)(slash - path) : 0, path) >=
	    (int)sizeof(above))
		return -ENAMETOOLONG;
	parent = inside_try(root, above, O_PATH | O_DIRECTORY);
	return parent < 0 ? parent : inside_add_here(parent, slash ? slash + 1 : path, mode);
}

int inside_make_file(int root, const char *path, mode_t mode, struct error *err)
{
	autoclose int parent = -1, made = -1, there = -1;
	struct stat status;
	const char *name;
	int fd = inside_try(root, path, O_PATH);

	if (fd != -ENOENT)
		return fd >= 0 ? fd : error_errno(err, -fd, "open %s in the container", path);
	parent = inside_make_parent(root, path, &name, err);
	if (parent < 0)
		return parent;
	made = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, mode);
	if (made < 0 && errno != EEXIST)
		return error_errno(err, errno, "make %s in the container", path);
	/* What is there now may be another's: look at it, by its name, but never through a link. */
	there = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (there < 0 || fstat(there, &status) < 0)
		return error_errno(err, errno, "open %s in the container", path);
	if (S_ISLNK(status.st_mode) || S_ISDIR(status.st_mode))
		return error_config(err, "%s in the container is a %s", path,
				    S_ISDIR(status.st_mode) ? "directory" : "symbolic link");
	return take_fd(&there);
}
