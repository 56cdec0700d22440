/* A runtime that stays with its container: signals go in, the exit status comes out. */
#pragma once

#include <signal.h>

#include "basic/error.h"
#include "launch/launch.h"

struct notify_proxy; /* runtime/notify-socket.h */

struct foreground {
	int signals;		     /* a signalfd for all that is passed on */
	sigset_t mask;		     /* what the caller had blocked */
	struct notify_proxy *notify; /* or NULL */
	bool raw; /* the user's terminal is set to pass everything on, and is reset at the end */
	bool subreaper;
};

/* To be called before the container's init is cloned: no signal is missed, and no orphan of the
 * container. */
int foreground_begin(struct foreground *foreground, struct error *err);

/* Waits for the container's end.  With a terminal (launch->console) copies between it and stdio. */
int foreground_wait(struct foreground *foreground, const struct launch *launch, int *exit_status,
		    struct error *err);

void foreground_end(struct foreground *foreground);
