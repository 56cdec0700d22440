#include "linux/seccomp-library.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "basic/cleanup.h"
#include "linux/seccomp-calls.h"
#include "linux/seccomp-names.h"
#include "linux/seccomp-stub.h"

enum { MOST_ARGUMENTS = 6 };

static void release_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

#define autofilter __attribute__((cleanup(release_filter)))

/* -- rules ------------------------------------------------------------------------------------- */

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
	struct scmp_arg_cmp conditions[MOST_ARGUMENTS];
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

static int add_syscall(scmp_filter_ctx filter, const struct oci_syscall *rule,
		       uint32_t default_action, struct error *err)
{
	uint32_t action = seccomp_rule_action(rule);

	/* libseccomp takes a rule that says what is so anyway for a mistake. */
	if (action == default_action)
		return 0;
	for (size_t i = 0; i < rule->names_len; i++) {
		int number = seccomp_syscall_resolve_name(rule->names[i]);
		int r = number == __NR_SCMP_ERROR ? 0 : add_rule(filter, action, number, rule);

		if (r < 0)
			return error_errno(err, -r, "add a rule for %s", rule->names[i]);
	}
	return 0;
}

static int fill_filter(scmp_filter_ctx filter, const struct seccomp_profile *profile,
		       struct error *err)
{
	/* init sets no_new_privs itself, or not at all; a binary tree is a third as long to run. */
	int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);

	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 1; i < profile->architectures_len && r == 0; i++)
		r = seccomp_arch_add(filter, profile->architectures[i]);
	if (r < 0)
		return error_errno(err, -r, "linux.seccomp: set up libseccomp");
	for (size_t i = 0; i < profile->seccomp->syscalls_len; i++)
		if (add_syscall(filter, &profile->seccomp->syscalls[i], profile->default_action,
				err) < 0)
			return error_in(err, "linux.seccomp.syscalls[%zu]", i);
	return 0;
}

/* -- the filter -------------------------------------------------------------------------------- */

/* libseccomp does not tell the number of a call that can be made as a part of another one, too. */
static int number_of(uint32_t architecture, const char *name)
{
	const struct seccomp_architecture_calls *calls = seccomp_calls_of(architecture);
	int number = seccomp_syscall_resolve_name_arch(architecture, name);
	int call = seccomp_call_find(name);

	for (size_t i = 0; number < 0 && calls && call >= 0 && i < calls->calls_len; i++)
		if (seccomp_calls[calls->calls + i].name == (unsigned int)call)
			number = (int)seccomp_calls[calls->calls + i].number;
	return number;
}

static uint32_t newest_of(const struct oci_seccomp *seccomp, uint32_t architecture)
{
	int newest = -1;

	for (size_t i = 0; i < seccomp->syscalls_len; i++) {
		const struct oci_syscall *rule = &seccomp->syscalls[i];

		for (size_t j = 0; j < rule->names_len; j++) {
			int number = number_of(architecture, rule->names[j]);

			newest = number > newest ? number : newest;
		}
	}
	return newest < 0 ? UINT32_MAX : (uint32_t)newest;
}

static size_t make_stub(const struct seccomp_profile *profile,
			struct sock_filter stub[SECCOMP_STUB_MOST])
{
	struct seccomp_limit limits[SECCOMP_MOST_ARCHITECTURES];
	size_t count = 0;

	if (!seccomp_profile_refuses_newer(profile))
		return 0;
	for (size_t i = 0; i < profile->architectures_len; i++) {
		if (profile->architectures[i] == SCMP_ARCH_X32)
			continue;
		limits[count++] = (struct seccomp_limit){
			.architecture = profile->architectures[i],
			.newest = newest_of(profile->seccomp, profile->architectures[i]),
		};
	}
	return seccomp_stub(limits, count, stub);
}

/* Copies what libseccomp made behind the stub, into the arena. */
static int take_filter(struct container *container, scmp_filter_ctx filter,
		       const struct sock_filter *stub, size_t stub_len, struct error *err)
{
	autoclose int fd = memfd_create("seccomp", MFD_CLOEXEC);
	struct seccomp_plan *plan = &container->seccomp;
	struct stat status;
	int r;

	if (fd < 0)
		return error_errno(err, errno, "take the filter from libseccomp");
	r = seccomp_export_bpf(filter, fd);
	if (r < 0 || fstat(fd, &status) < 0)
		return error_errno(err, r < 0 ? -r : errno, "take the filter from libseccomp");
	plan->filter_len = stub_len + (size_t)status.st_size / sizeof(*plan->filter);
	if (plan->filter_len > BPF_MAXINSNS)
		return error_config(err, "the filter has %zu instructions, but the kernel takes %d",
				    plan->filter_len, BPF_MAXINSNS);
	plan->filter = arena_array(container->arena, struct sock_filter, plan->filter_len);
	if (!plan->filter)
		return arena_full(container->arena, err);
	memcpy(plan->filter, stub, stub_len * sizeof(*stub));
	if (pread(fd, plan->filter + stub_len, (size_t)status.st_size, 0) != status.st_size)
		return error_errno(err, EIO, "take the filter from libseccomp");
	return 0;
}

int seccomp_by_library(struct container *container, const struct seccomp_profile *profile,
		       struct error *err)
{
	autofilter scmp_filter_ctx filter = seccomp_init(profile->default_action);
	struct sock_filter stub[SECCOMP_STUB_MOST];

	if (!filter)
		return error_config(err, "linux.seccomp.defaultAction: libseccomp refuses %s",
				    profile->seccomp->default_action);
	if (fill_filter(filter, profile, err) < 0)
		return -err->code;
	if (take_filter(container, filter, stub, make_stub(profile, stub), err) < 0)
		return error_in(err, "linux.seccomp");
	return 0;
}
