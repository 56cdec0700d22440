/*
 * A call of CRIU, which dumps a container's processes to files and makes them again.
 *
 *	https://criu.org/RPC, criu(8)
 *
 * "criu swrk" takes one request over a socket, reports what it is about to do, and answers.  It is found in PATH and
 * started for one request; who never makes one needs no CRIU.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "basic/error.h"
#include "criu/options.h"

enum { CRIU_MOST_PASSED = 32 };

enum criu_task {
	CRIU_DUMP = 1,
	CRIU_RESTORE = 2,
	CRIU_PRE_DUMP = 4,
	CRIU_FEATURES = 9,
	CRIU_VERSION = 10,
};

/* What CRIU tells while it is at work; it waits for the answer. */
struct criu_notice {
	const char *what; /* "post-restore" and such */
	pid_t pid;	  /* of the first process, or 0 */
	int fd; /* of "orphan-pts-master": the terminal's other side; or -1.  Stays CRIU's call's. */
};

/* A failure makes CRIU undo what it has done. */
typedef int criu_heed(void *context, const struct criu_notice *notice, struct error *err);

/* What is left to do in the child that becomes CRIU. */
typedef int criu_begin(void *context, struct error *err);

/* Begin with {.arena = arena}. */
struct criu_call {
	struct arena *arena;
	criu_heed *heed;   /* or NULL */
	criu_begin *begin; /* or NULL */
	void *context;	   /* of both */
	pid_t pid;	   /* CRIU's own, while it is at work */
	int passed[CRIU_MOST_PASSED];
	int passed_len;
};

/* Hands fd, which stays the caller's, over to CRIU; returns the number that CRIU has it by. */
int criu_pass(struct criu_call *call, int fd);

/* What CRIU answers. */
struct criu_answer {
	bool success;
	int code; /* an errno, or 0 */
	int major, minor, sublevel;
	bool tracks_memory, has_lazy_pages;
};

/* An error if CRIU could not be asked, or a notice was not heeded; what CRIU itself failed at is told by the
 * answer. */
int criu_ask(struct criu_call *call, enum criu_task task, const struct criu_options *options,
	     struct criu_answer *answer, struct error *err);

/* Fails if CRIU is older than what proa needs, or is not there. */
int criu_expect(struct arena *arena, struct error *err);

/* The error of a request that has failed: what its log, name in the open directory work, says of it. */
int criu_explain(int work, const char *name, const struct criu_answer *answer, struct error *err);
