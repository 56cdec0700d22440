/*
 * Who answers for the system calls that the filter only notifies of: the agent at
 * linux.seccomp.listenerPath.  For the runtime alone.
 */
#pragma once

#include "linux/container.h"

#define SECCOMP_RECEIVER_ANNOTATION "run.oci.seccomp.receiver"

/* Whether the filter in the plan can notify; if so, fills in the agent that it takes, or there is an error.
 * The filter is compiled by now. */
int seccomp_listener_prepare(struct container *container, struct error *err);

/* What the agent is told with the listener: the specification's container process state, of the process pid
 * in the container of this state.  NULL if the arena is full. */
char *seccomp_listener_state(const struct oci_state *state, pid_t pid, const char *metadata,
			     struct arena *arena);

/* The listener that process makes as its descriptor number, as one of this process; -1 with errno EBADF as
 * long as there is none. */
int seccomp_listener_fetch(int pidfd, int number);
