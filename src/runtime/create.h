/*
 * How a container begins.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/runtime.md#lifecycle
 */
#pragma once

#include <stdbool.h>

#include "basic/error.h"
#include "runtime/state-root.h"

/* What the user chose; strings are NULL where nothing was said, unless noted. */
struct create_request {
	const char *id;
	const char *bundle;	    /* never NULL: "." for the current directory */
	const char *config_file;    /* never NULL: "config.json"; taken from the bundle */
	const char *pid_file;	    /* gets the first process's pid, when all has gone well */
	const char *console_socket; /* where the other side of the container's terminal is sent */
	const char *pidfd_socket;   /* where a pidfd of the first process is sent */
	const char *cgroup_manager; /* "cgroupfs" or "disabled" */
	bool no_pivot;
	bool no_new_keyring;
	bool detach;		   /* run: do not wait for the end */
	bool keep;		   /* run: do not delete the container at the end */
	unsigned int preserve_fds; /* 3 and up, how many the container's program gets */
	unsigned int listen_fds;   /* the first of them that are sockets of sd_listen_fds(3) */
	const char *notify_socket; /* who is told that the program is ready, see notify-socket.h */
};

/* Makes the container; its program waits for container_start().  A failure leaves nothing. */
int container_create(const struct state_root *root, const struct create_request *request,
		     struct error *err);

/* Creates, starts, waits for the end and deletes.  The program's exit status, or 128 and the signal
 * that ended it, is put into *exit_status; 0 with detach.  end, zeroed, is filled in when it was killed for
 * lack of memory. */
int container_run(const struct state_root *root, const struct create_request *request,
		  int *exit_status, struct error *end, struct error *err);

/* Returns when the program has begun; with notify_socket, when it says that it is ready. */
int container_start(const struct state_root *root, const char *id, const char *notify_socket,
		    struct error *err);
