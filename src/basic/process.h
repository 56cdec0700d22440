/*
 * Which process is meant.  A pid alone does not say: it is given to another process as soon as its
 * owner is gone.  With the time at which the process started it does, and the inode number of its
 * pidfd, where the kernel gives each process its own (Linux 6.9), says it without any doubt.  Both begin anew with
 * the machine.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "basic/error.h"

struct process {
	pid_t pid;	      /* in this process's pid namespace, or 0: none */
	uint64_t start_time;  /* clock ticks since boot, as below; 0: nobody asks for it */
	uint64_t pidfd_inode; /* or 0 where the kernel does not tell processes apart by it */
	bool of_this_boot; /* nobody asks for it who is of another boot: then the inode is enough */
};

/* What is told of a living process by /proc/PID/stat. */
struct process_status {
	char name[16]; /* its command name */
	char state;    /* as in proc(5): R, S, D, Z, ... */
	pid_t parent;
	bool exiting;	     /* it has begun to end */
	uint64_t start_time; /* field 22, in clock ticks since boot */
};

/* Returns 0 or a negative errno (-ESRCH: there is none). */
int process_status(pid_t pid, struct process_status *status);

/* Fills in process, whose of_this_boot is set already, for a pid that cannot be another's yet: a child's that has not
 * been waited for.  pidfd is open on it, or -1: then it goes without the inode. */
int process_identify(pid_t pid, int pidfd, struct process *process, struct error *err);

/* Opens a pidfd of exactly this process; -ESRCH if it is gone, is a zombie, or its pid is another's now.
 * Any other errno says that this cannot be found out.  status may be NULL, which may cost less. */
int process_open(const struct process *process, struct process_status *status);

/* Whether it has been killed, or ends by itself, and only has not come to its end yet: which on a machine that has
 * much else to do may take seconds. */
bool process_is_ending(pid_t pid);

/* Waits until the process behind pidfd has ended, at most timeout milliseconds (-1: for ever).  Returns
 * 1 when it has, 0 when time is up, or a negative errno. */
int process_wait(int pidfd, int timeout);
