/*
 * Where a container's processes are counted and limited: its control group.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#control-groups
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html, cgroups(7)
 *
 * A cgroup's life:
 *
 *	cgroup_plan()	   decides where it will be; changes nothing.  The journal then stores the place.
 *	cgroup_begin()	   has somebody else make it, where the manager is that: systemd
 *	cgroup_create()	   makes its directories, and refuses one that is there already with processes in
 *			   it: it is another's
 *	clone3(2)	   with cgroup_clone_fd(), so that the child begins inside it (v2)
 *	cgroup_enter()	   the hierarchies that it could not begin in (v1)
 *	cgroup_limit()	   linux.resources, once the container's init needs no more than its program
 *	cgroup_delegate()  where the container may have cgroups of its own
 *	...		   other commands, from the stored place alone
 *	cgroup_update()	   other limits, while processes are in it
 *	cgroup_kill()	   ends what is in it and below
 *	cgroup_remove()	   removes it and what the container made below
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "basic/arena.h"
#include "basic/error.h"
#include "libocispec/types.h"

/*
 * The place of a container's cgroup is struct oci_record_cgroup, as it stands in the state record:
 *
 *	made	     cgroup_create() is done: what is in it is the container's
 *	manager      "cgroupfs", "systemd" or "disabled" (then nothing else is set): which of the managers
 *		     made it
 *	path	     its path below the hierarchies' roots, for people: "/machine/ctr"
 *	events	     the number of the file in v2 that tells of its processes, where v2 is all that it has
 *	v2	     its directory in the v2 hierarchy, absolute, or NULL: what is limited and removed
 *	leaf	     the directory below v2 that its processes are put into, absolute, or NULL: v2
 *	directories  its directories in the v1 hierarchies, absolute
 *	systemd	     the unit that it is, and where that systemd is reached
 */

/* What cgroup_plan() goes by. */
struct cgroup_wish {
	const char *id;
	const char *cgroups_path;	       /* linux.cgroupsPath, or NULL */
	const char *manager;		       /* the name of a manager, or NULL for the default */
	const struct oci_resources *resources; /* or NULL */
	const char *delegate; /* the name of a cgroup below for the processes, or NULL */
	const struct oci_pair *annotations; /* those for a systemd's unit among them */
	size_t annotations_len;
	const char *subgroup; /* the level below a systemd's scope: NULL: as usual, "": none */
	bool optional; /* a plain user's container may run where it is when nothing is delegated */
};

/* The level below a systemd's scope is named by this annotation. */
#define SYSTEMD_SUBGROUP "run.oci.systemd.subgroup"

/* Who keeps a systemd's scope alive until the container's first process is in it; zeroed: nobody. */
struct cgroup_keeper {
	pid_t pid; /* a child */
	int socket;
};

/*
 * How cgroups are managed: one implementation each for the cgroup file systems, for a systemd, and
 * for none.  All are called through the functions below, by the name that the place holds.
 */
struct cgroup_manager {
	const char *name;
	int (*plan)(const struct cgroup_wish *wish, struct arena *arena,
		    struct oci_record_cgroup *place, struct error *err);
	int (*begin)(const struct cgroup_wish *wish, struct arena *arena,
		     struct oci_record_cgroup *place, struct cgroup_keeper *keeper,
		     struct error *err); /* or NULL, as fetch and tell_limits */
	int (*create)(const struct oci_record_cgroup *place, struct error *err);
	int (*fetch)(const struct oci_record_cgroup *place, const struct cgroup_keeper *keeper,
		     struct error *err);
	int (*tell_limits)(const struct oci_record_cgroup *place,
			   const struct oci_resources *resources,
			   const struct cgroup_keeper *keeper, struct error *err);
	int (*enter)(const struct oci_record_cgroup *place, pid_t pid, bool cloned,
		     struct error *err);
	int (*limit)(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		     struct error *err);
	int (*update)(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		      struct error *err);
	int (*kill)(const struct oci_record_cgroup *place, struct error *err);
	int (*remove)(const struct oci_record_cgroup *place, struct error *err);
};

/* Whether there is a manager of this name, which may be NULL, and this build has it. */
int cgroup_check_manager(const char *name, struct error *err);

/* Fills in *place, whose strings lie in the arena. */
int cgroup_plan(const struct cgroup_wish *wish, struct arena *arena,
		struct oci_record_cgroup *place, struct error *err);

/* Fills in what of the place could not be known before.  After a failure, and when the limits are set, it
 * takes cgroup_dismiss(). */
int cgroup_begin(const struct cgroup_wish *wish, struct arena *arena,
		 struct oci_record_cgroup *place, struct cgroup_keeper *keeper, struct error *err);

/* Waits until the keeper is gone; accepts a zeroed one.  A scope that is empty then ends by itself. */
void cgroup_dismiss(struct cgroup_keeper *keeper);

/* Fills in its number.  After a failure nothing is left of it. */
int cgroup_create(struct oci_record_cgroup *place, struct error *err);

/* Gives the directory that the processes are in, with the files in it that the kernel names for this, to
 * uid and gid, or to uid alone if gid is -1.  Only version 2 can do this safely; nothing without it. */
