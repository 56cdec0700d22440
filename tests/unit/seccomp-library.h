/*
 * A filter as libseccomp makes it: what ours is compared with.  It answers no call with ENOSYS because it is newer
 * than the profile.
 *
 *	https://github.com/seccomp/libseccomp, seccomp_rule_add(3)
 */
#pragma once

#include <check.h>
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "linux/seccomp-names.h"
#include "linux/seccomp-profile.h"

enum { MOST_INSTRUCTIONS = 1 << 16 };

static struct scmp_arg_cmp comparison(const struct oci_syscall_arg *arg)
{
	return (struct scmp_arg_cmp){
		.arg = arg->index,
		.op = (enum scmp_compare)name_find(seccomp_operators, arg->op)->value,
		.datum_a = arg->value,
		.datum_b = arg->value_two,
	};
}

/* libseccomp has no rules of which any condition is enough: there each condition becomes a rule. */
static int add_rule(scmp_filter_ctx filter, uint32_t action, int number,
		    const struct oci_syscall *rule)
{
	struct scmp_arg_cmp conditions[6];
	bool any = seccomp_rule_is_any(rule);
	int r = 0;

	for (size_t i = 0; i < rule->args_len; i++) {
		conditions[any ? 0 : i] = comparison(&rule->args[i]);
		if (any)
			r = seccomp_rule_add_array(filter, action, number, 1, conditions);
		if (r < 0 && r != -EEXIST)
			return r;
	}
	if (!any)
		r = seccomp_rule_add_array(filter, action, number, (unsigned int)rule->args_len,
					   conditions);
	return r == -EEXIST ? 0 : r;
}

static void add_syscall(scmp_filter_ctx filter, const struct oci_syscall *rule,
			uint32_t default_action)
{
	uint32_t action = seccomp_rule_action(rule);

	/* libseccomp takes a rule that says what is so anyway for a mistake. */
	if (action == default_action)
		return;
	for (size_t i = 0; i < rule->names_len; i++) {
		int number = seccomp_syscall_resolve_name(rule->names[i]);

		if (number != __NR_SCMP_ERROR)
			ck_assert_int_eq(add_rule(filter, action, number, rule), 0);
	}
}

/* Returns the filter's length. */
static size_t filter_by_library(const struct seccomp_profile *profile,
				struct sock_filter room[MOST_INSTRUCTIONS])
{
	scmp_filter_ctx filter = seccomp_init(profile->default_action);
	int fd = memfd_create("filter", MFD_CLOEXEC);
	ssize_t bytes;

	ck_assert_ptr_nonnull(filter);
	ck_assert_int_eq(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2), 0);
	for (size_t i = 1; i < profile->architectures_len; i++)
		ck_assert_int_eq(seccomp_arch_add(filter, profile->architectures[i]), 0);
	for (size_t i = 0; i < profile->seccomp->syscalls_len; i++)
		add_syscall(filter, &profile->seccomp->syscalls[i], profile->default_action);
	ck_assert_int_eq(seccomp_export_bpf(filter, fd), 0);
	seccomp_release(filter);
	bytes = pread(fd, room, MOST_INSTRUCTIONS * sizeof(*room), 0);
	close(fd);
	ck_assert_int_gt(bytes, 0);
	return (size_t)bytes / sizeof(*room);
}
