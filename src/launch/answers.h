/* What the runtime does when the stage or init asks. */
#pragma once

#include "launch/launch.h"
#include "launch/listener.h"

/* Until the stage has said its last: then launch->init is known. */
int answer_stage(struct launch *launch, struct error *err);

/* Until init is ready; READY's DONE is left for answer_ready(). */
int answer_init(struct launch *launch, struct error *err);
int answer_ready(struct launch *launch, struct error *err);

/* pid is init, or the process that exec is about. */
int launch_know_init(struct launch *launch, pid_t pid, struct error *err);

/* Where the listener of the container's seccomp filter goes, with the container's status at that moment;
 * agent is NULL when it has none. */
int launch_errand(const struct launch *launch, const char *status, struct listener_errand *errand,
		  struct error *err);
