#include "runtime/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "basic/syscalls.h"
#include "libocispec/decode.h"
#include "libocispec/misspelt.h"

/* Component by component.  By itself: its buffers are only touched when it is called. */
__attribute__((noinline)) static const char *resolve(const char *path, struct arena *arena)
{
	char resolved[PATH_MAX];

	return realpath(path, resolved) ? arena_copy(arena, resolved, strlen(resolved)) : NULL;
}

/* Whether it is absolute, with nothing in it that is no name: "//", ".", "..". */
static bool is_clean(const char *path)
{
	if (path[0] != '/')
		return false;
	for (const char *name = path + 1;; name++) {
		size_t length = strcspn(name, "/");

		if (length == 0 ||
		    (name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'))))
			return false;
		name += length;
		if (*name == '\0')
			return true;
	}
}

/* Opens the directory, and finds out where it is.  Engines name it by a clean path without links: then it is there,
 * which takes the kernel no more than to open it. */
static int open_directory(const char *path, struct arena *arena, const char **absolute)
{
	const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				     .resolve = RESOLVE_NO_SYMLINKS};
	int fd = is_clean(path) ? sys_openat2(AT_FDCWD, path, &how) : -1;

	if (fd >= 0)
		*absolute = arena_copy(arena, path, strlen(path));
	else
		fd = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && !*absolute)
		*absolute = resolve(path, arena);
	return fd;
}

int bundle_read(struct bundle *bundle, const char *path, const char *file, struct arena *arena,
		struct error *err)
{
	struct oci_decoded decoded = {0};
	struct oci_source source = {.name = file};
	autoclose int directory = -1;
	char *text = NULL;
	ssize_t length;
	int r;

	bundle->path = NULL;
	directory = open_directory(path, arena, &bundle->path);
	if (directory < 0 || !bundle->path)
		return error_errno(err, errno, "bundle %s", path);
	length = file_read(arena, directory, file, &text, err);
	if (length < 0) {
		if (length == -ENOENT)
			error_hint(err, "a bundle is a directory with a config.json; \"proa spec\" "
					"writes one to begin with");
		return error_in(err, "bundle %s", bundle->path);
	}
	source.text = source.own = text;
	source.length = (size_t)length;
	r = oci_decode(&oci_config_object, &source, arena, &decoded, err);
	if (r < 0)
		return r;
	misspelt_tell(file, &decoded);
	bundle->config = decoded.value;
	return 0;
}
