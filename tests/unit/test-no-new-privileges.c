#include <errno.h>
#include <sys/prctl.h>

#include "liar.h"
#include "linux/section.h"
#include "unit.h"

static int apply(void *context, struct error *err)
{
	int before = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);

	if (step_no_new_privileges.apply(context, err) < 0)
		return -err->code;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) - before;
}

static int set_by(const struct oci_config *config)
{
	struct container container = {.config = config};
	struct error err;

	return in_child(apply, &container, &err);
}

TEST(sets_it_when_it_is_asked_for)
{
	struct oci_process process = {.no_new_privileges = true};

	/* Where the tests themselves run with it there is nothing to see. */
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0)
		ck_assert_int_eq(set_by(&(struct oci_config){.process = &process}), 1);
}

TEST(leaves_it_alone_otherwise)
{
	struct oci_process process = {.no_new_privileges = false};

	ck_assert_int_eq(set_by(&(struct oci_config){.process = &process}), 0);
	ck_assert_int_eq(set_by(&(struct oci_config){.process = NULL}), 0);
}

static int apply_among_lies(void *context, struct error *err)
{
	/* A filter takes privileges, or what it is to lie about. */
	skip_unless(geteuid() == 0);
	lie_about(SYS_prctl, PR_SET_NO_NEW_PRIVS);
	return step_no_new_privileges.apply(context, err);
}

TEST(does_not_believe_a_call_that_does_nothing)
{
	struct oci_process process = {.no_new_privileges = true};
	struct oci_config config = {.process = &process};
	struct container container = {.config = &config};
	struct error err;
	int r = in_child(apply_among_lies, &container, &err);

	if (r == CHILD_SKIPPED || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0)
		return;
	ck_assert_int_eq(r, -EINVAL);
	ck_assert_str_eq(err.text, "process.noNewPrivileges: it is not what was set");
}

RUN_TESTS("no-new-privileges", sets_it_when_it_is_asked_for, leaves_it_alone_otherwise,
	  does_not_believe_a_call_that_does_nothing)
