#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "liar.h"
#include "linux/seccomp-compile.h"
#include "linux/section.h"
#include "unit.h"

static struct error err;
static const char *names[] = {"mkdir", "mkdirat", NULL};
static struct oci_syscall_arg arg;
static struct oci_syscall rule;
static struct oci_seccomp seccomp;
static struct oci_process process;
static struct oci_linux properties = {.seccomp = &seccomp};
static const struct oci_config config = {.linux = &properties, .process = &process};

/* A filter that refuses mkdir(2). */
static void begin(void)
{
	arg = (struct oci_syscall_arg){.op = "SCMP_CMP_EQ"};
	rule = (struct oci_syscall){
		.names = names,
		.names_len = 2,
		.action = "SCMP_ACT_ERRNO",
		.has_errno_ret = true,
		.errno_ret = ENOTTY,
	};
	seccomp = (struct oci_seccomp){
		.default_action = "SCMP_ACT_ALLOW",
		.syscalls = &rule,
		.syscalls_len = 1,
	};
}

static void expect_rejected(const char *why)
{
	ck_assert_int_eq(section_seccomp.validate(&config, &err), -EINVAL);
	ck_assert_str_eq(err.text, why);
	begin();
}

TEST(accepts_a_filter_or_none)
{
	begin();
	ck_assert_int_eq(section_seccomp.validate(&config, &err), 0);
	ck_assert_int_eq(section_seccomp.validate(&(struct oci_config){0}, &err), 0);
}

TEST(rejects_words_that_it_does_not_know)
{
	const char *word[] = {"SCMP_ARCH_X86_64", "SCMP_X", NULL};

	begin();
	seccomp.default_action = "allow";
	expect_rejected("linux.seccomp.defaultAction: unknown action \"allow\"");
	seccomp.architectures = word;
	seccomp.architectures_len = 2;
	expect_rejected("linux.seccomp.architectures[1]: unknown architecture \"SCMP_X\"");
	seccomp.flags = word;
	seccomp.flags_len = 2;
	expect_rejected("linux.seccomp.flags[0]: unknown flag \"SCMP_ARCH_X86_64\"");
	rule.action = "SCMP_ACT_PANIC";
	expect_rejected("linux.seccomp.syscalls[0].action: unknown action \"SCMP_ACT_PANIC\"");
	arg.op = "==";
	rule.args = &arg;
	rule.args_len = 1;
	expect_rejected("linux.seccomp.syscalls[0].args[0].op: unknown operator \"==\"");
}

TEST(rejects_what_cannot_be)
{
	begin();
	rule.names_len = 0;
	expect_rejected("linux.seccomp.syscalls[0].names: it is empty");
	arg.index = 6;
	rule.args = &arg;
	rule.args_len = 1;
	expect_rejected("linux.seccomp.syscalls[0].args[0].index: 6 is not from 0 to 5");
}

/* The specification asks for an error. */
TEST(rejects_an_errno_of_an_action_that_has_none)
{
	begin();
	rule.action = "SCMP_ACT_KILL";
	expect_rejected("linux.seccomp.syscalls[0].errnoRet: SCMP_ACT_KILL takes no errno");
	seccomp.has_default_errno_ret = true;
	expect_rejected("linux.seccomp.defaultErrnoRet: SCMP_ACT_ALLOW takes no errno");
	rule.errno_ret = 4096;
	expect_rejected("linux.seccomp.syscalls[0].errnoRet: 4096 is too large");
}

/* The specification does not allow it. */
TEST(rejects_words_for_an_agent_that_is_not_there)
{
	begin();
	seccomp.listener_metadata = "x";
	expect_rejected("linux.seccomp.listenerMetadata: there is no listenerPath to send it to");
	seccomp.listener_metadata = "x";
	seccomp.listener_path = "/run/agent";
	ck_assert_int_eq(section_seccomp.validate(&config, &err), 0);
}

/* -- init -------------------------------------------------------------------------------------- */

/* 1: the filter was loaded early, 2: late. */
static int load(void *context, struct error *e)
{
	if (step_seccomp_early.apply(context, e) < 0)
		return -e->code;
	if (mkdir("/", 0755) < 0 && errno == ENOTTY)
		return 1;
	if (step_no_new_privileges.apply(context, e) < 0 || step_seccomp_late.apply(context, e) < 0)
		return -e->code;
	return mkdir("/", 0755) < 0 && errno == ENOTTY ? 2 : 0;
}

static int load_as_plain_user(void *context, struct error *e)
{
	skip_unless(geteuid() == 0 && setresuid(1000, 1000, 1000) == 0);
	return load(context, e);
}

static struct arena arena;

static struct container prepared(bool no_new_privileges)
{
	struct container container = {.config = &config, .arena = &arena};

	begin();
	process.no_new_privileges = no_new_privileges;
	arena_release(&arena);
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	ck_assert_msg(section_seccomp.prepare(&container, &err) == 0, "%s", err.text);
	return container;
}

