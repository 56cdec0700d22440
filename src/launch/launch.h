/*
 * How a container is made, the runtime's side.
 *
 *	launch_plan()	  looks at everything, changes nothing
 *	launch_begin()	  clones, and sees to it that there is an init
 *	launch_see_ready() answers until init is ready
 *	launch_commit()	  init may go on without this process
 *	launch_start()	  where this process stays: the program begins
 *	launch_abort()	  after a failure at any moment: nothing of it is left
 *
 * Another program of a container that is there (exec) begins in the same way, but with launch_plan_exec(),
 * and launch_become() in the place of launch_start().
 */
#pragma once

#include <stdbool.h>

#include "basic/process.h"
#include "cgroup/oom.h"
#include "linux/container.h"

struct cgroup_keeper;	/* cgroup/cgroup.h */
struct listener_errand; /* launch/listener.h */
struct net_move;	/* linux/net-devices.h */

struct launch {
	struct container *container;
	const struct oci_record_cgroup *cgroup;
	struct cgroup_keeper *keeper; /* of the cgroup, until it has its limits */
	const char *console_socket;   /* where the terminal is sent, or NULL: it is kept */
	const char *pidfd_socket;     /* where a pidfd of init is sent, or NULL */
	const char *target_status;    /* exec: what the container is, for the seccomp agent */
	bool below;		      /* exec: into a cgroup that the container has made */
	bool patient;		      /* exec: wait for as long as it takes: it may be paused */

	int image;		 /* proa-init in memory, while launch_begin() is at work */
	bool cloned_into_cgroup; /* into its v2 directory */
	bool outside;		 /* exec: it stays in the caller's cgroup */
	struct process init;	 /* pid is 0 until there is one */
	int init_pidfd;
	pid_t stage; /* 0 when there is none or it has ended */
	int stage_pidfd;
	int socket;	  /* the runtime's side of the talk with init */
	int stage_socket; /* and with the stage */
	int lock;	  /* the container's directory, locked: the child lets go of it */
	int console;	  /* the terminal that init gave, when it is kept; or -1 */
	struct net_move *net_devices; /* those that were moved into the container, or NULL */
	struct oom_before memory;     /* what the counters were before there was an init */
	const char
		*memory_later; /* the directory that init enters later than all others, or NULL */
};

/* Validates config.json and prepares the plan; container->arena, config, id and bundle and the caller's
 * choices are set, the rest is zeroed. */
int launch_plan(struct container *container, struct error *err);

/* The same for exec: container->target and what belongs to it are set too, and the config has process, and
 * of the rest no more than section_is_for_exec(). */
int launch_plan_exec(struct container *container, struct error *err);

/* cgroup exists by now.  Init is at work when this returns, which is the time for what nobody waits for. */
int launch_begin(struct launch *launch, struct error *err);

/* When this returns init has done all but the exec, and waits. */
int launch_see_ready(struct launch *launch, struct error *err);

int launch_commit(struct launch *launch, struct error *err);

/* pid, a child that somebody else has made (restore), is init: in the place of launch_begin() and all that follows. */
int launch_adopt(struct launch *launch, pid_t pid, struct error *err);
int launch_start(struct launch *launch, struct error *err);

/* exec, after launch_commit(): returns when the program has begun. */
int launch_become(struct launch *launch, struct error *err);

/* Ends init and the stage, and waits until they are gone.  Accepts what never began. */
void launch_abort(struct launch *launch);

/* Tells START over socket, to an init that waits for it, and sees it through until the program has begun.
 * *executing tells whether it came as far as the program's exec, all hooks done, and the agent, if errand
 * names one, having the listener of its seccomp filter. */
int start_over(int socket, const struct listener_errand *errand, bool *executing,
	       struct error *err);
