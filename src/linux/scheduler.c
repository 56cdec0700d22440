/*
 * process.scheduler: when the container's process gets a processor.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#linux-process
 *	sched(7), sched_setattr(2)
 *
 * It is set twice.  init sets it while it is still who it was cloned as, before capabilities and a seccomp
 * filter can be in the way; what takes a privilege that it lacks it leaves alone.  Then the runtime sets it
 * from outside, when init is ready.  A real-time policy takes CAP_SYS_NICE in the host's user namespace,
 * which init may have left, and in a v1 cgroup also a budget, which the cgroup has only then; whereas the
 * runtime of a plain user may not touch a process that has become another of his subordinate users.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/resource.h>

#include "basic/names.h"
#include "basic/syscalls.h"
#include "linux/section.h"

enum {
	SCHED_OF_NAME_ISO = 4, /* reserved by the kernel: no header has it */
	NICEST = 19,
	LEAST_NICE = -20,
	LOWEST_PRIORITY = 1,
	HIGHEST_PRIORITY = 99,
};

static const struct name policies[] = {
	{"SCHED_OTHER", SCHED_OTHER},
	{"SCHED_FIFO", SCHED_FIFO},
	{"SCHED_RR", SCHED_RR},
	{"SCHED_BATCH", SCHED_BATCH},
	{"SCHED_ISO", SCHED_OF_NAME_ISO},
	{"SCHED_IDLE", SCHED_IDLE},
	{"SCHED_DEADLINE", SCHED_DEADLINE},
	{"", 0},
};

