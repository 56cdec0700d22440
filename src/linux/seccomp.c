/*
 * linux.seccomp: which system calls the container may make.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#seccomp
 *	seccomp(2)
 *
 * The runtime compiles the filter (linux/seccomp-compile.c), init only loads it.  When depends on
 * process.noNewPrivileges.  Without it, loading takes CAP_SYS_ADMIN, so it is done before the user and
 * the capabilities change, and the filter has to allow what init does after that.  With it, anybody may
 * load a filter, and it is the last thing that init does: under it no call but execve(2) can be counted on, not
 * even one that asks whether it is there.  That there is nobody who answers in the kernel's place has been found
 * out before (linux/seccomp-compile.c).
 *
 * A filter that only notifies of calls has a listener, which goes to an agent: linux/seccomp-listener.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "basic/syscalls.h"
#include "linux/annotations.h"
#include "linux/seccomp-compile.h"
#include "linux/seccomp-listener.h"
#include "linux/seccomp-load.h"
#include "linux/seccomp-names.h"
#include "linux/section.h"

enum {
	MOST_ARGUMENTS = 6,
	MOST_ERRNO = 4095,   /* MAX_ERRNO in the kernel */
	MOST_TRACE = 0xffff, /* SECCOMP_RET_DATA */
};

/* How often init looks whether the agent has its listener: some ten seconds. */
#define LOOKS (1ULL << 34)

/* -- the runtime ------------------------------------------------------------------------------- */

static int validate_action(const char *action, struct error *err)
{
	if (name_find(seccomp_actions, action))
		return 0;
	return error_config(err, "unknown action \"%s\"", action);
}

/* The action is one that validate_action() accepted. */
static int validate_errno(const char *action, uint32_t value, struct error *err)
{
	unsigned int known = (unsigned int)name_find(seccomp_actions, action)->value;

	if (known != SECCOMP_RET_ERRNO && known != SECCOMP_RET_TRACE)
		return error_config(err, "%s takes no errno", action);
	if (value > (known == SECCOMP_RET_ERRNO ? MOST_ERRNO : MOST_TRACE))
		return error_config(err, "%" PRIu32 " is too large", value);
	return 0;
}

static int validate_arguments(size_t index, const struct oci_syscall *rule, struct error *err)
{
	for (size_t i = 0; i < rule->args_len; i++) {
		const struct oci_syscall_arg *arg = &rule->args[i];

		if (arg->index >= MOST_ARGUMENTS)
			return error_config(err,
					    "linux.seccomp.syscalls[%zu].args[%zu].index: %" PRIu32
					    " is not from 0 to %d",
					    index, i, arg->index, MOST_ARGUMENTS - 1);
		if (!name_find(seccomp_operators, arg->op))
			return error_config(
				err,
				"linux.seccomp.syscalls[%zu].args[%zu].op: unknown operator \"%s\"",
				index, i, arg->op);
	}
	return 0;
}

static int validate_syscall(size_t index, const struct oci_syscall *rule, struct error *err)
{
	if (rule->names_len == 0)
		return error_config(err, "linux.seccomp.syscalls[%zu].names: it is empty", index);
	if (validate_action(rule->action, err) < 0)
		return error_in(err, "linux.seccomp.syscalls[%zu].action", index);
	if (rule->has_errno_ret && validate_errno(rule->action, rule->errno_ret, err) < 0)
		return error_in(err, "linux.seccomp.syscalls[%zu].errnoRet", index);
	return validate_arguments(index, rule, err);
}

static int validate_filter(const struct oci_seccomp *seccomp, struct error *err)
{
	if (validate_action(seccomp->default_action, err) < 0)
		return error_in(err, "linux.seccomp.defaultAction");
	if (seccomp->has_default_errno_ret &&
	    validate_errno(seccomp->default_action, seccomp->default_errno_ret, err) < 0)
		return error_in(err, "linux.seccomp.defaultErrnoRet");
	for (size_t i = 0; i < seccomp->syscalls_len; i++)
		if (validate_syscall(i, &seccomp->syscalls[i], err) < 0)
			return -err->code;
	return 0;
}

