/* The namespaces of a container: which are new, which are joined, and how to get into them. */
#pragma once

#include "linux/container.h"

/* Whether the config's container has a namespace of its own of this kind, new or joined, and so whether
 * what lies in it is the container's to change. */
bool namespace_has(const struct oci_config *config, const char *type);

/* The types there are, one by one, for the features document; NULL after the last. */
const char *namespace_type(size_t index);

/* The flag of those that are to be new by the process that calls clone3(2) on it: they decide who the
 * child is.  The rest are made by the child itself, while the runtime goes on. */
int namespaces_at_clone(const struct container *container);

/* For the stage, or for init where there is none: joins those that have a path.  What the caller may not
 * join yet (its owner is the user namespace that comes later) is left for the next call; last: then it is
 * an error. */
int namespaces_join(struct container *container, bool last, struct error *err);

/* Joins the user namespace, if there is one to join. */
int namespaces_join_user(struct container *container, struct error *err);

/* For exec: which of the namespaces of the process pid are not the runtime's own, as CLONE_NEW*.  *flags
 * holds those of which that is known: they are not looked at, each look makes the kernel make files. */
int namespaces_unlike(pid_t pid, int *flags, struct error *err);

/* For exec: enters those of the target's that the plan names, all at once.  Into a pid namespace only the
 * next child comes. */
int namespaces_enter(struct container *container, struct error *err);

/* Makes those of the new ones that flags allow; that of mounts not while init needs to be in the host's. */
int namespaces_make(const struct container *container, int flags, struct error *err);
