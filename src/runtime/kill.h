/*
 * Signals for a container.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/runtime.md#kill
 */
#pragma once

#include <stdbool.h>

#include "basic/error.h"
#include "runtime/state-root.h"

/* The number of a signal: "9", "KILL", "SIGKILL", "RTMIN+1", in any case.  0, which is allowed, is
 * no signal: sending it only finds out whether the container is there. */
int signal_number(const char *text, struct error *err);

/*
 * Sends the signal to the container's first process, or with all to every process in its cgroup, none of
 * which can fork away from it.  SIGKILL ends all of a container that shares a pid namespace.
 * "container not running" if it has ended; but with all that is no error: what should be gone is
 * gone.
 */
int container_kill(const struct state_root *root, const char *id, int number, bool all,
		   struct error *err);
