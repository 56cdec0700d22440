/*
 * A cgroup's directory with all below it, in any one hierarchy.
 *
 * A container may have made directories below its own, as many and as deep as it liked: nothing
 * here is bounded by the length of a path, and what does not end is bounded in time or depth.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "basic/error.h"
#include "cgroup/patience.h"

/* Whether this errno means that the cgroup is gone: ENODEV is what one answers that is removed
 * while it is open. */
static inline bool tree_gone(int code)
{
	return code == ENOENT || code == ENODEV;
}

/* What is done at each directory; dir is open on it.  A negative errno ends the walk. */
typedef int tree_visitor(int dir, void *context, struct error *err);

/* Visits the directory at path and all below it, each before what is in it.  Fine when it is
 * gone. */
int tree_visit(const char *path, tree_visitor *visit, void *context, struct error *err);

/* What is done with each pid of cgroup.procs; 0 is a process of another pid namespace. */
typedef int pid_visitor(pid_t pid, void *context, struct error *err);

/* Of the one directory.  A threaded cgroup lists none: its domain lists them, and that is above
 * it. */
int tree_pids(int dir, pid_visitor *visit, void *context, struct error *err);

/* A growing list of pids; released with free(list.pids). */
struct pid_list {
	pid_t *pids;
	size_t count, size;
	size_t foreign; /* how many more there are that belong to other pid namespaces */
};

/* Adds the pids of the directory and all below it. */
int tree_processes(const char *path, struct pid_list *list, struct error *err);

/* Sends SIGKILL to each process that is in it at that time; returns how many were there. */
int tree_kill(const char *path, struct error *err);

/* Removes the directory with all below it, and waits, as long as there is patience, for
 * processes that are still ending in it.  Fine when it is gone. */
int tree_remove(const char *path, struct patience *patience, struct error *err);

/* The error "DOING cgroup PATH" with the processes that are in it, or 0 if there are none. */
int tree_explain_busy(const char *path, const char *doing, struct error *err);
