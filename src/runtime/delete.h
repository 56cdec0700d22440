/*
 * The end of a container.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/runtime.md#delete
 */
#pragma once

#include <stdbool.h>

#include "basic/error.h"
#include "runtime/state-root.h"
#include "runtime/status.h"

/*
 * Removes all that there is of a container: its processes, cgroup, mounts on the host, and record;
 * then runs its poststop hooks.  Each part may be gone already, so that it can be called again
 * after it failed or was killed.
 *
 * A container that runs is an error, unless with force.  With force one that does not exist, or was
 * left half made, is none.
 */
int container_delete(const struct state_root *root, const char *id, bool force, struct error *err);

/* The same for a container that is open and locked, whatever its status; view stays open. */
int container_destroy(const struct state_root *root, const char *id, const struct view *view,
		      struct arena *arena, struct error *err);
