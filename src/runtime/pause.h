/* Stopping a container where it is, and letting it go on. */
#pragma once

#include "basic/error.h"
#include "runtime/state-root.h"

/* All its processes have stopped when it returns.  An error unless it is created or running. */
int container_pause(const struct state_root *root, const char *id, struct error *err);

/* An error unless it is paused. */
int container_resume(const struct state_root *root, const char *id, struct error *err);
