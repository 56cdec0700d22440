/*
 * What a container is at this moment.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/runtime.md#state
 *
 * Nothing that is written down can say so: processes end, and a machine restarts, without telling.
 * So the status is found anew each time, from the record, the process, and the cgroup:
 *
 *	creating   the record says so, and whoever makes it is at work: it holds the lock
 *	created	   the first process lives and is still proa's own program, which waits for start
 *	running	   the first process lives and is the container's program
 *	paused	   ... and is frozen
 *	stopped	   in all other cases, whoever has its pid now
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "basic/arena.h"
#include "basic/error.h"
#include "libocispec/types.h"
#include "runtime/state-root.h"

enum status {
	STATUS_CREATING,
	STATUS_CREATED,
	STATUS_RUNNING,
	STATUS_PAUSED,
	STATUS_STOPPED,
};

/* As the specification spells it. */
const char *status_name(enum status status);

/* A container as it was found. */
struct view {
	const struct oci_record *record; /* in the arena */
	enum status status;
	pid_t pid;     /* of the first process, or 0 when it is gone */
	int pidfd;     /* of the first process, or -1 when it is gone */
	int directory; /* ROOT/ID */
};

/* -ENOENT: "container does not exist".  On failure there is nothing to release. */
int view_open(struct view *view, const struct state_root *root, const char *id, struct arena *arena,
	      struct error *err);

/* The same for who only looks: no descriptor stays open, and there is nothing to release. */
int view_look(struct view *view, const struct state_root *root, const char *id, struct arena *arena,
	      struct error *err);

/* The same for who looks at many, and does nothing to them: a container that runs is not asked for its first process,
 * but for whether there is work in its cgroup.  While somebody freezes it, it runs until all have stopped. */
int view_glance(struct view *view, const struct state_root *root, const char *id,
		struct arena *arena, struct error *err);

/* The same, and nobody else changes the container until view_release(). */
int view_open_locked(struct view *view, const struct state_root *root, const char *id,
		     struct arena *arena, struct error *err);

/* The same by the record before the present one, which cannot be read. */
int view_open_before(struct view *view, const struct state_root *root, const char *id,
		     struct arena *arena, struct error *err);

void view_release(struct view *view);

/* The error "ID: container not running"; returns -ESRCH. */
int view_not_running(const char *id, struct error *err);
