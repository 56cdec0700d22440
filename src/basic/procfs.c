/* See procfs.h. */
#include "basic/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/syscalls.h"

int procfs_open(int proc, const char *path, int flags)
{
	const struct open_how how = {
		.flags = (unsigned int)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};
	int fd = sys_openat2(proc, path, &how);

	return fd >= 0 ? fd : -errno;
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
