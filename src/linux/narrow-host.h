/* A host with next to no mounts, for a container with a new user namespace. */
#pragma once

#include "linux/container.h"

/* In the stage, before it makes the user namespace, if the plan has it so: leaves the host's mount namespace for
 * one with the host's /proc, /sys and /dev, what is mounted below them, and nothing else. */
int narrow_host(struct container *container, struct error *err);
