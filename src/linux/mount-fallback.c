/*
 * What a container gets when the kernel refuses it a new file system.
 *
 *	user_namespaces(7), mount_namespaces(7)
 *
 * The root of a user namespace may mount a proc only for a pid namespace of its own and a sysfs only for
 * a network namespace of its own, and neither where it can't see a whole one already: with a new mount it
 * would uncover what the host's administrator, or an outer container, has covered.  The host's mount,
 * taken as it is, uncovers nothing.
 */
#include <errno.h>
#include <string.h>

#include "basic/log.h"
#include "basic/syscalls.h"
#include "linux/mounts.h"

static const struct {
	const char *type;
	const char *path; /* of the host's, which is taken instead */
	const char *hint; /* what to do if that fails too */
} fallbacks[] = {
	{"proc", "/proc",
	 "a user namespace may mount a proc only with a new pid namespace and where nothing "
	 "covers parts of the one it sees"},
	{"sysfs", "/sys",
	 "a user namespace may mount a sysfs only with a new network namespace and where nothing "
	 "covers parts of the one it sees"},
	{"mqueue", "/dev/mqueue",
	 "a user namespace may mount an mqueue only with a new ipc namespace"},
};

enum { FALLBACKS = sizeof(fallbacks) / sizeof(fallbacks[0]) };

/* What the new mount would have been is now true for all that lies below; nothing is taken off. */
static void demand_below(struct mount_options *options)
{
	options->rec_set |= options->set & ~(uint64_t)MOUNT_ATTR__ATIME;
	options->rec_clear = 0;
	options->set = 0;
	options->clear = 0;
}

static int take_host(struct mount_plan *plan, const char *path)
{
	struct error unheard = {0};
	int fd = mount_open_host(path, &unheard);

	if (fd >= 0) {
		plan->kind = MOUNT_BIND;
		demand_below(&plan->options);
	}
	return fd;
}

/* Message queues live in the kernel; where their file system is not to be had, programs that look for its
 * directory find an empty one. */
static int take_empty(struct mount_plan *plan)
{
	struct error unheard = {0};

	plan->options.data_len = 0;
	return mount_open_file_system(plan, "tmpfs", &unheard);
}

int mount_fall_back(struct mount_plan *plan, struct error *err)
{
	if (err->code != EPERM && err->code != ENODEV)
		return -err->code;
	for (size_t i = 0; i < FALLBACKS; i++) {
		const char *instead = fallbacks[i].path;
		int fd;

		if (strcmp(plan->type, fallbacks[i].type) != 0)
			continue;
		fd = take_host(plan, instead);
		if (fd < 0 && strcmp(plan->type, "mqueue") == 0) {
			fd = take_empty(plan);
			instead = "an empty tmpfs";
		}
		if (fd < 0) {
			err->hint[0] = '\0'; /* the kernel's own words say less */
			return error_hint(err, "%s", fallbacks[i].hint);
		}
		log_debug("mounts[%zu] (%s): %s; it gets %s", plan->index, plan->destination,
			  err->text, instead);
		return fd;
	}
	return -err->code;
}
