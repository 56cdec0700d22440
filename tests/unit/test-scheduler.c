#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include "basic/syscalls.h"
#include "child.h"
#include "linux/section.h"
#include "unit.h"

static struct error err;
static struct arena arena;

static int validate(const struct oci_scheduler *scheduler)
{
	struct oci_process process = {.scheduler = (struct oci_scheduler *)scheduler};
	struct oci_config config = {.process = &process};

	return section_scheduler.validate(&config, &err);
}

#define VALIDATE(...) validate(&(struct oci_scheduler){__VA_ARGS__})

#define EXPECT_REJECTED(why, ...)                                 \
	do {                                                      \
		ck_assert_int_eq(VALIDATE(__VA_ARGS__), -EINVAL); \
		ck_assert_str_eq(err.text, why);                  \
	} while (0)

TEST(accepts_what_is_absent)
{
	ck_assert_int_eq(section_scheduler.validate(&(struct oci_config){0}, &err), 0);
	ck_assert_int_eq(validate(NULL), 0);
}

TEST(accepts_each_policy_with_what_belongs_to_it)
{
	ck_assert_int_eq(VALIDATE(.policy = "SCHED_OTHER", .nice = -20), 0);
	ck_assert_int_eq(VALIDATE(.policy = "SCHED_BATCH", .nice = 19), 0);
	ck_assert_int_eq(VALIDATE(.policy = "SCHED_IDLE"), 0);
	ck_assert_int_eq(VALIDATE(.policy = "SCHED_ISO"), 0);
	ck_assert_int_eq(VALIDATE(.policy = "SCHED_FIFO", .priority = 1), 0);
	ck_assert_int_eq(VALIDATE(.policy = "SCHED_RR", .priority = 99), 0);
	ck_assert_int_eq(VALIDATE(.policy = "SCHED_DEADLINE", .runtime = 1, .deadline = 2), 0);
	ck_assert_int_eq(
		VALIDATE(.policy = "SCHED_DEADLINE", .runtime = 2, .deadline = 2, .period = 2), 0);
	/* Engines fill in all there is. */
	ck_assert_int_eq(VALIDATE(.policy = "SCHED_DEADLINE", .nice = 19, .runtime = 42000,
				  .deadline = 1000000, .period = 1000000),
			 0);
}

TEST(rejects_an_unknown_policy)
{
	EXPECT_REJECTED("process.scheduler: unknown policy \"SCHED_FAIR\"", .policy = "SCHED_FAIR");
	ck_assert_str_eq(err.hint, "see sched(7) for the policies there are");
}

TEST(rejects_values_out_of_range)
{
	EXPECT_REJECTED("process.scheduler: nice: 20 is not from -20 to 19",
			.policy = "SCHED_OTHER", .nice = 20);
	EXPECT_REJECTED("process.scheduler: nice: -21 is not from -20 to 19",
			.policy = "SCHED_IDLE", .nice = -21);
	EXPECT_REJECTED("process.scheduler: priority: 0 is not from 1 to 99",
			.policy = "SCHED_FIFO");
	EXPECT_REJECTED("process.scheduler: priority: 100 is not from 1 to 99",
			.policy = "SCHED_RR", .priority = 100);
}

TEST(rejects_what_belongs_to_another_policy)
{
	EXPECT_REJECTED("process.scheduler: priority: SCHED_BATCH has none",
			.policy = "SCHED_BATCH", .priority = 1);
	ck_assert_str_eq(err.hint, "SCHED_FIFO and SCHED_RR have");
	EXPECT_REJECTED("process.scheduler: runtime, deadline and period belong to SCHED_DEADLINE",
			.policy = "SCHED_OTHER", .runtime = 1);
	EXPECT_REJECTED("process.scheduler: runtime, deadline and period belong to SCHED_DEADLINE",
			.policy = "SCHED_RR", .priority = 1, .period = 1);
}

