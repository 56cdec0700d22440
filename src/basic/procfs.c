/* See procfs.h. */
#include "basic/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "basic/syscalls.h"

int procfs_own(void)
{
	static int own = -1; /* opened once, before anything could be mounted on it */
	autoclose int fd = -1;
	struct statfs filesystem;

	if (own >= 0)
		return own;
	fd = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &filesystem) < 0)
		return -errno;
	if (filesystem.f_type != PROC_SUPER_MAGIC)
		return -EXDEV;
	own = take_fd(&fd);
	return own;
}

int procfs_expect_own_pids(int proc)
{
	char self[16];
	int r = procfs_read_link(proc, "self", self, sizeof(self));

	/* It leads nowhere in the procfs of a pid namespace that the caller is not in. */
	if (r < 0 && r != -ENOENT)
		return r;
	return r == 0 && atoi(self) == getpid() ? 0 : -EXDEV;
}

int procfs_hint(struct error *err)
{
	return err->code == EXDEV
		       ? error_hint(err, "it must be the procfs of this pid namespace that is at "
					 "/proc, with nothing mounted on what is in it")
		       : -err->code;
}

int procfs_open(int proc, const char *path, int flags)
{
	const struct open_how how = {
		.flags = (unsigned int)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};
	int fd = proc < 0 ? proc : sys_openat2(proc, path, &how);

	return fd >= 0 || proc < 0 ? fd : -errno;
}

ssize_t procfs_read(int proc, const char *path, char *text, size_t size)
{
	autoclose int fd = procfs_open(proc, path, O_RDONLY);

	text[0] = '\0';
	return fd < 0 ? fd : file_read_some(fd, text, size);
}

int procfs_write(int proc, const char *path, const char *text)
{
	autoclose int fd = procfs_open(proc, path, O_WRONLY);
	size_t length = strlen(text);
	ssize_t written;

	if (fd < 0)
		return fd;
	written = write(fd, text, length);
	if (written < 0)
		return -errno;
	return (size_t)written == length ? 0 : -EIO;
}

/* The link itself: there could be a mount on that, too. */
static int open_link(int proc, const char *path)
{
	return procfs_open(proc, path, O_PATH | O_NOFOLLOW);
}

int procfs_read_link(int proc, const char *path, char *text, size_t size)
{
	autoclose int link = open_link(proc, path);
	ssize_t length;

	if (link < 0)
		return link;
	length = readlinkat(link, "", text, size);
	if (length < 0)
		return -errno;
	if ((size_t)length == size)
		return -ENAMETOOLONG;
	text[length] = '\0';
	return 0;
}

int procfs_follow(int proc, const char *path, int flags)
{
	autoclose int link = open_link(proc, path);
	int fd = link < 0 ? link : openat(proc, path, flags | O_CLOEXEC);

	return fd >= 0 || link < 0 ? fd : -errno;
}

int procfs_namespace(int proc, const char *path, ino_t *inode)
{
	char text[64]; /* "net:[4026531840]" */
	int r = procfs_read_link(proc, path, text, sizeof(text));
	const char *number = r < 0 ? NULL : strchr(text, '[');

	if (r < 0)
		return r;
	if (!number)
		return -EPROTO;
	*inode = strtoull(number + 1, NULL, 10);
	return 0;
}

int procfs_name_fd(int fd, char path[PROCFS_FD_SIZE])
{
	autoclose int link = -1;

	snprintf(path, PROCFS_FD_SIZE, "self/fd/%d", fd);
	link = open_link(procfs_own(), path);
	snprintf(path, PROCFS_FD_SIZE, "/proc/self/fd/%d", fd);
	return link < 0 ? link : 0;
}

void procfs_unescape(char *text)
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
