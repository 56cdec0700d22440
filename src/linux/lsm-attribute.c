/* The files of /proc/self/attr, see lsm-attribute.h; for init, and before that for the runtime. */
#include "linux/lsm-attribute.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/procfs.h"

/* "self" is who opens it, whatever his pid is called there. */
static void attribute_path(const char *name, char *path, size_t size)
{
	snprintf(path, size, "self/attr/%s", name);
}

static int open_attribute(int proc, const char *name, int flags)
{
	char path[64];

	attribute_path(name, path, sizeof(path));
	return procfs_open(proc, path, flags);
}

bool lsm_attribute_exists(int proc, const char *name)
{
	autoclose int fd = open_attribute(proc, name, O_PATH);

	return fd >= 0;
}

int lsm_attribute_read(int proc, const char *name, char *text, size_t size)
{
	autoclose int fd = open_attribute(proc, name, O_RDONLY);
	ssize_t length = fd < 0 ? 0 : read(fd, text, size - 1);

	text[length > 0 ? length : 0] = '\0';
	if (fd < 0 || length < 0)
		return fd < 0 ? fd : -errno;
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

int lsm_attribute_write(int proc, const char *name, const char *value)
{
	char path[64];

	attribute_path(name, path, sizeof(path));
	return procfs_write(proc, path, value);
}

int lsm_attribute_error(struct error *err, int code, const char *name)
{
	return error_errno(err, code, "write `/proc/self/attr/%s`", name);
}
