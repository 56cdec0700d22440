/*
 * Compiles linux.seccomp with libseccomp, before the container is made.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#seccomp
 *	https://github.com/seccomp/libseccomp, seccomp_rule_add(3)
 *
 * A system call that libseccomp does not know is passed by: profiles name calls of all architectures, and
 * newer ones; unless the annotation run.oci.seccomp_fail_unknown_syscall is set.  What is newer than the whole profile is answered with ENOSYS, see linux/seccomp-stub.h.
 */
#include "linux/seccomp-compile.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "basic/cleanup.h"
#include "basic/log.h"
#include "basic/syscalls.h"
#include "linux/annotations.h"
#include "linux/seccomp-names.h"
#include "linux/seccomp-raw.h"
#include "linux/seccomp-stub.h"

enum { MOST_ARGUMENTS = 6, MOST_ARCHITECTURES = SECCOMP_STUB_ARCHITECTURES };

static void release_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

#define autofilter __attribute__((cleanup(release_filter)))

/* An action, with the number that belongs to it. */
static uint32_t full_action(const char *action, bool has_number, uint32_t number)
{
	uint32_t value = (uint32_t)name_find(seccomp_actions, action)->value;

	if (value == SECCOMP_RET_ERRNO || value == SECCOMP_RET_TRACE)
		value |= has_number ? number : EPERM;
	return value;
}

/* -- architectures ----------------------------------------------------------------------------- */

/* Who can run a program of the first can run one of the others, and would be out of the filter's reach. */
static const struct {
	uint32_t architecture, others[2];
} families[] = {
	{SCMP_ARCH_X86_64, {SCMP_ARCH_X86, SCMP_ARCH_X32}},
	{SCMP_ARCH_AARCH64, {SCMP_ARCH_ARM, 0}},
	{SCMP_ARCH_MIPS64, {SCMP_ARCH_MIPS, SCMP_ARCH_MIPS64N32}},
	{SCMP_ARCH_MIPSEL64, {SCMP_ARCH_MIPSEL, SCMP_ARCH_MIPSEL64N32}},
	{SCMP_ARCH_PPC64, {SCMP_ARCH_PPC, 0}},
	{SCMP_ARCH_S390X, {SCMP_ARCH_S390, 0}},
};

static int add_architecture(scmp_filter_ctx filter, uint32_t architecture, struct error *err)
{
	int r = seccomp_arch_add(filter, architecture);

	if (r == 0 || r == -EEXIST)
		return 0;
	if (r == -EDOM)
		return error_config(err, "its byte order is not this machine's");
	return error_errno(err, -r, "add it to the filter");
}

static int add_family(scmp_filter_ctx filter, uint32_t architecture, struct error *err)
{
	int r = add_architecture(filter, architecture, err);

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		if (families[i].architecture != architecture)
			continue;
		for (size_t j = 0; j < 2 && r == 0; j++)
			if (families[i].others[j])
				r = add_architecture(filter, families[i].others[j], err);
	}
	return r;
}

/* 0 if libseccomp does not know it, which then is not this machine's. */
static uint32_t find_architecture(const char *name)
{
	char lower[32] = "";

	name += strlen("SCMP_ARCH_");
	for (size_t i = 0; i < sizeof(lower) - 1 && name[i]; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	return seccomp_arch_resolve_name(lower);
}

static int add_architectures(scmp_filter_ctx filter, const struct oci_seccomp *seccomp,
			     struct error *err)
{
	for (size_t i = 0; i < seccomp->architectures_len; i++) {
		uint32_t architecture = find_architecture(seccomp->architectures[i]);

		if (architecture == 0)
			log_debug("linux.seccomp.architectures: %s is not known to libseccomp",
				  seccomp->architectures[i]);
		else if (add_family(filter, architecture, err) < 0)
			return error_in(err, "linux.seccomp.architectures[%zu]", i);
	}
	return 0;
}

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

/* Whether two conditions are on the same argument: then any one of all is enough, otherwise all of them
 * must hold.  libseccomp knows the latter only. */
static bool is_any(const struct oci_syscall *rule)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < rule->args_len; i++) {
		if (seen & 1u << rule->args[i].index)
			return true;
		seen |= 1u << rule->args[i].index;
	}
	return false;
}

