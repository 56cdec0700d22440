/* linux.mountLabel: what the makers of mounts need of it, see mount-label.c. */
#pragma once

#include "linux/container.h"

/* Gives the plan of a new file system the label, as one more of its parameters, where it takes one. */
int mount_label_add(struct container *container, struct mount_plan *plan, struct error *err);

/* Whether a parameter of a file system is such a label.  Where all parameters stand in one string
 * (mount(2)) its value needs quotes: there are commas in it. */
bool mount_label_is(const char *parameter);

/* For init: gives the label to a tmpfs that is none of the config's, by its fsopen(2) context; returns 0
 * or -1 with errno. */
int mount_label_configure(const struct container *container, int context);
