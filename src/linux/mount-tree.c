/*
 * open_tree_attr(2) does it with one call, from Linux 6.15 on.
 *
 *	https://man7.org/linux/man-pages/man2/open_tree_attr.2.html
 */
#include "linux/mount-tree.h"

#include <errno.h>
#include <stdbool.h>

#include "basic/cleanup.h"
#include "basic/syscalls.h"

/* Who filters the system calls of this host may say EPERM to one that he does not know. */
static bool may_be_unknown(int code)
{
	return code == ENOSYS || code == EPERM || code == EINVAL;
}

int mount_tree_clone(int dir, const char *path, unsigned int flags, struct mount_attr *change)
{
	int fd = sys_open_tree_attr(dir, path, flags | OPEN_TREE_CLONE, change);

	if (fd >= 0 || !may_be_unknown(errno))
		return fd;
	fd = sys_open_tree(dir, path, flags | OPEN_TREE_CLONE);
	if (fd >= 0 && sys_mount_setattr(fd, flags & AT_RECURSIVE, change) < 0)
		close_fd(&fd);
	return fd;
}
