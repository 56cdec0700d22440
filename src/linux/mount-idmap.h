/*
 * Mounts that show other owners than the file system has: idmap, ridmap, uidMappings, gidMappings.
 *
 * Which ids become which is said by the mount's own mappings, or by a list behind the option's word:
 *
 *	idmap=uids=0-1000-10#20-2000-5;gids=@0-0-100
 *
 * Each range is the first id in the file system, the first on the host, and how many; with "@" the second
 * is one of the container, whose own mapping says what the host calls it.  An option without a list means
 * the container's own mapping, and so does a list for what it leaves out.
 */
#pragma once

#include "linux/container.h"

int mount_idmap_validate(const struct oci_config *config, const struct oci_mount *mount,
			 const struct mount_options *options, struct error *err);

/* Maps the ids of all mounts of the plan that ask for it, on the host: bind mounts must be open already, and
 * a new file system is made now. */
int mount_idmap_prepare(struct container *container, struct error *err);