TEST(rejects_a_deadline_that_cannot_be_met)
{
	EXPECT_REJECTED("process.scheduler: SCHED_DEADLINE takes a runtime and a deadline",
			.policy = "SCHED_DEADLINE", .runtime = 1);
	EXPECT_REJECTED("process.scheduler: runtime: 3 is longer than the deadline, 2",
			.policy = "SCHED_DEADLINE", .runtime = 3, .deadline = 2);
	EXPECT_REJECTED("process.scheduler: deadline: 3 is longer than the period, 2",
			.policy = "SCHED_DEADLINE", .runtime = 1, .deadline = 3, .period = 2);
}

TEST(rejects_an_unknown_flag)
{
	const char *flags[] = {"SCHED_FLAG_RECLAIM", "SCHED_FLAG_FAST", NULL};

	EXPECT_REJECTED("process.scheduler: flags[1]: unknown flag \"SCHED_FLAG_FAST\"",
			.policy = "SCHED_OTHER", .flags = flags, .flags_len = 2);
}

TEST(rejects_hooks_that_the_kernel_would_not_let_run)
{
	const char *flags[] = {"SCHED_FLAG_RESET_ON_FORK", NULL};
	struct oci_scheduler scheduler = {.policy = "SCHED_DEADLINE", .runtime = 1, .deadline = 1};
	struct oci_process process = {.scheduler = &scheduler};
	struct oci_hooks hooks = {.start_container_len = 1};
	struct oci_config config = {.process = &process, .hooks = &hooks};

	ck_assert_int_eq(section_scheduler.validate(&config, &err), -EINVAL);
	ck_assert_str_eq(err.text, "process.scheduler: a process of SCHED_DEADLINE can't run the "
				   "startContainer hooks");
	ck_assert_str_eq(err.hint, "add SCHED_FLAG_RESET_ON_FORK to flags");
	scheduler.flags = flags;
	scheduler.flags_len = 1;
	ck_assert_int_eq(section_scheduler.validate(&config, &err), 0);
}

/* -- what becomes of it ------------------------------------------------------------------------ */

static struct container container;

static void plan(const struct oci_scheduler *scheduler)
{
	static struct oci_process process;
	static struct oci_config config = {.process = &process};

	process.scheduler = (struct oci_scheduler *)scheduler;
	container = (struct container){.config = &config, .arena = &arena};
	if (!arena.start)
		ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	ck_assert_msg(section_scheduler.validate(&config, &err) == 0, "%s", err.text);
	ck_assert_int_eq(section_scheduler.prepare(&container, &err), 0);
}

#define PLAN(...) plan(&(struct oci_scheduler){__VA_ARGS__})

TEST(plans_all_that_the_kernel_is_to_know)
{
	const char *flags[] = {"SCHED_FLAG_RESET_ON_FORK",  "SCHED_FLAG_RECLAIM",
			       "SCHED_FLAG_DL_OVERRUN",	    "SCHED_FLAG_KEEP_POLICY",
			       "SCHED_FLAG_KEEP_PARAMS",    "SCHED_FLAG_UTIL_CLAMP_MIN",
			       "SCHED_FLAG_UTIL_CLAMP_MAX", NULL};

	PLAN(.policy = "SCHED_DEADLINE", .has_nice = true, .nice = 3, .runtime = 4, .deadline = 5,
	     .period = 6, .flags = flags, .flags_len = 7);
	ck_assert_uint_eq(container.scheduler->size, 56);
	ck_assert_uint_eq(container.scheduler->policy, 6);
	ck_assert_uint_eq(container.scheduler->flags, 0x7f);
	ck_assert_int_eq(container.scheduler->nice, 3);
	ck_assert_uint_eq(container.scheduler->runtime, 4);
	ck_assert_uint_eq(container.scheduler->deadline, 5);
	ck_assert_uint_eq(container.scheduler->period, 6);
	PLAN(.policy = "SCHED_RR", .priority = 7);
	ck_assert_uint_eq(container.scheduler->policy, 2);
	ck_assert_uint_eq(container.scheduler->priority, 7);
}

TEST(keeps_the_callers_nice_value_when_there_is_none)
{
	PLAN(.policy = "SCHED_BATCH");
	ck_assert_int_eq(container.scheduler->nice, getpriority(PRIO_PROCESS, 0));
}

