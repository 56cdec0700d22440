/* What hooks read on their standard input: the container's state. */
#pragma once

#include "linux/container.h"

/* For the runtime: prepares the text, all but what is not known yet. */
int hook_state_prepare(struct container *container, struct error *err);

/* The state as JSON, with container->init_pid.  Lies in the plan, until the next call. */
const char *hook_state(struct container *container, const char *status);
