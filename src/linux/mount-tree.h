/* Clones of mounts that are dressed before anybody sees them. */
#pragma once

struct mount_attr; /* linux/mount.h */

/*
 * A detached clone of the mount at the path, or with AT_RECURSIVE in flags of all that is mounted there, with these
 * attributes; the flags are those of open_tree(2), the change is that of mount_setattr(2).  The descriptor, or
 * -1 with errno set.
 */
int mount_tree_clone(int dir, const char *path, unsigned int flags, struct mount_attr *change);
