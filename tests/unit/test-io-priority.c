#include <errno.h>
#include <linux/ioprio.h>
#include <signal.h>

#include "basic/syscalls.h"
#include "child.h"
#include "linux/section.h"
#include "unit.h"

static struct error err;
static struct oci_io_priority wanted;
static struct oci_process process = {.io_priority = &wanted};
static const struct oci_config config = {.process = &process};
static struct container container = {.config = &config};

static int validate(const char *class, int priority)
{
	wanted = (struct oci_io_priority){.class = class, .priority = priority};
	return section_io_priority.validate(&config, &err);
}

static int plan(const char *class, int priority)
{
	ck_assert_msg(validate(class, priority) == 0, "%s", err.text);
	ck_assert_int_eq(section_io_priority.prepare(&container, &err), 0);
	return container.io_priority;
}

TEST(accepts_what_is_absent)
{
	struct oci_process without = {.io_priority = NULL};
	const struct oci_config other = {.process = &without};
	struct container nothing = {.config = &other};

	ck_assert_int_eq(section_io_priority.validate(&(struct oci_config){0}, &err), 0);
	ck_assert_int_eq(section_io_priority.validate(&other, &err), 0);
	ck_assert_int_eq(section_io_priority.prepare(&nothing, &err), 0);
	ck_assert_int_eq(nothing.io_priority, 0);
	ck_assert_int_eq(step_io_priority.apply(&nothing, &err), 0);
	ck_assert_int_eq(section_io_priority.attach(&nothing, getpid(), &err), 0);
}

TEST(puts_class_and_priority_together)
{
	ck_assert_int_eq(plan("IOPRIO_CLASS_RT", 0), 1 << 13);
	ck_assert_int_eq(plan("IOPRIO_CLASS_BE", 7), 2 << 13 | 7);
	ck_assert_int_eq(plan("IOPRIO_CLASS_IDLE", 0), 3 << 13);
}

TEST(rejects_an_unknown_class)
{
	ck_assert_int_eq(validate("IOPRIO_CLASS_NONE", 0), -EINVAL);
	ck_assert_str_eq(err.text, "process.ioPriority: unknown class \"IOPRIO_CLASS_NONE\"");
	ck_assert_str_eq(err.hint, "the classes are IOPRIO_CLASS_RT, IOPRIO_CLASS_BE and "
				   "IOPRIO_CLASS_IDLE");
}

TEST(rejects_a_priority_out_of_range)
{
	ck_assert_int_eq(validate("IOPRIO_CLASS_BE", 8), -EINVAL);
	ck_assert_str_eq(err.text, "process.ioPriority: 8 is not from 0 to 7");
	ck_assert_int_eq(validate("IOPRIO_CLASS_BE", -1), -EINVAL);
	ck_assert_str_eq(err.text, "process.ioPriority: -1 is not from 0 to 7");
}

static int apply(void *context, struct error *e)
{
	if (step_io_priority.apply(context, e) < 0)
		return -e->code;
	return sys_ioprio_get(IOPRIO_WHO_PROCESS, 0);
}

TEST(is_set_by_init)
{
	int value = plan("IOPRIO_CLASS_BE", 6);

	ck_assert_int_eq(in_child(apply, &container, &err), value);
	value = plan("IOPRIO_CLASS_IDLE", 0);
	ck_assert_int_eq(in_child(apply, &container, &err), value);
}

TEST(is_set_by_the_runtime)
{
	int value = plan("IOPRIO_CLASS_BE", 5);
	pid_t pid = fork();

	while (pid == 0)
		pause();
	ck_assert_int_eq(section_io_priority.attach(&container, pid, &err), 0);
	ck_assert_int_eq(sys_ioprio_get(IOPRIO_WHO_PROCESS, pid), value);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int without_privileges(void *context, struct error *e)
{
	skip_unless(geteuid() == 0 && setresuid(1234, 1234, 1234) == 0);
	if (step_io_priority.apply(context, e) < 0)
		return 1;
	return section_io_priority.attach(context, getpid(), e);
}

/* What init may not do the runtime perhaps may: only the runtime tells. */
TEST(leaves_what_it_may_not_do_to_the_runtime)
{
	plan("IOPRIO_CLASS_RT", 3);
	if (in_child(without_privileges, &container, &err) == CHILD_SKIPPED)
		return;
	ck_assert_str_eq(err.text,
			 "process.ioPriority: set IOPRIO_CLASS_RT, 3: operation not permitted");
	ck_assert_str_eq(err.hint, "the class IOPRIO_CLASS_RT takes CAP_SYS_NICE on the host");
}

static int attach_as_another(void *context, struct error *e)
{
	pid_t init = getpid(), pid;
	int status = 0;

	skip_unless(geteuid() == 0);
	if (step_io_priority.apply(context, e) < 0)
		return -e->code;
	pid = fork();
	if (pid == 0) {
		if (setresuid(1234, 1234, 1234) < 0)
			_exit(2);
		_exit(section_io_priority.attach(context, init, e) == 0 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

TEST(is_content_with_what_init_has_set)
{
	int r;

	plan("IOPRIO_CLASS_BE", 7);
	r = in_child(attach_as_another, &container, &err);
	ck_assert_msg(r == 0 || r == CHILD_SKIPPED, "%d: %s", r, err.text);
}

RUN_TESTS("io-priority", accepts_what_is_absent, puts_class_and_priority_together,
	  rejects_an_unknown_class, rejects_a_priority_out_of_range, is_set_by_init,
	  is_set_by_the_runtime, leaves_what_it_may_not_do_to_the_runtime,
	  is_content_with_what_init_has_set)
