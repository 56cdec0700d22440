/*
 * A container in the making, from the user's request to an init that waits: what "create" and "run" have
 * in common.
 *
 *	plan		nothing is changed
 *	journal		the record "creating", with all that is about to be made
 *	make		cgroup, namespaces, init
 *	commit		the record "created", of "run" the record "running"
 */
#pragma once

#include "basic/arena.h"
#include "cgroup/cgroup.h"
#include "launch/launch.h"
#include "runtime/create.h"
#include "runtime/pid-file.h"

struct creation {
	const struct state_root *root;
	const struct create_request *request;
	struct arena arena;
	struct container *container;
	struct oci_record record;
	struct oci_record_cgroup cgroup;
	struct cgroup_wish wish; /* for it */
	struct cgroup_keeper keeper;
	struct oci_record_process init;
	struct oci_hooks hooks;
	struct oci_record_listener listener;
	struct launch launch;
	int directory; /* ROOT/ID, locked; -1 before it is made */
	struct pid_file pid_file;
};

/* attached: the caller stays and says START itself.  After a failure nothing is left but what
 * creation_release() takes. */
int creation_make(struct creation *creation, bool attached, struct error *err);

/* The halves of it for who makes the processes in another way: the plan, with a directory for the record, after which
 * a failure takes creation_undo(); and all up to the cgroup.  starts: init will wait for "start". */
int creation_plan(struct creation *creation, bool attached, struct error *err);
int creation_journal(struct creation *creation, bool starts, struct error *err);

/* Removes what creation_make() made, keeping the error that made it necessary. */
void creation_undo(struct creation *creation);

/* Puts a record with this status in place. */
int creation_record(struct creation *creation, const char *status, struct error *err);

void creation_release(struct creation *creation);
