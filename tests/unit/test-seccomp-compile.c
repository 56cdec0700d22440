#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>

#include "bpf.h"
#include "linux/seccomp-compile.h"
#include "unit.h"

#define REFUSED(number) (SECCOMP_RET_ERRNO | (number))

static struct error err;
static struct arena arena;
static struct container container;

/* A rule for one system call. */
static struct oci_syscall rule(const char *name, const char *action, struct oci_syscall_arg *args,
			       size_t args_len)
{
	static const char *lists[64][2];
	static size_t used;
	const char **names = lists[used++ % 64];

	names[0] = name;
	return (struct oci_syscall){
		.names = names,
		.names_len = 1,
		.action = action,
		.args = args,
		.args_len = args_len,
	};
}

static int try_compile(struct oci_seccomp *seccomp)
{
	static struct oci_linux properties;
	static const struct oci_config config = {.linux = &properties};

	arena_release(&arena);
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	properties = (struct oci_linux){.seccomp = seccomp};
	container = (struct container){.config = &config, .arena = &arena};
	if (seccomp_compile(&container, &err) < 0)
		return -err.code;
	return seccomp_choose_flags(&container, &err);
}

static void compile(const char *default_action, struct oci_syscall *rules, size_t count)
{
	const char *architectures[] = {"SCMP_ARCH_X86_64", NULL};
	struct oci_seccomp seccomp = {
		.default_action = default_action,
		.architectures = architectures,
		.architectures_len = 1,
		.syscalls = rules,
		.syscalls_len = count,
	};

	ck_assert_msg(try_compile(&seccomp) == 0, "%s", err.text);
}

static uint32_t verdict_for(uint32_t architecture, int number, uint64_t first, uint64_t second)
{
	const struct seccomp_data data = {
		.arch = architecture,
		.nr = number,
		.args = {first, second},
	};

	return bpf_run(container.seccomp.filter, container.seccomp.filter_len, &data);
}

/* The verdict on a call of x86-64. */
static uint32_t verdict(const char *name, uint64_t first, uint64_t second)
{
	return verdict_for(AUDIT_ARCH_X86_64,
			   seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name), first,
			   second);
}

TEST(makes_none_of_none)
{
	ck_assert_int_eq(try_compile(NULL), 0);
	ck_assert_ptr_null(container.seccomp.filter);
}

