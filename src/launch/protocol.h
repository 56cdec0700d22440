/*
 * What the processes that make a container say to one another.
 *
 *	runtime                       stage                     init
 *	-------                       -----                     ----
 *	plans, journals, clones ----> begins
 *	                              joins and makes namespaces
 *	writes uid_map, gid_map <---- MAP_IDS
 *	                              clones -----------------> begins
 *	remembers init's pid <------- INIT_IS
 *	                              ends
 *	moves linux.netDevices <------------------------------- MOVE_DEVICES
 *	runs createRuntime hooks <----------------------------- RUN_HOOKS
 *	sends it to --console-socket <------------------------- TAKE_CONSOLE
 *	takes it to the seccomp agent <------------------------ TAKE_LISTENER (early)
 *	sets limits, commits the record <---------------------- READY
 *	ends                                                    waits for "start"
 *
 *	start -------------------------- START ---------------> runs startContainer hooks
 *	sees it through <--------------- EXECUTING -----------  is about to become the program
 *	takes it to the seccomp agent <- TAKE_LISTENER (late) -
 *	                                                        becomes the container's program
 *
 * Where one clone is enough there is no stage: init is cloned by the runtime, and says the stage's
 * words itself.  Then INIT_IS is not needed and left out.
 *
 * Only the children ask; the runtime does what it was asked and answers DONE.  The requests stand below in
 * the only order in which they may come: one may be left out when the config has no use for it, none may
 * come after a later one, and none twice.  The stage ends with INIT_IS or GOES_ON_AS and waits for no answer to
 * them.  NOTE may come at any time, and is not answered.  Whoever fails
 * sends FAILED with its error and ends; whoever ends without a word has failed too.  The stage and init have
 * a socket each, so that what init asks early waits until the stage has said its last.
 *
 * TAKE_LISTENER comes before a seccomp filter is loaded whose listener an agent is to get: early, before
 * the privileges go, or, with process.noNewPrivileges, last of all.  Its DONE is said in between, when the
 * agent can be reached; see launch/listener.c.
 *
 * exec has the same words, in the same order, and fewer of them:
 *
 *	runtime                       stage                     the program's process
 *	-------                       -----                     ---------------------
 *	plans, clones --------------> begins
 *	                              enters the namespaces
 *	sends it to --console-socket  TAKE_CONSOLE
 *	                              gives up its privileges
 *	                              clones -----------------> begins, in the pid namespace
 *	remembers its pid <---------- GOES_ON_AS
 *	                              ends
 *	sets limits <------------------------------------------ READY
 *	sees it through <-------------------------------------- TAKE_LISTENER (late)
 *	                                                        becomes the program
 *
 * Without a pid namespace to enter there is no stage, and the program's process says all of it.
 *
 * READY is the commit point: its DONE is sent after the record "created" is on disk.  An init that
 * sees its socket close before that ends by itself.
 */
#pragma once

#include <stdint.h>

#include "basic/error.h"

enum message {
	NO_MESSAGE,

	/* the stage's requests */
	MAP_IDS,
	INIT_IS, /* value: the pid which goes on as init */

	/* init's requests */
	MOVE_DEVICES, /* carries init's network namespace */
	RUN_HOOKS,
	TAKE_CONSOLE,  /* carries a file descriptor */
	TAKE_LISTENER, /* value: the listener's number to be; carries shared memory */

	GOES_ON_AS, /* exec's stage; value: the pid which becomes the program */

	READY,

	/* between "start" and init */
	START,
	EXECUTING,

	/* answers, and the last word of whoever fails */
	DONE,
	FAILED, /* carries a struct error */

	/* for the log: value is an enum log_level, and the text follows */
	NOTE,

	MESSAGE_COUNT
};

/* A message, what it is about, and a file descriptor or -1.  Whoever receives it owns the fd. */
struct letter {
	enum message message;
	int64_t value;
	int fd;
};

/* Does what one request asks for; returns 0, or SAID_DONE when it has answered already. */
enum { SAID_DONE = 1 };
typedef int answer_function(void *context, const struct letter *request, struct error *err);

/* The runtime's side of one conversation. */
struct conversation {
	int socket;
	answer_function *const
		*answers; /* one for each enum message, NULL: nothing to do but DONE */
	void *context;	  /* what the answers get */
};

const char *message_name(enum message message);

/* For the children: asks, and waits until it is done. */
int ask(int socket, const struct letter *request, struct error *err);

/* For either side: says one thing, without waiting for an answer. */
int tell(int socket, enum message message, struct error *err);
int tell_value(int socket, enum message message, int64_t value, struct error *err);
void tell_note(int socket, int level, const char *text);

/* Tells the other side why this one ends. */
void tell_failure(int socket, const struct error *err);

/* Waits for one letter, or for the other side's end.  What that failed of is this side's error.  A NOTE is
 * given to the log and waited past. */
int receive(int socket, struct letter *letter, struct error *err);

/* For the runtime: answers the requests which come later than after, up to the one named until.  That
 * one is answered too, unless it is READY: then the runtime commits first, and says DONE itself. */
int answer_requests(const struct conversation *conversation, enum message after, enum message until,
		    struct error *err);
int answer_done(const struct conversation *conversation, struct error *err);
