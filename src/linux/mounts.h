/*
 * What the parts of mounts share with each other and with their neighbours:
 *
 *	mounts.c	 runtime  reads config.json, looks at sources, plans
 *	mount-options.c	 runtime  the option words
 *	mount-cgroup.c	 both	  the type "cgroup", which means something else on each host
 *	mount-idmap.c	 runtime  mounts that show other owners, see mount-idmap.h
 *	mount-open.c	 init	  makes each mount, detached, before the host's tree is left
 *	mount-overlay.c	 init	  overlays of many layers
 *	mount-fallback.c init	  what a user namespace gets instead of what the kernel refuses it
 *	mount-attach.c	 init	  puts each in its place in the container's root
 *	mount-copy-up.c	 init	  fills a tmpfs with what it covers
 */
#pragma once

#include <stdbool.h>

#include "linux/container.h"

/* Whether the container is to have a mount namespace of its own, which is a new one. */
bool mount_namespace_is_new(const struct oci_config *config);

/* The error of a property that can't be without one. */
int mount_namespace_needed(const struct oci_config *config, const char *property,
			   struct error *err);

/* Writes path without "//", "." and "..", and with "/" before it. */
int mount_clean_path(const char *path, char *clean, size_t size, struct error *err);

/* Takes away what was mounted below the rootfs of a container without a mount namespace of its own, the
 * last first.  Destinations are as in the plan; what is no longer mounted is fine. */
int mounts_detach(const char *rootfs, const char *const *destinations, size_t count,
		  struct error *err);

/* Whether a tmpfs is filled with what it covers. */
bool mounts_copy_up(const struct container *container);

/* For a new file system, below which there is nothing: what is meant for all is meant for it. */
void mount_fold_recursive(struct mount_options *options);

/* Plans the type "cgroup": 1 mount for v2, several for v1.  Returns how many, at most CGROUP_MOUNTS; base
 * is the plan as far as it goes. */
enum { CGROUP_MOUNTS = 64 };
int mount_cgroup_plan(struct arena *arena, const struct mount_plan *base, struct mount_plan *plans,
		      struct error *err);

/* Where there are cgroups of version 1 by now: which of these directories the mounts show that do not begin in a cgroup
 * namespace.  False: of some only init can find out, when it is in them. */
bool mount_cgroup_know(struct container *container, const char *const *directories, size_t count);

/* Opens the plan's cgroup hierarchy as a detached mount: a new one in a cgroup namespace, else the part
 * of the host's that the container is in. */
int mount_cgroup_open(const struct container *container, struct mount_plan *plan,
		      struct error *err);

/* Opens what the source of a bind mount names, O_PATH. */
int mount_find_source(const struct mount_plan *plan, struct error *err);

/* Opens the source of a bind mount as a detached tree; it must still be what the runtime has seen, if
 * the runtime has. */
int mount_open_source(const struct container *container, struct mount_plan *plan,
		      struct error *err);

/* fsconfig(2) takes no longer string. */
enum { MOUNT_LONGEST_VALUE = 255 };

/* Whether this is an option of an overlay that is longer than that, and has to be set in another way. */
bool mount_overlay_is_long(const char *type, const struct oci_pair *option);

/* Sets it; returns 0 or a negative errno: EINVAL from kernels that can't. */
int mount_overlay_set_long(int context, const struct oci_pair *option);

/* Whether it is one of the kernel's own, which takes nothing from elsewhere.  Some exist once for all their mounts,
 * so that only a mount of them can be read-only, not the file system. */
bool mount_is_virtual(const char *type);

/* Makes a new file system as a detached mount. */
int mount_open_file_system(const struct mount_plan *plan, const char *type, struct error *err);

/* Opens path and all below it as a detached tree. */
int mount_open_host(const char *path, struct error *err);

/* When making the plan's mount failed as err says: opens what comes closest, or fails. */
int mount_fall_back(struct mount_plan *plan, struct error *err);

/* Changes the mount that fd is open on as the options say. */
int mount_dress(const struct container *container, const struct mount_plan *plan, int fd,
		struct error *err);

/* Copies what is in the directory that place is open on to the new file system at whose root fd is open; proc
 * is the host's /proc. */
int mount_copy_up(int proc, int place, int fd, struct error *err);

/* Opens what is masked or made read-only, O_PATH, or returns a negative errno.  What lies below /proc and
 * /sys is looked for in the mounts themselves: whoever can rename in the rootfs, or shares it, could
 * exchange the directory they are on for another, and nothing would be masked. */
int mounts_open_inside(const struct container *container, const char *path);

/* Says of which mount the error is. */
int mount_error_in(const struct mount_plan *plan, struct error *err);

/* Opens the directory at path, which no symbolic link leads to, making it if it is missing: what the
 * kernel's own file systems and devices lie in must be where it seems to be. */
int mount_real_directory(int root, const char *path, struct error *err);