static int add_rule(scmp_filter_ctx filter, uint32_t action, int number,
		    const struct oci_syscall *rule)
{
	struct scmp_arg_cmp conditions[MOST_ARGUMENTS];
	bool any = is_any(rule);
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

static int expect_all_known(const struct oci_seccomp *seccomp, struct error *err)
{
	for (size_t i = 0; i < seccomp->syscalls_len; i++) {
		const struct oci_syscall *rule = &seccomp->syscalls[i];

		for (size_t j = 0; j < rule->names_len; j++)
			if (seccomp_syscall_resolve_name(rule->names[j]) == __NR_SCMP_ERROR)
				return error_config(err,
						    "linux.seccomp.syscalls[%zu].names[%zu]: "
						    "unknown system call \"%s\"",
						    i, j, rule->names[j]);
	}
	return 0;
}

static int add_syscall(scmp_filter_ctx filter, const struct oci_syscall *rule,
		       uint32_t default_action, struct error *err)
{
	uint32_t action = full_action(rule->action, rule->has_errno_ret, rule->errno_ret);

	/* libseccomp takes a rule that says what is so anyway for a mistake. */
	if (action == default_action)
		return 0;
	for (size_t i = 0; i < rule->names_len; i++) {
		int number = seccomp_syscall_resolve_name(rule->names[i]);
		int r;

		if (number == __NR_SCMP_ERROR) {
			log_debug("linux.seccomp: the system call %s is not known to libseccomp",
				  rule->names[i]);
			continue;
		}
		r = add_rule(filter, action, number, rule);
		if (r < 0)
			return error_errno(err, -r, "add a rule for %s", rule->names[i]);
	}
	return 0;
}

/* -- the filter -------------------------------------------------------------------------------- */

/* Whether a call that the profile's author cannot have known is to be answered with ENOSYS. */
static bool needs_stub(uint32_t default_action)
{
	switch (default_action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ERRNO:
		return (default_action & SECCOMP_RET_DATA) != ENOSYS;
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_KILL_PROCESS:
		return true;
	default:
		return false;
	}
}

static uint32_t newest_of(const struct oci_seccomp *seccomp, uint32_t architecture)
{
	int newest = -1;

	for (size_t i = 0; i < seccomp->syscalls_len; i++) {
		const struct oci_syscall *rule = &seccomp->syscalls[i];

		for (size_t j = 0; j < rule->names_len; j++) {
			int number =
				seccomp_syscall_resolve_name_arch(architecture, rule->names[j]);

			newest = number > newest ? number : newest;
		}
	}
	return newest < 0 ? UINT32_MAX : (uint32_t)newest;
}

static size_t make_stub(scmp_filter_ctx filter, const struct oci_seccomp *seccomp,
			struct sock_filter stub[SECCOMP_STUB_MOST])
{
	struct seccomp_limit limits[MOST_ARCHITECTURES];
	size_t count = 0;

	for (const struct name *row = seccomp_architectures; row->text; row++) {
		uint32_t architecture = find_architecture(row->text);

		if (architecture == 0 || architecture == SCMP_ARCH_X32 ||
		    seccomp_arch_exist(filter, architecture) < 0 || count == MOST_ARCHITECTURES)
			continue;
		limits[count++] = (struct seccomp_limit){
			.architecture = architecture,
			.newest = newest_of(seccomp, architecture),
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

/* The kernel looks at the flags before it looks for the filter. */
static bool has_flag(unsigned int flag)
{
	return sys_seccomp(SECCOMP_SET_MODE_FILTER, flag, NULL) < 0 && errno == EFAULT;
}

static int choose_listed(const struct oci_seccomp *seccomp, unsigned int base, unsigned int *flags,
			 struct error *err)
{
	for (size_t i = 0; i < seccomp->flags_len; i++) {
		unsigned int flag =
			(unsigned int)name_find(seccomp_flags, seccomp->flags[i])->value;

		/* It is about listeners. */
		if (flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV && !base)
			continue;
		/* With a listener the kernel has another way to tell that it failed. */
		if (flag == SECCOMP_FILTER_FLAG_TSYNC && base)
			flag |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
		if (!has_flag(base | flag))
			return error_config(err, "linux.seccomp.flags[%zu]: this kernel has no %s",
					    i, seccomp->flags[i]);
		*flags |= flag;
	}
	return 0;
}

int seccomp_choose_flags(struct container *container, struct error *err)
{
	const struct oci_linux *properties = container->config->linux;
	const struct oci_seccomp *seccomp = properties ? properties->seccomp : NULL;
	struct seccomp_plan *plan = &container->seccomp;
	unsigned int base = plan->agent ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;

	if (!plan->filter)
		return 0;
	plan->flags = base;
	if (seccomp && seccomp->flags)
		return choose_listed(seccomp, base, &plan->flags, err);
	/* Without it each container pays for the mitigation of a processor's flaw that the filter's
	 * author did not ask for; the other runtimes do the same. */
	if (has_flag(base | SECCOMP_FILTER_FLAG_SPEC_ALLOW))
		plan->flags |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	return 0;
}

static int fill_filter(scmp_filter_ctx filter, const struct oci_seccomp *seccomp,
		       uint32_t default_action, struct error *err)
{
	/* init sets no_new_privs itself, or not at all; a binary tree is a third as long to run. */
	int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);

	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r < 0)
		return error_errno(err, -r, "linux.seccomp: set up libseccomp");
	r = add_architectures(filter, seccomp, err);
	for (size_t i = 0; i < seccomp->syscalls_len && r == 0; i++) {
		r = add_syscall(filter, &seccomp->syscalls[i], default_action, err);
		if (r < 0)
			error_in(err, "linux.seccomp.syscalls[%zu]", i);
	}
	return r;
}

static int compile(struct container *container, const struct oci_seccomp *seccomp,
		   struct error *err)
{
	uint32_t default_action =
		full_action(seccomp->default_action, seccomp->has_default_errno_ret,
			    seccomp->default_errno_ret);
	autofilter scmp_filter_ctx filter = seccomp_init(default_action);
	struct sock_filter stub[SECCOMP_STUB_MOST];
	size_t stub_len = 0;

	if (!filter)
		return error_config(err, "linux.seccomp.defaultAction: libseccomp refuses %s",
				    seccomp->default_action);
	if (fill_filter(filter, seccomp, default_action, err) < 0)
		return -err->code;
	if (needs_stub(default_action))
		stub_len = make_stub(filter, seccomp, stub);
	if (take_filter(container, filter, stub, stub_len, err) < 0)
		return error_in(err, "linux.seccomp");
	return 0;
}

int seccomp_compile(struct container *container, struct error *err)
{
	const struct oci_config *config = container->config;
	const struct oci_seccomp *seccomp = config->linux ? config->linux->seccomp : NULL;
	const char *raw = annotation_find(config, SECCOMP_RAW_ANNOTATION);

	if (raw)
		return seccomp_raw(container, raw, err);
	if (!seccomp)
		return 0;
	if (annotation_is_set(config, "run.oci.seccomp_fail_unknown_syscall") &&
	    expect_all_known(seccomp, err) < 0)
		return -err->code;
	return compile(container, seccomp, err);
}
