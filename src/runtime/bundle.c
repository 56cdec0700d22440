#include "runtime/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "basic/syscalls.h"
#include "libocispec/decode.h"
#include "libocispec/misspelt.h"

enum { USUAL_PATH_SIZE = 512 };

/* Component by component.  By itself: its buffers are only touched when it is called. */
__attribute__((noinline)) static const char *resolve(const char *path, struct arena *arena)
{
	char resolved[PATH_MAX];

	return realpath(path, resolved) ? arena_copy(arena, resolved, strlen(resolved)) : NULL;
}

/* Whether the path is an absolute one that names each directory on the way once, with nothing in between. */
static bool is_straight(const char *path)
{
	while (*path == '/') {
		const char *name = ++path;

		path += strcspn(path, "/");
		if (path == name ||
		    (name[0] == '.' && (path - name == 1 || (path - name == 2 && name[1] == '.'))))
			return false;
	}
	return !*path;
}

/* As most engines give it: if it has no symbolic link, which the kernel finds out at no cost, it is where it says. */
static int open_straight(const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};

	return is_straight(path) ? sys_openat2(AT_FDCWD, path, &how) : -1;
}

/* Where the directory is that is open as fd: /proc tells, with two calls however deep it lies.  Not for one that has
 * been removed, which has a note behind its path, nor for one that lies outside of the caller's root. */
static const char *absolute_path(int fd, const char *path, struct arena *arena)
{
	char told[USUAL_PATH_SIZE], link[64];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, told, sizeof(told));
	if (length <= 0 || length == sizeof(told) || told[0] != '/' ||
	    memmem(told, (size_t)length, " (deleted)", strlen(" (deleted)")))
		return resolve(path, arena);
	return arena_copy(arena, told, (size_t)length);
}

static int open_bundle(struct bundle *bundle, const char *path, struct arena *arena,
		       struct error *err)
{
	autoclose int directory = open_straight(path);

	if (directory >= 0) {
		bundle->path = arena_copy(arena, path, strlen(path));
	} else {
		directory = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (directory < 0)
			return error_errno(err, errno, "bundle %s", path);
		bundle->path = absolute_path(directory, path, arena);
	}
	if (!bundle->path)
		return error_errno(err, errno, "bundle %s", path);
	return take_fd(&directory);
}

int bundle_read(struct bundle *bundle, const char *path, const char *file, struct arena *arena,
		struct error *err)
{
	autoclose int directory = open_bundle(bundle, path, arena, err);
	struct oci_decoded decoded = {0};
	struct oci_source source = {.name = file};
	char *text = NULL;
	ssize_t length;
	int r;

	if (directory < 0)
		return -err->code;
	length = file_read(arena, directory, file, &text, err);
	if (length < 0) {
		if (length == -ENOENT)
			error_hint(err, "a bundle is a directory with a config.json; \"proa spec\" "
					"writes one to begin with");
		return error_in(err, "bundle %s", bundle->path);
	}
	source.text = text;
	source.length = (size_t)length;
	r = oci_decode(&oci_config_object, &source, arena, &decoded, err);
	if (r < 0)
		return r;
	misspelt_tell(file, &decoded);
	bundle->config = decoded.value;
	return 0;
}
