/*
 * Steps of init are tried in a child, which they may change for good: its root, its user, its filter.
 */
#pragma once

#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/error.h"

/* The exit status of a child that could not set up what it needs: it shows nothing. */
enum { CHILD_SKIPPED = 77 };

/* Runs function in a child and returns what it returns; its error comes back in *err.  CHILD_SKIPPED if it
 * called skip(). */
static inline int in_child(int (*function)(void *context, struct error *err), void *context,
			   struct error *err)
{
	struct {
		struct error error;
		int result;
	} *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);
	int status = 0, result;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		shared->result = function(context, &shared->error);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	result = shared->result;
	*err = shared->error;
	munmap(shared, sizeof(*shared));
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_SKIPPED)
		return CHILD_SKIPPED;
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child's status is %#x",
		      (unsigned int)status);
	return result;
}

static inline void skip_unless(int possible)
{
	if (!possible)
		_exit(CHILD_SKIPPED);
}
