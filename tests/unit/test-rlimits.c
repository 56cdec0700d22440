#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linux/section.h"
#include "unit.h"

/* The config which has just these limits; the last one is {NULL}. */
static const struct oci_config *with_limits(struct oci_rlimit *limits)
{
	static struct oci_process process;
	static struct oci_config config = {.process = &process};

	process = (struct oci_process){.rlimits = limits};
	while (limits[process.rlimits_len].type)
		process.rlimits_len++;
	return &config;
}

#define LIMITS(...) with_limits((struct oci_rlimit[]){__VA_ARGS__, {NULL, 0, 0}})

static void expect_accepted(const struct oci_config *config)
{
	struct error err = {0};

	ck_assert_int_eq(section_rlimits.validate(config, &err), 0);
}

static void expect_rejected(const struct oci_config *config, const char *why)
{
	struct error err = {0};

	ck_assert_int_eq(section_rlimits.validate(config, &err), -EINVAL);
	ck_assert_str_eq(err.text, why);
}

/* A process which stands in for init: it waits until it is killed. */
static pid_t start_init(void)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	while (pid == 0)
		pause();
	return pid;
}

static void stop_init(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

TEST(accepts_a_config_without_process)
{
	expect_accepted(&(struct oci_config){.process = NULL});
}

TEST(accepts_limits_up_to_infinity)
{
	expect_accepted(LIMITS({"RLIMIT_CORE", 0, 0}, {"RLIMIT_AS", 1, UINT64_MAX}));
}

TEST(rejects_an_unknown_type)
{
	expect_rejected(LIMITS({"RLIMIT_CORE", 0, 0}, {"RLIMIT_FOO", 1, 1}),
			"process.rlimits[1]: unknown type \"RLIMIT_FOO\"");
}

TEST(rejects_a_type_given_twice)
{
	expect_rejected(LIMITS({"RLIMIT_CORE", 0, 0}, {"RLIMIT_CORE", 0, 0}),
			"process.rlimits[1]: RLIMIT_CORE is given twice");
}

TEST(rejects_a_soft_limit_above_the_hard_one)
{
	expect_rejected(LIMITS({"RLIMIT_NOFILE", 9, 5}),
			"process.rlimits[0]: RLIMIT_NOFILE: soft limit 9 is above hard limit 5");
}

TEST(sets_the_limits_of_init_and_not_its_own)
{
	const struct container container = {.config = LIMITS({"RLIMIT_NOFILE", 55, 99})};
	struct rlimit before, after, inside;
	struct error err = {0};
	pid_t init = start_init();

	getrlimit(RLIMIT_NOFILE, &before);
	ck_assert_int_eq(section_rlimits.attach(&container, init, &err), 0);
	prlimit(init, RLIMIT_NOFILE, NULL, &inside);
	getrlimit(RLIMIT_NOFILE, &after);
	stop_init(init);

	ck_assert_uint_eq(inside.rlim_cur, 55);
	ck_assert_uint_eq(inside.rlim_max, 99);
	ck_assert_uint_eq(before.rlim_cur, after.rlim_cur);
	ck_assert_uint_eq(before.rlim_max, after.rlim_max);
}

/* It has to be started with it. */
TEST(leaves_init_some_files_until_its_end)
{
	const struct container container = {.config = LIMITS({"RLIMIT_NOFILE", 3, 4})};
	struct error err = {0};
	struct rlimit inside;
	pid_t init = start_init();

	ck_assert_int_eq(section_rlimits.attach(&container, init, &err), 0);
	prlimit(init, RLIMIT_NOFILE, NULL, &inside);
	stop_init(init);
	ck_assert_uint_eq(inside.rlim_cur, 32);
	ck_assert_uint_eq(inside.rlim_max, 32);
}

TEST(explains_a_limit_that_the_kernel_refuses)
{
	const struct container container = {
		.config = LIMITS({"RLIMIT_NOFILE", UINT64_MAX, UINT64_MAX}),
	};
	struct error err = {0};
	pid_t init = start_init();
	int r = section_rlimits.attach(&container, init, &err);

	stop_init(init);
	ck_assert_int_eq(r, -EPERM);
	ck_assert_str_eq(err.text, "process.rlimits[0]: set RLIMIT_NOFILE to 18446744073709551615:"
				   "18446744073709551615: operation not permitted");
	ck_assert_ptr_nonnull(strstr(err.hint, "fs.nr_open allows"));
}

RUN_TESTS("rlimits", accepts_a_config_without_process, accepts_limits_up_to_infinity,
	  rejects_an_unknown_type, rejects_a_type_given_twice,
	  rejects_a_soft_limit_above_the_hard_one, sets_the_limits_of_init_and_not_its_own,
	  leaves_init_some_files_until_its_end, explains_a_limit_that_the_kernel_refuses)
