#include "basic/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/closing.h"
#include "basic/syscalls.h"

static ssize_t read_all(int fd, char *buffer, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t count = read(fd, buffer + length, size - length);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (count == 0)
			break;
		length += (size_t)count;
	}
	return (ssize_t)length;
}

enum { SHORT_FILE = 4096 }; /* bytes; a record has a few hundred */

/* O_NONBLOCK: opening a FIFO would wait for a writer. */
enum { READ_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

static ssize_t read_regular(struct arena *arena, int fd, const char *path, char **text,
			    struct error *err)
{
	struct stat status;
	ssize_t length;

	if (fd < 0 || fstat(fd, &status) < 0)
		return error_errno(err, errno, "open %s", path);
	if (S_ISDIR(status.st_mode))
		return error_errno(err, EISDIR, "read %s", path);
	if (!S_ISREG(status.st_mode))
		return error_config(err, "%s is not a regular file", path);
	if (status.st_size > FILE_MOST_BYTES)
		return error_config(err, "%s is larger than %d MiB", path, FILE_MOST_BYTES >> 20);
	*text = arena_alloc(arena, (size_t)status.st_size + 1);
	if (!*text)
		return arena_full(arena, err);
	length = read_all(fd, *text, (size_t)status.st_size);
	if (length < 0)
		return error_errno(err, (int)-length, "read %s", path);
	return length;
}

ssize_t file_read(struct arena *arena, int dir, const char *path, char **text, struct error *err)
{
	autoclose int fd = openat(dir, path, READ_FLAGS);

	return read_regular(arena, fd, path, text, err);
}

/* A short file by one call, without looking at it first: of a regular one comes less than was asked for only when that
 * is all.  0 where it takes a closer look. */
static ssize_t read_short(struct arena *arena, int fd, char **text, struct error *err)
{
	char *room = arena_alloc(arena, SHORT_FILE);
	ssize_t length = room ? pread(fd, room, SHORT_FILE - 1, 0) : 0;
	bool whole = length > 0 && length < SHORT_FILE - 1;

	if (!room)
		return arena_full(arena, err);
	if (length > 0 && !whole)
		memset(room, 0, (size_t)length); /* who gets it next expects zeros */
	arena_resize(arena, room, whole ? (size_t)length + 1 : 0);
	*text = room;
	return whole ? length : 0;
}

ssize_t file_read_beneath(struct arena *arena, int dir, const char *path, char **text,
			  struct error *err)
{
	const struct open_how how = {.flags = READ_FLAGS,
				     .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	autolater int fd = sys_openat2(dir, path, &how);
	ssize_t length = fd < 0 ? 0 : read_short(arena, fd, text, err);

	return length ? length : read_regular(arena, fd, path, text, err);
}

ssize_t file_read_stream(struct arena *arena, int fd, const char *name, char **text,
			 struct error *err)
{
	/* Address space alone: memory is taken for what comes. */
	char *buffer = arena_alloc_apart(arena, FILE_MOST_BYTES + 2);
	ssize_t length;

	if (!buffer)
		return arena_full(arena, err);
	length = read_all(fd, buffer, FILE_MOST_BYTES + 1);
	if (length < 0)
		return error_errno(err, (int)-length, "read %s", name);
	if (length > FILE_MOST_BYTES)
		return error_config(err, "%s is larger than %d MiB", name, FILE_MOST_BYTES >> 20);
	*text = buffer;
	return length;
}

enum { SURELY_ALL = 2048 }; /* bytes */

ssize_t file_read_some(int fd, char *buffer, size_t size)
{
	ssize_t length;

	buffer[0] = '\0';
	/* The kernel gives such files a whole page at a time, or line by line as long as there is room in one:
	 * what ends long before is the end. */
	do
		length = read(fd, buffer, size - 1);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	if (length > SURELY_ALL && (size_t)length < size - 1) {
		ssize_t more = read_all(fd, buffer + length, size - 1 - (size_t)length);

		if (more < 0)
			return more;
		length += more;
	}
	buffer[length] = '\0';
	return length;
}

ssize_t file_read_small(int dir, const char *path, char *buffer, size_t size)
{
	autoclose int fd = openat(dir, path, READ_FLAGS);

	buffer[0] = '\0';
	return fd < 0 ? -errno : file_read_some(fd, buffer, size);
}

int file_write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t count = write(fd, text, length);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		text += count;
		length -= (size_t)count;
	}
	return 0;
}

int file_write(int dir, const char *path, const char *text)
{
	autoclose int fd = openat(dir, path, O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return file_write_all(fd, text, strlen(text));
}

int file_make(int dir, const char *name, const void *bytes, size_t length, struct error *err)
{
	autoclose int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : file_write_all(fd, bytes, length);

	return r < 0 ? error_errno(err, -r, "make %s", name) : 0;
}

/* Also where a writer that was killed has left one. */
static int make_anew(int dir, const char *name, mode_t mode)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir, name, flags, mode);

	if (fd < 0 && errno == EEXIST && unlinkat(dir, name, 0) == 0)
		fd = openat(dir, name, flags, mode);
	return fd;
}

int file_replace(int dir, const char *name, const char *text, mode_t mode, struct error *err)
{
	autoclose int fd = -1;
	char temporary[NAME_MAX + 1];
	int r;

	/* One writer at a time holds the lock of what it replaces, so the name is its own. */
	snprintf(temporary, sizeof(temporary), ".%.200s.new", name);
	fd = make_anew(dir, temporary, mode);
	if (fd < 0)
		return error_errno(err, errno, "make %s", temporary);
	r = file_write_all(fd, text, strlen(text));
	if (r == 0 && renameat(dir, temporary, dir, name) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	unlinkat(dir, temporary, 0);
	return error_errno(err, -r, "write %s", name);
}

/* /dev/stderr is a link of root's; one that somebody else has left where the file is to be, in a directory that
 * all may write to, would have his file written to.  (So does the kernel where fs.protected_symlinks is set.) */
static bool is_foreign_link(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISLNK(status.st_mode) && status.st_uid != 0 &&
	       status.st_uid != geteuid();
}

int file_open_output(const char *what, const char *path, int flags, struct error *err)
{
	/* O_NONBLOCK: opening a FIFO that nobody reads would wait. */
	int all = flags | O_WRONLY | O_CREAT | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(AT_FDCWD, path, all | O_NOFOLLOW, 0644);

	if (fd < 0 && is_foreign_link(path))
		return error_config(err, "%s %s is a link that another user has made", what, path);
	if (fd < 0)
		fd = openat(AT_FDCWD, path, all, 0644);
	return fd < 0 ? error_errno(err, errno, "open %s %s", what, path) : fd;
}
