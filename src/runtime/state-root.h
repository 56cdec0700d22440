/*
 * Where the state of containers is kept: ROOT/ID/ for each, with state.json in it.
 *
 * ROOT is the option --root, or else $XDG_RUNTIME_DIR/proa when that variable holds an absolute
 * path, /run/proa for root, /run/user/UID/proa for anybody else.  It must come out the same for
 * every command of a container, so it depends on nothing else.
 *
 * Whoever can write to ROOT decides what the runtime kills, unmounts and runs as a hook.  So it is
 * made with 0700, and one that another user owns or that others may write to is refused.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "basic/error.h"

/* An id is the name of a directory and a part of the names of others: cgroups, temporary files. */
enum { CONTAINER_ID_MOST = 240 };

struct state_root {
	const char
		*path; /* absolute; the caller's own word, or in memory that the next one takes */
	int fd;	       /* of the directory, O_PATH, or -1: there is none, and so no container */
	bool forgets;  /* it goes when the machine does, so that all in it is of this boot */
};

/* chosen is the option --root, or NULL.  Only with make is a missing directory made. */
int state_root_open(struct state_root *root, const char *chosen, bool make, struct error *err);

/* Accepts a root that could not be opened, and a zeroed one. */
void state_root_release(struct state_root *root);

/* An id is of the form [A-Za-z0-9_+][A-Za-z0-9_+.-]*, of at most CONTAINER_ID_MOST bytes. */
int container_id_validate(const char *id, struct error *err);
bool container_id_valid(const char *id);

/*
 * These return a file descriptor of the directory ROOT/ID.  As long as one is open and locked, no
 * other command changes the container; a lock is gone when the process is.  Another's lock is
 * waited for, but not for ever: the error names its holder.
 *
 *	make	for a new container; locked; an error if there is one of this id
 *	open	not locked; for those who only look
 *	lock	locked
 *
 * -ENOENT from the latter two: "container does not exist".
 */
int container_directory_make(const struct state_root *root, const char *id, struct error *err);
int container_directory_open(const struct state_root *root, const char *id, struct error *err);
int container_directory_lock(const struct state_root *root, const char *id, struct error *err);

/* The same with a directory that has stayed open without its lock: it may be another's by now, or gone. */
int container_directory_lock_again(const struct state_root *root, const char *id, int directory,
				   struct error *err);

/* The error of a container that is not there; returns -ENOENT. */
int container_missing(const struct state_root *root, const char *id, struct error *err);