static const struct name flags[] = {
	{"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK},
	{"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
	{"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN},
	{"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
	{"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS},
	{"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
	{"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX},
	{"", 0},
};

static const struct oci_scheduler *find_scheduler(const struct oci_config *config)
{
	return config->process ? config->process->scheduler : NULL;
}

static bool is_real_time(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

/* -- the runtime ------------------------------------------------------------------------------- */

static int validate_priority(const struct oci_scheduler *scheduler, int policy, struct error *err)
{
	if (!is_real_time(policy)) {
		if (scheduler->priority == 0)
			return 0;
		error_config(err, "priority: %s has none", scheduler->policy);
		return error_hint(err, "SCHED_FIFO and SCHED_RR have");
	}
	if (scheduler->priority >= LOWEST_PRIORITY && scheduler->priority <= HIGHEST_PRIORITY)
		return 0;
	return error_config(err, "priority: %" PRId32 " is not from %d to %d", scheduler->priority,
			    LOWEST_PRIORITY, HIGHEST_PRIORITY);
}

static int validate_deadline(const struct oci_scheduler *scheduler, int policy, struct error *err)
{
	uint64_t runtime = scheduler->runtime, deadline = scheduler->deadline;

	if (policy != SCHED_DEADLINE) {
		if (!runtime && !deadline && !scheduler->period)
			return 0;
		return error_config(err, "runtime, deadline and period belong to SCHED_DEADLINE");
	}
	if (!runtime || !deadline)
		return error_config(err, "SCHED_DEADLINE takes a runtime and a deadline");
	if (runtime > deadline)
		return error_config(err,
				    "runtime: %" PRIu64 " is longer than the deadline, %" PRIu64,
				    runtime, deadline);
	if (scheduler->period && deadline > scheduler->period)
		return error_config(err,
				    "deadline: %" PRIu64 " is longer than the period, %" PRIu64,
				    deadline, scheduler->period);
	return 0;
}

static bool has_flag(const struct oci_scheduler *scheduler, const char *flag)
{
	for (size_t i = 0; i < scheduler->flags_len; i++)
		if (strcmp(scheduler->flags[i], flag) == 0)
			return true;
	return false;
}

/* The kernel does not let a process with a deadline fork, unless its children have none; and hooks run as
 * init's children. */
static int validate_hooks(const struct oci_config *config, int policy, struct error *err)
{
	if (policy != SCHED_DEADLINE || !config->hooks || !config->hooks->start_container_len ||
	    has_flag(config->process->scheduler, "SCHED_FLAG_RESET_ON_FORK"))
		return 0;
	error_config(err, "a process of SCHED_DEADLINE can't run the startContainer hooks");
	return error_hint(err, "add SCHED_FLAG_RESET_ON_FORK to flags");
}

static int validate_flags(const struct oci_scheduler *scheduler, struct error *err)
{
	for (size_t i = 0; i < scheduler->flags_len; i++)
		if (!name_find(flags, scheduler->flags[i]))
			return error_config(err, "flags[%zu]: unknown flag \"%s\"", i,
					    scheduler->flags[i]);
	return 0;
}

static int validate(const struct oci_config *config, const struct oci_scheduler *scheduler,
		    struct error *err)
{
	const struct name *policy = name_find(policies, scheduler->policy);

	if (!policy) {
		error_config(err, "unknown policy \"%s\"", scheduler->policy);
		return error_hint(err, "see sched(7) for the policies there are");
	}
	if (scheduler->nice < LEAST_NICE || scheduler->nice > NICEST)
		return error_config(err, "nice: %" PRId32 " is not from %d to %d", scheduler->nice,
				    LEAST_NICE, NICEST);
	if (validate_priority(scheduler, policy->value, err) < 0 ||
	    validate_deadline(scheduler, policy->value, err) < 0 ||
	    validate_flags(scheduler, err) < 0)
		return -err->code;
	return validate_hooks(config, policy->value, err);
}

static int scheduler_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_scheduler *scheduler = find_scheduler(config);

	if (!scheduler || validate(config, scheduler, err) == 0)
		return 0;
	return error_in(err, "process.scheduler");
}

static int scheduler_prepare(struct container *container, struct error *err)
{
	const struct oci_scheduler *scheduler = find_scheduler(container->config);
	struct sys_sched_attr *plan;

	if (!scheduler)
		return 0;
	plan = arena_array(container->arena, struct sys_sched_attr, 1);
	if (!plan)
		return arena_full(container->arena, err);
	/* Without a nice value the caller's stays; the call has no way to leave it out. */
	*plan = (struct sys_sched_attr){
		.size = sizeof(*plan),
		.policy = (uint32_t)name_find(policies, scheduler->policy)->value,
		.nice = scheduler->has_nice ? scheduler->nice : getpriority(PRIO_PROCESS, 0),
		.priority = (uint32_t)scheduler->priority,
		.runtime = scheduler->runtime,
		.deadline = scheduler->deadline,
		.period = scheduler->period,
	};
	for (size_t i = 0; i < scheduler->flags_len; i++)
		plan->flags |= (uint64_t)name_find(flags, scheduler->flags[i])->value;
	container->scheduler = plan;
	return 0;
}

static int explain_refusal(const struct container *container, int code, struct error *err)
{
	const char *policy = find_scheduler(container->config)->policy;

	error_errno(err, code, "process.scheduler: set %s", policy);
	if (code == EBUSY)
		return error_hint(err, "the processors have not that much time left to promise");
	if (code == EINVAL)
		return error_hint(err, "the kernel does not have this policy, or not these values");
	if (code != EPERM)
		return -code;
	if (container->scheduler->policy == SCHED_DEADLINE)
		return error_hint(err, "it takes CAP_SYS_NICE on the host, and that the container "
				       "may run on all processors");
	if (is_real_time((int)container->scheduler->policy))
		return error_hint(err, "it takes CAP_SYS_NICE on the host, and in a v1 cgroup a "
				       "linux.resources.cpu.realtimeRuntime");
	return error_hint(err, "a lower nice value takes CAP_SYS_NICE on the host");
}

/* Whether init could set it itself. */
static bool is_set(const struct sys_sched_attr *plan, pid_t init)
{
	struct sys_sched_attr now = {0};

	if (sys_sched_getattr(init, &now) < 0 || now.policy != plan->policy)
		return false;
	/* To the other policies the kernel passes no nice value on. */
	if (plan->policy == SCHED_OTHER || plan->policy == SCHED_BATCH)
		return now.nice == plan->nice;
	return now.priority == plan->priority;
}

static int scheduler_attach(const struct container *container, pid_t init, struct error *err)
{
	const struct sys_sched_attr *plan = container->scheduler;
	int code;

	if (!plan || sys_sched_setattr(init, plan) == 0)
		return 0;
	code = errno;
	if (code == EPERM && is_set(plan, init))
		return 0;
	return explain_refusal(container, code, err);
}

const struct section section_scheduler = {
	.path = "process.scheduler",
	.validate = scheduler_validate,
	.prepare = scheduler_prepare,
	.attach = scheduler_attach,
};

/* -- init -------------------------------------------------------------------------------------- */

/* Who has a deadline can't clone the process that exec is about: that one gets it from the runtime. */
static bool is_for_next(const struct container *container)
{
	return container->exec && container->scheduler &&
	       container->scheduler->policy == SCHED_DEADLINE;
}

static int scheduler_apply(struct container *container, struct error *err)
{
	if (!container->scheduler || is_for_next(container) ||
	    sys_sched_setattr(0, container->scheduler) == 0)
		return 0;
	return errno == EPERM ? 0 : explain_refusal(container, errno, err);
}

const struct step step_scheduler = {
	.name = "process.scheduler",
	.apply = scheduler_apply,
};