TEST(allows_what_is_listed_and_refuses_the_rest)
{
	struct oci_syscall rules[] = {
		rule("read", "SCMP_ACT_ALLOW", NULL, 0),
		rule("statx", "SCMP_ACT_ERRNO", NULL, 0),
		rule("write", "SCMP_ACT_KILL_PROCESS", NULL, 0),
		rule("close", "SCMP_ACT_TRACE", NULL, 0),
	};

	rules[1].has_errno_ret = true;
	rules[1].errno_ret = ENOTTY;
	rules[3].has_errno_ret = true;
	rules[3].errno_ret = 77;
	compile("SCMP_ACT_ERRNO", rules, 4);
	ck_assert_uint_eq(verdict("read", 0, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(verdict("statx", 0, 0), REFUSED(ENOTTY));
	ck_assert_uint_eq(verdict("write", 0, 0), SECCOMP_RET_KILL_PROCESS);
	ck_assert_uint_eq(verdict("close", 0, 0), SECCOMP_RET_TRACE | 77);
	ck_assert_uint_eq(verdict("mount", 0, 0), REFUSED(EPERM));
}

TEST(answers_calls_newer_than_the_profile_with_enosys)
{
	struct oci_syscall rules[] = {rule("statx", "SCMP_ACT_ALLOW", NULL, 0)};

	compile("SCMP_ACT_ERRNO", rules, 1);
	ck_assert_uint_eq(verdict("statx", 0, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(verdict("clone3", 0, 0), REFUSED(ENOSYS));
	compile("SCMP_ACT_KILL_PROCESS", rules, 1);
	ck_assert_uint_eq(verdict("clone3", 0, 0), REFUSED(ENOSYS));
	compile("SCMP_ACT_LOG", rules, 1);
	ck_assert_uint_eq(verdict("clone3", 0, 0), SECCOMP_RET_LOG);
}

/* CVE-2017-18367: these were taken for alternatives. */
TEST(wants_all_conditions_on_different_arguments)
{
	struct oci_syscall_arg args[] = {
		{.index = 0, .value = 1, .op = "SCMP_CMP_EQ"},
		{.index = 1, .value = 2, .op = "SCMP_CMP_EQ"},
	};
	struct oci_syscall rules[] = {rule("dup2", "SCMP_ACT_ERRNO", args, 2)};

	compile("SCMP_ACT_ALLOW", rules, 1);
	ck_assert_uint_eq(verdict("dup2", 1, 2), REFUSED(EPERM));
	ck_assert_uint_eq(verdict("dup2", 1, 3), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(verdict("dup2", 0, 2), SECCOMP_RET_ALLOW);
}

TEST(wants_one_of_the_conditions_on_the_same_argument)
{
	struct oci_syscall_arg args[] = {
		{.index = 0, .value = 8, .op = "SCMP_CMP_EQ"},
		{.index = 0, .value = 131072, .op = "SCMP_CMP_EQ"},
		{.index = 0, .value = UINT32_MAX, .op = "SCMP_CMP_EQ"},
	};
	struct oci_syscall rules[] = {rule("personality", "SCMP_ACT_ALLOW", args, 3)};

	compile("SCMP_ACT_ERRNO", rules, 1);
	ck_assert_uint_eq(verdict("personality", 8, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(verdict("personality", 131072, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(verdict("personality", UINT32_MAX, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(verdict("personality", 9, 0), REFUSED(EPERM));
}

/* One call, compared by op with value and two; each of the arguments must get the verdict beside it. */
struct comparison {
	const char *op;
	uint64_t value, two;
	uint64_t matches, differs;
};

TEST(compares_all_64_bits)
{
	static const struct comparison comparisons[] = {
		{"SCMP_CMP_EQ", UINT64_C(1) << 32, 0, UINT64_C(1) << 32, 0},
		{"SCMP_CMP_NE", UINT64_C(1) << 32, 0, 0, UINT64_C(1) << 32},
		{"SCMP_CMP_LT", (UINT64_C(1) << 32) + 5, 0, (UINT64_C(1) << 32) + 4,
		 (UINT64_C(1) << 32) + 5},
		{"SCMP_CMP_LE", (UINT64_C(1) << 32) + 5, 0, 6, UINT64_C(2) << 32},
		{"SCMP_CMP_GE", (UINT64_C(1) << 32) + 5, 0, UINT64_C(2) << 32, 6},
		{"SCMP_CMP_GT", (UINT64_C(1) << 32) + 5, 0, (UINT64_C(1) << 32) + 6,
		 (UINT64_C(1) << 32) + 5},
		{"SCMP_CMP_MASKED_EQ", 0x7e020000, 0, 0x11, 0x10000000},
		{"SCMP_CMP_MASKED_EQ", UINT64_C(0xff00000000), UINT64_C(0x1200000000),
		 UINT64_C(0x1200000034), 0x34},
	};

	for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++) {
		const struct comparison *comparison = &comparisons[i];
		struct oci_syscall_arg arg = {
			.index = 0,
			.value = comparison->value,
			.value_two = comparison->two,
			.op = comparison->op,
		};
		struct oci_syscall rules[] = {rule("clone", "SCMP_ACT_ALLOW", &arg, 1)};

		compile("SCMP_ACT_ERRNO", rules, 1);
		ck_assert_msg(verdict("clone", comparison->matches, 0) == SECCOMP_RET_ALLOW,
			      "%zu: %s does not match", i, comparison->op);
		ck_assert_msg(verdict("clone", comparison->differs, 0) == REFUSED(EPERM),
			      "%zu: %s matches", i, comparison->op);
	}
}

TEST(takes_in_the_other_architectures_of_the_machine)
{
	struct oci_syscall rules[] = {rule("mkdir", "SCMP_ACT_ERRNO", NULL, 0)};
	int i386 = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86, "mkdir");
	int x32 = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X32, "mkdir");

	compile("SCMP_ACT_ALLOW", rules, 1);
	ck_assert_uint_eq(verdict_for(AUDIT_ARCH_I386, i386, 0, 0), REFUSED(EPERM));
	ck_assert_uint_eq(verdict_for(AUDIT_ARCH_X86_64, x32, 0, 0), REFUSED(EPERM));
	ck_assert_uint_eq(verdict_for(AUDIT_ARCH_AARCH64, 0, 0, 0), SECCOMP_RET_KILL_THREAD);
}

TEST(passes_by_calls_that_nobody_knows_and_rules_that_change_nothing)
{
	struct oci_syscall rules[] = {
		rule("teleport", "SCMP_ACT_ALLOW", NULL, 0),
		rule("mount", "SCMP_ACT_ERRNO", NULL, 0),
		rule("read", "SCMP_ACT_ALLOW", NULL, 0),
		rule("read", "SCMP_ACT_ALLOW", NULL, 0),
	};

	compile("SCMP_ACT_ERRNO", rules, 4);
	ck_assert_uint_eq(verdict("read", 0, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(verdict("mount", 0, 0), REFUSED(EPERM));
}

TEST(compiles_rules_that_contradict_each_other)
{
	struct oci_syscall_arg greater = {.op = "SCMP_CMP_GT", .value = 5};
	struct oci_syscall_arg equal = {.op = "SCMP_CMP_EQ", .value = 7};
	struct oci_syscall rules[] = {
		rule("read", "SCMP_ACT_ALLOW", &greater, 1),
		rule("read", "SCMP_ACT_KILL", &equal, 1),
	};

	compile("SCMP_ACT_ERRNO", rules, 2);
	ck_assert_uint_eq(verdict("read", 8, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(verdict("read", 7, 0), SECCOMP_RET_KILL_THREAD);
	ck_assert_uint_eq(verdict("read", 5, 0), REFUSED(EPERM));
	ck_assert_uint_eq(verdict("close", 0, 0), REFUSED(ENOSYS));
}

/* It has one number since Linux 4.3, and is a part of socketcall(2) before. */
TEST(knows_both_forms_of_a_call_that_can_be_a_part_of_another_one)
{
	struct oci_syscall rules[] = {rule("socket", "SCMP_ACT_ALLOW", NULL, 0)};

	compile("SCMP_ACT_ERRNO", rules, 1);
	ck_assert_uint_eq(verdict_for(AUDIT_ARCH_I386, 359, 0, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(verdict_for(AUDIT_ARCH_I386, 102, 1, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(verdict_for(AUDIT_ARCH_I386, 102, 2, 0), REFUSED(EPERM));
	ck_assert_uint_eq(verdict_for(AUDIT_ARCH_I386, 360, 0, 0), REFUSED(ENOSYS));
}

TEST(takes_the_flags_that_are_given)
{
	const char *none[] = {NULL}, *log[] = {"SECCOMP_FILTER_FLAG_LOG", NULL};
	struct oci_seccomp seccomp = {.default_action = "SCMP_ACT_ALLOW"};

	ck_assert_int_eq(try_compile(&seccomp), 0);
	ck_assert_uint_eq(container.seccomp.flags, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	seccomp.flags = none;
	ck_assert_int_eq(try_compile(&seccomp), 0);
	ck_assert_uint_eq(container.seccomp.flags, 0);
	seccomp.flags = log;
	seccomp.flags_len = 1;
	ck_assert_int_eq(try_compile(&seccomp), 0);
	ck_assert_uint_eq(container.seccomp.flags, SECCOMP_FILTER_FLAG_LOG);
}

static void expect_flags(const char *flag, unsigned int expected)
{
	const char *flags[] = {flag, NULL};
	struct oci_seccomp seccomp = {
		.default_action = "SCMP_ACT_ALLOW",
		.flags = flags,
		.flags_len = 1,
	};

	ck_assert_int_eq(try_compile(&seccomp), 0);
	container.seccomp.agent = "/run/agent";
	ck_assert_msg(seccomp_choose_flags(&container, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(container.seccomp.flags, expected);
}

TEST(takes_other_flags_when_there_is_a_listener)
{
	const unsigned int base = SECCOMP_FILTER_FLAG_NEW_LISTENER;

	expect_flags("SECCOMP_FILTER_FLAG_LOG", base | SECCOMP_FILTER_FLAG_LOG);
	expect_flags("SECCOMP_FILTER_FLAG_TSYNC",
		     base | SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
	expect_flags("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
		     base | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
}

static struct oci_pair strict = {.key = "run.oci.seccomp_fail_unknown_syscall"};

static int compile_strictly(const char *value)
{
	struct oci_syscall unknown = rule("teleport", "SCMP_ACT_ERRNO", NULL, 0);
	struct oci_seccomp seccomp = {
		.default_action = "SCMP_ACT_ALLOW",
		.syscalls = &unknown,
		.syscalls_len = 1,
	};
	struct oci_linux properties = {.seccomp = &seccomp};
	const struct oci_config config = {
		.linux = &properties, .annotations = &strict, .annotations_len = 1};

	strict.value = value;
	container.config = &config;
	return seccomp_compile(&container, &err);
}

TEST(rejects_unknown_calls_if_that_is_asked_for)
{
	ck_assert_int_eq(try_compile(NULL), 0);
	ck_assert_int_eq(compile_strictly("0"), 0);
	ck_assert_int_eq(compile_strictly("1"), -EINVAL);
	ck_assert_str_eq(err.text,
			 "linux.seccomp.syscalls[0].names[0]: unknown system call \"teleport\"");
}

TEST(rejects_an_architecture_of_the_other_byte_order)
{
	const char *architectures[] = {"SCMP_ARCH_X86_64", "SCMP_ARCH_LOONGARCH64",
				       "SCMP_ARCH_S390X", NULL};
	struct oci_seccomp seccomp = {
		.default_action = "SCMP_ACT_ALLOW",
		.architectures = architectures,
		.architectures_len = 3,
	};

	ck_assert_int_eq(try_compile(&seccomp), -EINVAL);
	ck_assert_str_eq(err.text,
			 "linux.seccomp.architectures[2]: its byte order is not this machine's");
}

RUN_TESTS("seccomp-compile", makes_none_of_none, allows_what_is_listed_and_refuses_the_rest,
	  answers_calls_newer_than_the_profile_with_enosys,
	  wants_all_conditions_on_different_arguments,
	  wants_one_of_the_conditions_on_the_same_argument, compares_all_64_bits,
	  takes_in_the_other_architectures_of_the_machine,
	  takes_other_flags_when_there_is_a_listener, rejects_unknown_calls_if_that_is_asked_for,
	  compiles_rules_that_contradict_each_other,
	  knows_both_forms_of_a_call_that_can_be_a_part_of_another_one,
	  passes_by_calls_that_nobody_knows_and_rules_that_change_nothing,
	  takes_the_flags_that_are_given, rejects_an_architecture_of_the_other_byte_order)
