/*
 * Overlays of many layers.
 *
 *	https://docs.kernel.org/filesystems/overlayfs.html
 *	fsconfig(2)
 *
 * The list of layers is one option, but the kernel takes no option of more than 255 bytes: the layers are
 * handed over one by one then (Linux 6.8), and a path that is too long by itself as a descriptor (6.13).
 * Kernels before that are given all by mount(2), as long as it fits into a page.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/syscalls.h"
#include "linux/mounts.h"

/* One layer of a list as "/a:/b\:c::/data". */
struct layer {
	char path[PATH_MAX];
	bool data; /* it holds but the contents of files that the layers above name */
};

/* Takes the next layer off the list, without the escapes of its colons: 1, 0 at the end of the list, or a
 * negative errno. */
static int next_layer(const char **list, struct layer *layer)
{
	size_t used = 0;

	if (!**list)
		return 0;
	if (**list == ':') {
		layer->data = true;
		++*list;
	}
	for (; **list && **list != ':'; ++*list) {
		if (**list == '\\' && (*list)[1])
			++*list;
		if (used + 1 >= sizeof(layer->path))
			return -ENAMETOOLONG;
		layer->path[used++] = **list;
	}
	*list += **list == ':';
	layer->path[used] = '\0';
	return used > 0 ? 1 : -EINVAL;
}

static int set_path(int context, const char *key, const char *path)
{
	autoclose int fd = -1;

	if (strlen(path) <= MOUNT_LONGEST_VALUE)
		return sys_fsconfig(context, FSCONFIG_SET_STRING, key, path) < 0 ? -errno : 0;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || sys_fsconfig_fd(context, key, fd) < 0 ? -errno : 0;
}

bool mount_overlay_is_long(const char *type, const struct oci_pair *option)
{
	static const char *const keys[] = {"lowerdir", "upperdir", "workdir"};

	if (strcmp(type, "overlay") != 0 || !option->value ||
	    strlen(option->value) <= MOUNT_LONGEST_VALUE)
		return false;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(option->key, keys[i]) == 0)
			return true;
	return false;
}

int mount_overlay_set_long(int context, const struct oci_pair *option)
{
	const char *list = option->value;
	struct layer layer = {.data = false};
	int r;

	if (strcmp(option->key, "lowerdir") != 0)
		return set_path(context, option->key, option->value);
	while ((r = next_layer(&list, &layer)) > 0) {
		r = set_path(context, layer.data ? "datadir+" : "lowerdir+", layer.path);
		if (r < 0)
			break;
	}
	return r;
}
