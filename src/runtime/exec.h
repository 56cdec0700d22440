/*
 * "exec": another program in a container that is there.
 *
 * What the program's process is like is said by a file (--process), or by options, which change what
 * config.json said of the container's own process.  What neither says is as it is for that process.
 */
#pragma once

#include <stdbool.h>

#include "basic/error.h"
#include "basic/text-list.h"
#include "runtime/state-root.h"

/* What the user chose; strings are NULL where nothing was said. */
struct exec_request {
	const char *id;
	const char *process_file; /* "-" is standard input */

	/* Without a file: */
	const char *const *args; /* the program and its arguments, ended by NULL */
	struct text_list env, capabilities, additional_gids;
	const char *cwd, *user, *apparmor, *selinux_label;
	bool terminal, no_new_privileges;

	struct text_list cgroups;   /* as cgroup/below.h takes them */
	const char *console_socket; /* where the other side of its terminal is sent */
	const char *pid_file;	    /* gets its pid, once the program has begun */
	const char *pidfd_socket;   /* where a pidfd of it is sent */
	unsigned int preserve_fds;  /* 3 and up, how many it gets */
	unsigned int listen_fds;    /* the first of them that are sockets of sd_listen_fds(3) */
	bool detach;		    /* do not wait for its end */
	bool ignore_paused;	    /* do not refuse a paused container */
};

/* Returns when the program has ended, or with detach when it has begun.  Its exit status, or 128 and the
 * signal that ended it, is put into *exit_status. */
int container_exec(const struct state_root *root, const struct exec_request *request,
		   int *exit_status, struct error *err);
