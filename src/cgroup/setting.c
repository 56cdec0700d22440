/*
 * One value of one cgroup: see controller.h.
 *
 * A value is written with one write(2), because the kernel takes each as a setting of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "cgroup/controller.h"
#include "cgroup/undo.h"

static int join(char path[PATH_MAX], const char *directory, const char *file)
{
	int length = snprintf(path, PATH_MAX, "%s/%s", directory, file);

	return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int setting_write(const char *directory, const char *file, const char *property, const char *value,
		  struct error *err)
{
	char path[PATH_MAX];
	int r = join(path, directory, file);

	if (r == 0)
		r = file_write(AT_FDCWD, path, value);
	if (r == 0)
		return 0;
	/* A file that is missing is not what the user asked for by name: engines would take the
	 * words for a missing program. */
	if ((r == -ENOENT || r == -ENODEV) && access(directory, F_OK) < 0)
		return error_config(err, "%s: cgroup %s is gone", property, directory);
	if (r == -ENOENT)
		return error_config(err, "%s: the kernel has no %s to write %s to", property, path,
				    value);
	if (r == -EACCES || r == -EPERM)
		error_config(err, "%s: uid %u may not write %s to %s", property,
			     (unsigned int)geteuid(), value, path);
	else
		error_errno(err, -r, "%s: write %s to %s", property, value, path);
	if (r == -EINVAL || r == -ERANGE)
		error_hint(err, "the kernel does not accept this value here");
	return -err->code;
}

int target_write(const struct target *target, const char *file, const char *property,
		 const char *value, struct error *err)
{
	size_t before = target->undo ? target->undo->count : 0;
	char path[PATH_MAX];
	int r = join(path, target->directory, file);

	if (r == 0 && target->undo && undo_note(target->undo, path, value, err) < 0)
		return -err->code;
	r = setting_write(target->directory, file, property, value, err);
	if (r < 0 && target->undo)
		undo_forget(target->undo, before);
	return r;
}

int target_write_number(const struct target *target, const char *file, const char *property,
			int64_t value, struct error *err)
{
	char text[SETTING_SIZE];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return target_write(target, file, property, text, err);
}

bool setting_exists(const char *directory, const char *file)
{
	char path[PATH_MAX];

	return join(path, directory, file) == 0 && access(path, F_OK) == 0;
}

int setting_read(const char *directory, const char *file, uint64_t *value)
{
	char path[PATH_MAX], text[SETTING_SIZE];
	ssize_t r = join(path, directory, file);

	if (r == 0)
		r = file_read_small(AT_FDCWD, path, text, sizeof(text));
	if (r < 0)
		return (int)r;
	*value = strncmp(text, "max", 3) == 0 ? UINT64_MAX : strtoull(text, NULL, 10);
	return 0;
}

int setting_unknown(const char *property, const char *version, struct error *err)
{
	return error_config(err, "%s: cgroup version %s cannot do this", property, version);
}