TEST(plans_nothing_when_it_is_absent)
{
	plan(NULL);
	ck_assert_ptr_null(container.scheduler);
	ck_assert_int_eq(step_scheduler.apply(&container, &err), 0);
	ck_assert_int_eq(section_scheduler.attach(&container, getpid(), &err), 0);
}

static int apply(void *context, struct error *e)
{
	struct sys_sched_attr now = {0};

	if (step_scheduler.apply(context, e) < 0)
		return -e->code;
	sys_sched_getattr(0, &now);
	return (int)now.policy * 100 + now.nice;
}

TEST(is_set_by_init)
{
	PLAN(.policy = "SCHED_BATCH", .has_nice = true, .nice = 19);
	ck_assert_int_eq(in_child(apply, &container, &err), 319);
	PLAN(.policy = "SCHED_IDLE");
	ck_assert_int_eq(in_child(apply, &container, &err), 500 + getpriority(PRIO_PROCESS, 0));
}

TEST(says_what_the_kernel_does_not_have)
{
	PLAN(.policy = "SCHED_ISO");
	ck_assert_int_eq(in_child(apply, &container, &err), -EINVAL);
	ck_assert_str_eq(err.text, "process.scheduler: set SCHED_ISO: invalid argument");
	ck_assert_str_eq(err.hint, "the kernel does not have this policy, or not these values");
}

/* Attaches to a child, and returns what its policy is then. */
static int attach(int *result)
{
	struct sys_sched_attr now = {0};
	pid_t pid = fork();

	while (pid == 0)
		pause();
	*result = section_scheduler.attach(&container, pid, &err);
	sys_sched_getattr(pid, &now);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return (int)now.policy;
}

TEST(is_set_by_the_runtime)
{
	int r;

	PLAN(.policy = "SCHED_BATCH", .has_nice = true, .nice = 19);
	ck_assert_int_eq(attach(&r), 3);
	ck_assert_int_eq(r, 0);
}

/* What init may not do the runtime perhaps may: only the runtime tells. */
TEST(leaves_what_it_may_not_do_to_the_runtime)
{
	struct rlimit none = {0};
	int r;

	setrlimit(RLIMIT_RTPRIO, &none);
	PLAN(.policy = "SCHED_FIFO", .priority = 1);
	if (attach(&r) == SCHED_FIFO)
		return;
	ck_assert_int_eq(r, -EPERM);
	ck_assert_str_eq(err.text, "process.scheduler: set SCHED_FIFO: operation not permitted");
	ck_assert_str_eq(err.hint, "it takes CAP_SYS_NICE on the host, and in a v1 cgroup a "
				   "linux.resources.cpu.realtimeRuntime");
	ck_assert_int_eq(in_child(apply, &container, &err), getpriority(PRIO_PROCESS, 0));
}

static int attach_as_another(void *context, struct error *e)
{
	struct container *other = context;
	pid_t init = getpid();
	int status = 0;
	pid_t pid;

	skip_unless(geteuid() == 0);
	if (step_scheduler.apply(other, e) < 0)
		return -e->code;
	pid = fork();
	if (pid == 0) {
		if (setresuid(1234, 1234, 1234) < 0)
			_exit(2);
		_exit(section_scheduler.attach(other, init, e) == 0 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

TEST(is_content_with_what_init_has_set)
{
	int r;

	PLAN(.policy = "SCHED_BATCH", .has_nice = true, .nice = 19);
	r = in_child(attach_as_another, &container, &err);
	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%d: %s", r, err.text);
}

RUN_TESTS("scheduler", accepts_what_is_absent, accepts_each_policy_with_what_belongs_to_it,
	  rejects_an_unknown_policy, rejects_values_out_of_range,
	  rejects_what_belongs_to_another_policy, rejects_a_deadline_that_cannot_be_met,
	  rejects_an_unknown_flag, rejects_hooks_that_the_kernel_would_not_let_run,
	  plans_all_that_the_kernel_is_to_know, keeps_the_callers_nice_value_when_there_is_none,
	  plans_nothing_when_it_is_absent, is_set_by_init, says_what_the_kernel_does_not_have,
	  is_set_by_the_runtime, leaves_what_it_may_not_do_to_the_runtime,
	  is_content_with_what_init_has_set)
