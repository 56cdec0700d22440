/* The files of /proc/self/attr, see lsm-attribute.h; for init, and before that for the runtime. */
#include "linux/lsm-attribute.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/syscalls.h"

static int open_attribute(int proc, const char *name, int flags)
{
	const struct open_how how = {
		.flags = (unsigned int)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};
	char path[64];

	/* "self" is who opens it, whatever his pid is called there. */
	snprintf(path, sizeof(path), "self/attr/%s", name);
	return sys_openat2(proc, path, &how);
}

bool lsm_attribute_exists(int proc, const char *name)
{
	autoclose int fd = open_attribute(proc, name, O_PATH);

	return fd >= 0;
}

int lsm_attribute_read(int proc, const char *name, char *text, size_t size)
{
	autoclose int fd = open_attribute(proc, name, O_RDONLY);
	ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);

	text[length > 0 ? length : 0] = '\0';
	if (length < 0)
		return -errno;
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

int lsm_attribute_write(int proc, const char *name, const char *value)
{
	autoclose int fd = open_attribute(proc, name, O_WRONLY);
	size_t length = strlen(value);
	ssize_t written;

	if (fd < 0)
		return -errno;
	/* In one piece: the kernel takes each write for a new value. */
	written = write(fd, value, length);
	if (written < 0)
		return -errno;
	return (size_t)written == length ? 0 : -EIO;
}

int lsm_attribute_error(struct error *err, int code, const char *name)
{
	return error_errno(err, code, "write `/proc/self/attr/%s`", name);
}
