/* How the listener of a seccomp filter gets from init to the agent that answers for it. */
#pragma once

#include "basic/error.h"
#include "launch/protocol.h"

struct listener_errand {
	const char *agent; /* the agent's socket */
	const char *state; /* what it is told: linux/seccomp-listener.h */
	int pidfd;	   /* init's */
};

/* Answers TAKE_LISTENER, which came over socket: DONE when the agent can be reached; then, as soon as init
 * has loaded its filter, gives the agent the listener and lets init go on. */
int listener_take(int socket, const struct listener_errand *errand, const struct letter *request,
		  struct error *err);
