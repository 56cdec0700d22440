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
#include "libocispec/decode.h"
#include "libocispec/misspelt.h"

/* Where the bundle is that directory is open on, as /proc tells; if it does not tell, component by component. */
static const char *absolute_path(int directory, const char *path, struct arena *arena)
{
	static const char deleted[] = " (deleted)";
	char resolved[PATH_MAX], link[64];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", directory);
	length = readlink(link, resolved, sizeof(resolved));
	if (length > 0 && length < (ssize_t)sizeof(resolved) && resolved[0] == '/') {
		resolved[length] = '\0';
		if (!strstr(resolved, deleted))
			return arena_copy(arena, resolved, (size_t)length);
	}
	return realpath(path, resolved) ? arena_copy(arena, resolved, strlen(resolved)) : NULL;
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

	directory = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return error_errno(err, errno, "bundle %s", path);
	bundle->path = absolute_path(directory, path, arena);
	if (!bundle->path)
		return error_errno(err, errno, "bundle %s", path);
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
