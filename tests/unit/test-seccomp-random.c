/*
 * The filter of src/linux/seccomp-tree.c must have libseccomp's verdict on every call: random profiles are
 * compiled both ways, and both filters are run.  ROUNDS=1000 in the environment is for how many.
 */
#include "seccomp-filters.h"

static const char *const actions[] = {
	"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO",  "SCMP_ACT_KILL",  "SCMP_ACT_LOG",
	"SCMP_ACT_TRAP",  "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_KILL_PROCESS",
};
static const char *const operators[] = {
	"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",	    "SCMP_CMP_EQ",
	"SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ",
};
static const char *const favourites[] = {
	"socket", "bind",   "accept4", "send", "recvmmsg",    "socketcall",	"ipc",
	"semop",  "msgsnd", "shmctl",  "read", "personality", "clone",		"openat2",
	"time",	  "mmap2",  "set_tls", "stat", "teleport",    "io_uring_setup",
};
static const char *const architectures[] = {
	"SCMP_ARCH_X86_64",  "SCMP_ARCH_X86",	  "SCMP_ARCH_X32",	   "SCMP_ARCH_ARM",
	"SCMP_ARCH_AARCH64", "SCMP_ARCH_MIPSEL",  "SCMP_ARCH_MIPSEL64",	   "SCMP_ARCH_MIPSEL64N32",
	"SCMP_ARCH_PPC64LE", "SCMP_ARCH_RISCV64", "SCMP_ARCH_LOONGARCH64",
};

#define ONE_OF(list) ((list)[draw(sizeof(list) / sizeof((list)[0]))])

static uint64_t random_value(void)
{
	const uint64_t values[] = {
		draw(8),
		draw(UINT32_MAX),
		(uint64_t)draw(4) << 32 | draw(8),
		UINT64_C(1) << draw(64),
		UINT64_MAX - draw(3),
		UINT32_MAX - draw(3),
		(uint64_t)draw(UINT32_MAX) << 32 | draw(UINT32_MAX),
	};

	return ONE_OF(values);
}

/* It has one number for two calls of PowerPC on all machines that have neither, and takes each rule about one for a
 * rule about the other. */
static bool is_confused_by_libseccomp(const char *name)
{
	char *back = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
						      seccomp_syscall_resolve_name(name));
	bool is_other = back && strcmp(back, name) != 0;

	free(back);
	return is_other;
}

static void add_random_rule(size_t different_actions)
{
	const char *name = draw(3) ? ONE_OF(favourites)
				   : seccomp_call_list[draw((uint32_t)seccomp_call_list_len)].text;
	struct oci_syscall *rule = add(is_confused_by_libseccomp(name) ? "read" : name,
				       actions[draw((uint32_t)different_actions)]);
	size_t conditions = draw(3) ? draw(4) : 0;

	if (draw(4) == 0 && strlen(rule->action) == strlen("SCMP_ACT_ERRNO")) {
		rule->has_errno_ret = true;
		rule->errno_ret = draw(3);
	}
	for (size_t i = 0; i < conditions; i++) {
		when(rule, draw(4), ONE_OF(operators), random_value());
		rule->args[i].value_two = draw(2) ? rule->args[i].value : random_value();
	}
}

/* Some have one action beside the default, so that nothing can contradict. */
static void make_random_profile(void)
{
	size_t different = draw(2) ? 1 + draw(2) : 1 + draw(8), count = 1 + draw(24);
	const char *listed[8] = {NULL};

	for (size_t i = 0, many = draw(4); i < many; i++)
		listed[i] = ONE_OF(architectures);
	begin(draw(2) ? "SCMP_ACT_ERRNO" : ONE_OF(actions), listed);
	for (size_t i = 0; i < count; i++)
		add_random_rule(different);
}

static void expect_agreement(uint64_t from, size_t count)
{
	size_t asked = 0;

	seed = from;
	for (size_t i = 0; i < count; i++) {
		make_random_profile();
		asked += compare_filters();
	}
	printf("%zu random profiles, libseccomp asked for %zu; %lu calls, %lu of them misread by "
	       "it\n",
	       count, asked, compared, misread);
	ck_assert_uint_gt(asked, count / 2);
	ck_assert_uint_lt(asked, count);
	ck_assert_uint_lt(misread, compared / 100);
}

TEST(agrees_with_libseccomp_on_random_profiles)
{
	const char *rounds = getenv("ROUNDS");

	if (is_another_library())
		return;
	expect_agreement(rounds ? (uint64_t)atol(rounds) : 1, rounds ? (size_t)atol(rounds) : 25);
}

/* It takes longer than Check's 4 seconds on a machine that does other things, too. */
int main(void)
{
	const TTest *tests[] = {agrees_with_libseccomp_on_random_profiles};

	setenv("CK_DEFAULT_TIMEOUT", "600", 0);
	return run_tests("seccomp-random", tests, 1);
}
