/*
 * Giving a cgroup to the container, so that what runs in it can make cgroups of its own.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#cgroup-ownership
 *	cgroups(7), "Cgroups delegation: delegating a hierarchy to a less privileged user"
 *
 * Only the directory changes its owner, and the files in it that the kernel lists: who owned the others
 * could raise his own limits.  It comes before anything runs in the cgroup.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "cgroup/cgroup.h"

/* Before Linux 4.15. */
#define USUAL_FILES "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n"

static int give(int dir, const char *name, uid_t uid, gid_t gid, struct error *err)
{
	if (fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == 0 ||
	    errno == ENOENT)
		return 0;
	if (errno != EPERM && errno != EINVAL)
		return error_errno(err, errno, "give %s of the cgroup to uid %u", name, uid);
	error_config(err, "uid %u may not give its cgroup to uid %u", (unsigned int)geteuid(), uid);
	err->code = EPERM;
	return -EPERM;
}

int cgroup_delegate(const struct oci_record_cgroup *place, uid_t uid, gid_t gid, struct error *err)
{
	const char *directory = place->leaf ? place->leaf : place->v2;
	char names[4096], *rest = NULL;
	autoclose int dir = -1;
	int r;

	if (!directory)
		return 0;
	dir = openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, errno, "open cgroup %s", directory);
	if (file_read_small(AT_FDCWD, "/sys/kernel/cgroup/delegate", names, sizeof(names)) <= 0)
		strcpy(names, USUAL_FILES);
	r = give(dir, "", uid, gid, err);
	for (char *name = strtok_r(names, "\n", &rest); name && r == 0;
	     name = strtok_r(NULL, "\n", &rest))
		if (!strchr(name, '/'))
			r = give(dir, name, uid, gid, err);
	return r;
}
