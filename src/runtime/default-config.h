/* The configuration of a container that runs a shell: what people begin with and change. */
#pragma once

#include <stdbool.h>

#include "basic/arena.h"

/* As JSON, in the arena; NULL if it is full.  rootless: for the calling user, who becomes the
 * container's root and has neither a cgroup nor a network of his own. */
const char *default_config(bool rootless, struct arena *arena);