static int seccomp_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_seccomp *seccomp = config->linux ? config->linux->seccomp : NULL;

	if (!seccomp)
		return 0;
	for (size_t i = 0; i < seccomp->architectures_len; i++)
		if (!name_find(seccomp_architectures, seccomp->architectures[i]))
			return error_config(
				err,
				"linux.seccomp.architectures[%zu]: unknown architecture \"%s\"", i,
				seccomp->architectures[i]);
	for (size_t i = 0; i < seccomp->flags_len; i++)
		if (!name_find(seccomp_flags, seccomp->flags[i]))
			return error_config(err, "linux.seccomp.flags[%zu]: unknown flag \"%s\"", i,
					    seccomp->flags[i]);
	if (seccomp->listener_metadata && !seccomp->listener_path &&
	    !annotation_find(config, SECCOMP_RECEIVER_ANNOTATION))
		return error_config(err, "linux.seccomp.listenerMetadata: there is no listenerPath "
					 "to send it to");
	return validate_filter(seccomp, err);
}

static int seccomp_prepare(struct container *container, struct error *err)
{
	int r = seccomp_compile(container, err);

	if (r == 0)
		r = seccomp_listener_prepare(container, err);
	return r == 0 ? seccomp_choose_flags(container, err) : r;
}

/* -- init -------------------------------------------------------------------------------------- */

/*
 * Until the agent has the listener no system call is made: it could be one that the agent has to answer, or
 * one that is forbidden.  If nobody ever says so, the runtime is gone, and this ends the process without a
 * system call, too.
 */
static void wait_for_agent(const struct seccomp_plan *plan)
{
	for (uint64_t looks = 0; looks < LOOKS; looks++)
		if (__atomic_load_n(plan->handed_over, __ATOMIC_ACQUIRE))
			return;
	__builtin_trap();
}

static int load(const struct seccomp_plan *plan, struct error *err)
{
	const struct sock_fprog program = {
		.len = (unsigned short)plan->filter_len,
		.filter = plan->filter,
	};
	int r;

	if (!plan->filter)
		return 0;
	r = sys_seccomp(SECCOMP_SET_MODE_FILTER, plan->flags, &program);
	if (r >= 0) {
		if (plan->agent)
			wait_for_agent(plan);
		return 0;
	}
	error_errno(err, errno, "linux.seccomp: load the filter");
	if (err->code == EACCES)
		error_hint(err, "it takes CAP_SYS_ADMIN, or process.noNewPrivileges");
	else if (err->code == EBUSY)
		error_hint(err, "whoever runs proa has a filter with a listener already, and the "
				"kernel takes no second one");
	return -err->code;
}

bool seccomp_is_early(const struct container *container)
{
	const struct oci_process *process = container->config->process;

	return !process || !process->no_new_privileges;
}

/* The kernel is asked again, since here it may be: the steps that follow need prctl(2), too.  Only 0 says
 * that there is no filter; any error comes from one. */
static int early_apply(struct container *container, struct error *err)
{
	if (!seccomp_is_early(container) || !container->seccomp.filter)
		return 0;
	if (load(&container->seccomp, err) < 0)
		return -err->code;
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0)
		return error_config(err, "linux.seccomp: it is not in force");
	return 0;
}

static int late_apply(struct container *container, struct error *err)
{
	return seccomp_is_early(container) ? 0 : load(&container->seccomp, err);
}

const struct section section_seccomp = {
	.path = "linux.seccomp",
	.validate = seccomp_validate,
	.prepare = seccomp_prepare,
};

const struct step step_seccomp_early = {
	.name = "linux.seccomp: before the privileges go",
	.apply = early_apply,
};

const struct step step_seccomp_late = {
	.name = "linux.seccomp: last of all",
	.apply = late_apply,
};
