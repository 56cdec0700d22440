/*
 * Whose memory limit it was that a process died of.
 *
 * The kernel counts, for each cgroup, how many of its processes were killed for lack of memory, and how often its
 * own limit was the reason.  The counters of the cgroups above a container's are shared with others, so what
 * they were before is remembered, and what has grown since tells.
 */
#pragma once

#include "cgroup/cgroup.h"

enum { OOM_MOST_LEVELS = 16 }; /* what lies higher up is not looked at */

struct oom_before {
	const char *directory; /* that counts memory, of the container; NULL: none does */
	bool v2;
	bool own_alone;			   /* nothing is known of the cgroups above */
	uint64_t killed;		   /* in it and below */
	int levels;			   /* how many could be its limit's: it and those above */
	uint64_t reached[OOM_MOST_LEVELS]; /* its limit, that of the cgroup above it, ... */
};

/* The strings are the place's. */
void oom_remember(const struct oci_record_cgroup *place, struct oom_before *before);

/* The same for whoever was not there yet: since the cgroup was made. */
void oom_since_made(const struct oci_record_cgroup *place, struct oom_before *before);

/* Whether a process in it was killed for lack of memory since then. */
bool oom_happened(const struct oom_before *before);

/* The error "container init was OOM-killed: ...", which tells whose limit was reached. */
int oom_explain(const struct oom_before *before, struct error *err);

/* -- being told of it ------------------------------------------------------------------------- */

/* A watch on a container's cgroup; fd is -1 where there is nothing to be told. */
struct oom_watch {
	int fd;	      /* for poll(2): POLLPRI of version 2, POLLIN of version 1 */
	int counters; /* version 1: the file that fd tells of; or -1 */
	uint64_t killed;
};

void oom_watch_begin(const struct oci_record_cgroup *place, struct oom_watch *watch);
void oom_watch_end(struct oom_watch *watch);

/* Which events to poll fd for. */
short oom_watch_events(const struct oom_watch *watch);

/* Whether there was an OOM since it was last asked.  Never waits. */
bool oom_watch_take(struct oom_watch *watch);
