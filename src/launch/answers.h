/* What the runtime does when the stage or init asks. */
#pragma once

#include "launch/launch.h"
#include "launch/listener.h"
#include "launch/order.h"

/* Until the stage has said its last: then launch->init is known. */
int answer_stage(struct launch *launch, struct error *err);

/* Until init is ready; READY's DONE is left for answer_ready(). */
int answer_init(struct launch *launch, struct error *err);
int answer_ready(struct launch *launch, struct error *err);

/* pid is init, or the process that exec is about. */
int launch_know_init(struct launch *launch, pid_t pid, struct error *err);

/* Runs the prestart and createRuntime hooks of a config that has hooks, for container->init_pid. */
int launch_hooks(struct container *container, struct error *err);

/* Keeps the other side of the container's terminal, or sends it to --console-socket; fd stays the caller's. */
int launch_take_console(struct launch *launch, int fd, struct error *err);

/* The limits of the cgroup, and what is done to init from outside, of these sections. */
int launch_attach(const struct launch *launch, section_filter *wanted, struct error *err);

/* Where the listener of the container's seccomp filter goes, with the container's status at that moment;
 * agent is NULL when it has none. */
int launch_errand(const struct launch *launch, const char *status, struct listener_errand *errand,
		  struct error *err);
