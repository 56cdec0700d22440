#include "runtime/pid-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/file.h"

int pid_file_open(struct pid_file *file, const char *path, struct error *err)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	autofree char *folder = NULL;

	*file = (struct pid_file){.path = path, .directory = -1};
	if (!path)
		return 0;
	folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	if (!folder)
		return error_errno(err, ENOMEM, "--pid-file %s", path);
	file->directory = openat(AT_FDCWD, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (file->directory >= 0)
		return 0;
	return error_errno(err, errno, "--pid-file %s: open its directory", path);
}

static const char *name_of(const struct pid_file *file)
{
	const char *slash = strrchr(file->path, '/');

	return slash ? slash + 1 : file->path;
}

int pid_file_write(const struct pid_file *file, pid_t pid, struct error *err)
{
	char text[16];

	if (file->directory < 0)
		return 0;
	snprintf(text, sizeof(text), "%d", pid);
	if (file_replace(file->directory, name_of(file), text, 0644, err) < 0)
		return error_in(err, "--pid-file");
	return 0;
}

void pid_file_remove(const struct pid_file *file)
{
	if (file->directory >= 0)
		unlinkat(file->directory, name_of(file), 0);
}

void pid_file_release(struct pid_file *file)
{
	close_fd(&file->directory);
}
