/* What "run" and "restore" have in common: the caller stays until the program's end, or goes when it runs. */
#pragma once

#include "basic/error.h"
#include "runtime/creation.h"
#include "runtime/notify-socket.h"

/* Makes the container, and returns when its program runs; after a failure nothing is left of it. */
typedef int run_begin(struct creation *creation, struct notify_proxy *notify, struct error *err);

/* Begins it, waits for the end unless the request is detached, and releases the creation; the rest is as
 * container_run() has it. */
int run_by(struct creation *creation, run_begin *begin, int *exit_status, struct error *end,
	   struct error *err);
