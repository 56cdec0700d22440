/*
 * The options of the cgroup version 2 file system, which all its mounts have in common: nsdelegate and such.
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#mounting
 *
 * CRIU mounts it without any, and so takes them from the whole machine.  What they were is kept, as long as a CRIU is at
 * work, as an extended attribute of the root: whoever begins meanwhile cannot see it any more, nor can anybody after one who
 * was killed.
 */
#pragma once

#include <limits.h>

enum { ROOT_OPTIONS_SIZE = 256 };

struct root_options {
	int fd;			       /* of the root, locked as long as CRIU is at work; or -1 */
	char mount[PATH_MAX];	       /* where it is mounted; empty: nowhere that is known */
	char words[ROOT_OPTIONS_SIZE]; /* "rw,nsdelegate" */
};

void root_options_remember(struct root_options *options);

/* Gives it the options again that it had; where that fails, which is told, they are lost. */
void root_options_put_back(const struct root_options *options);

/* The same when CRIU is done. */
void root_options_forget(struct root_options *options);