int cgroup_delegate(const struct oci_record_cgroup *place, uid_t uid, gid_t gid, struct error *err);

/* An fd of the v2 directory for the processes, for CLONE_INTO_CGROUP, or -1 if there is none. */
int cgroup_clone_fd(const struct oci_record_cgroup *place);

/* The same of the v2 cgroup that pid is in, if that is the place's or below it; otherwise -1. */
int cgroup_clone_fd_of(const struct oci_record_cgroup *place, pid_t pid);

/*
 * Moves pid into the hierarchies that clone3(2) did not put it in: the v1 ones, and v2 too unless
 * cloned.
 *
 * A pid of 0 is the caller itself, which then must have a single thread.  In version 1 that is 20
 * times as fast, because nothing in the kernel has to stand still for it: a child that has just
 * been cloned, and still sees the host's files, best does so itself.
 */
int cgroup_enter(const struct oci_record_cgroup *place, pid_t pid, bool cloned, struct error *err);

/* The directory of version 1 where memory is counted, or NULL. */
const char *cgroup_memory_v1(const struct oci_record_cgroup *place);

/* An fd by which whoever writes "0" to it gets into this directory, with the rights of the opener, or -1. */
int cgroup_open_tasks(const char *directory, bool v2);

/* Has the keeper move the calling process in, wherever in v2 it is now: into a cgroup of a user's systemd
 * only that may move those from outside.  Fine without a keeper: then *inside stays as it is. */
int cgroup_fetch(const struct oci_record_cgroup *place, const struct cgroup_keeper *keeper,
		 bool *inside, struct error *err);

/* Whoever made the cgroup is told its limits by the keeper, so as not to undo them; cgroup_limit() comes
 * behind it. */
int cgroup_tell_limits(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		       const struct cgroup_keeper *keeper, struct error *err);

/* What cgroup_limit() does first for these limits, which the time until then is good for; never fails. */
void cgroup_limit_ahead(const struct oci_record_cgroup *place,
			const struct oci_resources *resources);

/* The limits of a new cgroup, and which devices may be used in it: that is restricted even when
 * resources says nothing of it, or is NULL. */
int cgroup_limit(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		 struct error *err);

/* Sets what resources names, and leaves the rest as it is; devices only where there are rules.  After a
 * failure all is as it was, and the error says so, or what could not be set back. */
int cgroup_update(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		  struct error *err);

/* The pids in it and below, each once, in the arena; their count in *count. */
int cgroup_processes(const struct oci_record_cgroup *place, struct arena *arena, pid_t **pids,
		     size_t *count, struct error *err);

/* Ends every process in it and below, frozen ones too, and waits (bounded) until they are gone.
 * Fine when it is gone or empty.  Never signals a process of which it is not sure that it is
 * inside. */
int cgroup_kill(const struct oci_record_cgroup *place, struct error *err);

/* Removes it with all below it.  Fine when it is gone. */
int cgroup_remove(const struct oci_record_cgroup *place, struct error *err);

/* Removes what is there of it, if nothing is in it.  For a cgroup that may be another's: whoever was to make
 * it was killed before he could say that he had. */
int cgroup_remove_empty(const struct oci_record_cgroup *place, struct error *err);

/* Removes it if nothing is in it any more, which is most often so once its first process has ended; false: something
 * is left to be killed or removed.  Only the kernel decides. */
bool cgroup_remove_at_once(const struct oci_record_cgroup *place);

/* Whether it is frozen ("paused"); false when it is gone. */
bool cgroup_frozen(const struct oci_record_cgroup *place);

/* Whether processes are in it, or below, that it does not hold ("running"), by one look.  False also where no single
 * file tells: in version 1, and while both versions are used. */
bool cgroup_at_work(const struct oci_record_cgroup *place);

/* Stops all processes in it and below where they are, and returns when they have; or lets them go on.  Those
 * that have not stopped after 10 seconds are let go on, and that is an error. */
int cgroup_freeze(const struct oci_record_cgroup *place, bool freeze, struct error *err);

/* The same for a moment, in which its processes are listed: they no longer fork.  False where that cannot be
 * had; after true cgroup_freeze() lets them go on. */
bool cgroup_hold(const struct oci_record_cgroup *place);

/* The directory by which all processes in it are frozen, or NULL where it has none. */
const char *cgroup_freezer(const struct oci_record_cgroup *place);

/* Where its processes are in a hierarchy, for whoever mounts that himself. */
struct cgroup_part {
	const char *controller; /* one of version 1; "": version 2 */
	const char *path;	/* from the hierarchy's root */
};

/* All of them, in the arena; in a hierarchy that has none of the place, that of the caller. */
int cgroup_parts(const struct oci_record_cgroup *place, struct arena *arena,
		 struct cgroup_part **parts, size_t *count, struct error *err);

/* Its directory in the hierarchy of these controllers, as /proc/PID/cgroup writes them ("": version 2); *directory is NULL
 * where it has none. */
int cgroup_directory(const struct oci_record_cgroup *place, const char *controllers,
		     struct arena *arena, const char **directory, struct error *err);

/* The error of a container that has no cgroup of its own, or 0: it has one.  place may be NULL. */
int cgroup_none(const struct oci_record_cgroup *place, struct error *err);
