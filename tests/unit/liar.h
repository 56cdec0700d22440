/* A filter that lets a system call succeed and do nothing, as those do that make programs believe they are
 * root: for children, who never get rid of it. */
#pragma once

#include <check.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "basic/syscalls.h"
#include "child.h"

enum { ANY_ARGUMENT = -1 };

/* From here on the call of this number, with this first argument, is answered so: errno, or 0. */
static inline void answer(long number, int argument, unsigned int code)
{
	const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)argument, 0,
			 argument == ANY_ARGUMENT ? 0 : 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | code),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = {
		.len = sizeof(program) / sizeof(program[0]),
		.filter = (struct sock_filter *)(uintptr_t)program,
	};

	if (geteuid() != 0)
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	skip_unless(sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &filter) == 0);
}

static inline void lie_about(long number, int argument)
{
	answer(number, argument, 0);
}

/* Expects the action, in a child that lies about a call, to be refused with this text; false where no filter can be
 * loaded. */
static inline bool expect_refused(int (*action)(void *, struct error *), void *context,
				  const char *text, struct error *err)
{
	int r;

	*err = (struct error){0};
	r = in_child(action, context, err);
	if (r == CHILD_SKIPPED)
		return false;
	ck_assert_msg(r == -EINVAL, "%d: %s", r, err->text);
	ck_assert_str_eq(err->text, text);
	return true;
}