TEST(loads_it_before_the_privileges_go_without_no_new_privileges)
{
	struct container container = prepared(false);
	int r;

	if (geteuid() == 0) {
		r = in_child(load, &container, &err);
		ck_assert_msg(r == 1, "%d: %s", r, err.text);
	}
	r = in_child(load_as_plain_user, &container, &err);
	if (r == CHILD_SKIPPED)
		return;
	ck_assert_int_eq(r, -EACCES);
	ck_assert_str_eq(err.text, "linux.seccomp: load the filter: permission denied");
	ck_assert_str_eq(err.hint, "it takes CAP_SYS_ADMIN, or process.noNewPrivileges");
}

TEST(loads_it_last_of_all_with_no_new_privileges)
{
	struct container container = prepared(true);
	int r = in_child(load, &container, &err);

	ck_assert_msg(r == 2, "%d: %s", r, err.text);
	r = in_child(load_as_plain_user, &container, &err);
	ck_assert_msg(r == 2 || r == CHILD_SKIPPED, "%d: %s", r, err.text);
}

TEST(loads_nothing_without_a_filter)
{
	struct container container = {.config = &(struct oci_config){0}};

	ck_assert_int_eq(section_seccomp.prepare(&container, &err), 0);
	ck_assert_int_eq(in_child(load, &container, &err), 0);
}

/* -- whoever answers in the kernel's place ------------------------------------------------------ */

static struct {
	long number;
	int argument;
	unsigned int code;
	size_t flags; /* how many are listed; without a list there is none */
	bool listed;
} lie;

static int prepare_among_lies(void *context, struct error *e)
{
	lie_about(SYS_pivot_root, ANY_ARGUMENT); /* a filter alone is none */
	answer(lie.number, lie.argument, lie.code);
	if (section_seccomp.prepare(context, e) < 0)
		return -e->code;
	return step_seccomp_early.apply(context, e);
}

static void expect_disbelief(long number, int argument, unsigned int code, const char *text,
			     const char *hint)
{
	static const char *flags[] = {"SECCOMP_FILTER_FLAG_LOG"};
	struct container container = {.config = &config, .arena = &arena};

	begin();
	seccomp.flags = lie.listed ? flags : NULL;
	seccomp.flags_len = lie.flags;
	process.no_new_privileges = false;
	arena_release(&arena);
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	lie.number = number;
	lie.argument = argument;
	lie.code = code;
	if (expect_refused(prepare_among_lies, &container, text, &err))
		ck_assert_str_eq(err.hint, hint);
}

TEST(does_not_believe_another_than_the_kernel)
{
	const char *place = "what proa runs in answers seccomp(2) in its place";
	const char *cannot = "linux.seccomp: the kernel can't be asked for filters";

	expect_disbelief(SYS_seccomp, ANY_ARGUMENT, 0, cannot, place);
	expect_disbelief(SYS_seccomp, ANY_ARGUMENT, EPERM, cannot, place);
	expect_disbelief(SYS_seccomp, ANY_ARGUMENT, ENOSYS,
			 "linux.seccomp: this kernel has no filters", "");
	if (geteuid() == 0)
		expect_disbelief(SYS_prctl, PR_GET_SECCOMP, 0, "linux.seccomp: it is not in force",
				 "");
	lie.listed = true;
	expect_disbelief(SYS_seccomp, ANY_ARGUMENT, 0, cannot, place);
	lie.flags = 1;
	expect_disbelief(SYS_seccomp, ANY_ARGUMENT, 0, cannot, place);
	expect_disbelief(SYS_seccomp, ANY_ARGUMENT, EINVAL,
			 "linux.seccomp.flags[0]: this kernel has no SECCOMP_FILTER_FLAG_LOG", "");
}

/* For exec, with the flags that the record has. */
TEST(expects_the_flags_of_a_filter_that_is_there_already)
{
	ck_assert_int_eq(seccomp_expect_flags(0, &err), 0);
	ck_assert_int_eq(seccomp_expect_flags(SECCOMP_FILTER_FLAG_LOG, &err), 0);
	ck_assert_int_eq(seccomp_expect_flags(1U << 31, &err), -EINVAL);
	ck_assert_str_eq(err.text, "linux.seccomp: this kernel does not have all its flags");
}

RUN_TESTS("seccomp", accepts_a_filter_or_none, rejects_words_that_it_does_not_know,
	  rejects_what_cannot_be, rejects_an_errno_of_an_action_that_has_none,
	  rejects_words_for_an_agent_that_is_not_there,
	  loads_it_before_the_privileges_go_without_no_new_privileges,
	  loads_it_last_of_all_with_no_new_privileges, loads_nothing_without_a_filter,
	  does_not_believe_another_than_the_kernel,
	  expects_the_flags_of_a_filter_that_is_there_already)
