/*
 * Profiles as engines have them must mean what they mean to libseccomp; those that contradict themselves; and the
 * limits.
 * Random profiles are in test-seccomp-random.c.
 */
#include <limits.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "seccomp-filters.h"

/* -- profiles as engines have them ------------------------------------------------------------- */

static const char *const family[] = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", NULL};
static const char *const foreign_family[] = {"SCMP_ARCH_AARCH64", "SCMP_ARCH_MIPSEL64", NULL};

static const char *const refused[] = {
	"acct",
	"bpf",
	"delete_module",
	"fsopen",
	"init_module",
	"ioperm",
	"kexec_load",
	"mount",
	"move_mount",
	"open_by_handle_at",
	"perf_event_open",
	"pivot_root",
	"reboot",
	"setns",
	"swapon",
	"umount2",
	"unshare",
	"userfaultfd",
	"vm86",
	"stime",
	"socket",
	"personality",
	"clone",
	"clone3",
	"quotactl",
};

static bool is_refused(const char *name)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (strcmp(refused[i], name) == 0)
			return true;
	return false;
}

/* All calls but a few, and the process's domain when it is a usual one. */
static void begin_allowing(const char *const architectures_listed[], uint32_t default_errno)
{
	static const uint64_t domains[] = {0, 8, 0x20000, 0x20008, UINT32_MAX};

	begin("SCMP_ACT_ERRNO", architectures_listed);
	made.seccomp.has_default_errno_ret = true;
	made.seccomp.default_errno_ret = default_errno;
	for (size_t i = 0; i < seccomp_call_list_len; i++)
		if (!is_refused(seccomp_call_list[i].text))
			add(seccomp_call_list[i].text, "SCMP_ACT_ALLOW");
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
		when(add("personality", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_EQ", domains[i]);
}

/* Docker's: clone without new namespaces, sockets of all families but one. */
static void make_docker_profile(const char *const architectures_listed[])
{
	struct oci_syscall *clone3;

	begin_allowing(architectures_listed, EPERM);
	when(add("clone", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_MASKED_EQ", 0x7e020000);
	clone3 = add("clone3", "SCMP_ACT_ERRNO");
	clone3->has_errno_ret = true;
	clone3->errno_ret = ENOSYS;
	when(add("socket", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_LT", 38);
	when(add("socket", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_EQ", 39);
	when(add("socket", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_GT", 40);
}

/* Podman's: some calls are refused, unknown ones unknown; no sockets to the audit system. */
static void make_podman_profile(const char *const architectures_listed[])
{
	struct oci_syscall *audit;

	begin_allowing(architectures_listed, ENOSYS);
	for (size_t i = 0; i < 18; i++)
		add(refused[i], "SCMP_ACT_ERRNO");
	audit = when(add("socket", "SCMP_ACT_ERRNO"), 0, "SCMP_CMP_EQ", 16);
	when(audit, 2, "SCMP_CMP_EQ", 9);
	audit->has_errno_ret = true;
	audit->errno_ret = EINVAL;
	when(add("socket", "SCMP_ACT_ALLOW"), 2, "SCMP_CMP_NE", 9);
	when(add("socket", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_NE", 16);
	when(add("socket", "SCMP_ACT_ALLOW"), 2, "SCMP_CMP_NE", 9);
}

TEST(agrees_with_libseccomp_on_the_profiles_of_engines)
{
	if (is_another_library())
		return;
	make_docker_profile(family);
	ck_assert(compare_filters());
	make_docker_profile(foreign_family);
	ck_assert(compare_filters());
	make_podman_profile(family);
	ck_assert(compare_filters());
	make_podman_profile(NULL);
	ck_assert(compare_filters());
	printf("%lu calls, %lu of them misread by libseccomp\n", compared, misread);
	ck_assert_uint_eq(misread, 0);
}

/* The length of the made profile's filter, which lies at the end of room. */
static size_t make_filter(void)
{
	struct program program;

	ck_assert_msg(make_program(&program) == 0, "%s", err.text);
	return program.len;
}

static uint32_t run(size_t length, const struct seccomp_data *data)
{
	return bpf_run(room + BPF_MAXINSNS - length, length, data);
}

static uint32_t verdict(size_t length, int number, uint64_t first)
{
	const struct seccomp_data data = {
		.arch = seccomp_arch_native(),
		.nr = number,
		.args = {first},
	};

	return run(length, &data);
}

/* The kernel runs it for each number of a system call when it is loaded. */
TEST(is_short_for_the_profiles_of_engines)
{
	make_docker_profile(family);
	ck_assert_uint_lt(make_filter(), 400);
	make_podman_profile(family);
	ck_assert_uint_lt(make_filter(), 400);
}

/* -- in earnest -------------------------------------------------------------------------------- */

static int fails_with(long result, int number)
{
	return result < 0 && errno == number;
}

/* Which of the calls had another outcome than the profile says; 0: none. */
static int call(void *context, struct error *e)
{
	const size_t *length = context;
	const struct sock_fprog filter = {
		.len = (unsigned short)*length,
		.filter = room + BPF_MAXINSNS - *length,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0)
		return error_errno(e, errno, "load");
	if (personality(0xffffffff) < 0 || personality(PER_LINUX) < 0)
		return 1;
	if (!fails_with(personality(PER_BSD), ENOSYS))
		return 2;
	if (!fails_with(socket(AF_NETLINK, SOCK_RAW, 9), EINVAL))
		return 3;
	if (socket(AF_UNIX, SOCK_STREAM, 0) < 0)
		return 4;
	if (!fails_with(syscall(SYS_kexec_load, 0, 0, NULL, 0), EPERM))
		return 5;
	if (!fails_with(syscall(SYS_clone3, NULL, 0), ENOSYS))
		return 6;
	if (!fails_with(syscall(5000), ENOSYS) || getppid() <= 0)
		return 7;
	return 0;
}

TEST(is_what_the_kernel_goes_by)
{
	size_t length;
	int r;

	make_podman_profile(NULL);
	length = make_filter();
	ck_assert_uint_gt(length, 0);
	r = in_child(call, &length, &err);
	ck_assert_msg(r == 0, "%d: %s", r, err.text);
}

/* -- how long it takes ------------------------------------------------------------------------- */

enum { ROUNDS = 20, MOST_MICROSECONDS = 3000 };

static int processor_time(void)
{
	struct timespec now;

	ck_assert_int_eq(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
	return (int)(now.tv_sec % 1000 * 1000000 + now.tv_nsec / 1000);
}

/* Also in a child, which has nothing of its memory yet. */
static int time_making(void *context, struct error *e)
{
	const int begun = processor_time();

	(void)context, (void)e;
	make_filter();
	return processor_time() - begun;
}

static int time_loading(void *context, struct error *e)
{
	const size_t *length = context;
	const struct sock_fprog filter = {
		.len = (unsigned short)*length,
		.filter = room + BPF_MAXINSNS - *length,
	};
	int begun;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(e, errno, "set no_new_privs");
	begun = processor_time();
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) <
	    0)
		return error_errno(e, errno, "load");
	return processor_time() - begun;
}

/* Less than a twentieth of what libseccomp's filters take, on any machine: the best of some rounds. */
static void expect_fast(const char *engine)
{
	size_t length = make_filter();
	int first = INT_MAX, again = INT_MAX, loading = INT_MAX;

	for (int i = 0; i < ROUNDS; i++) {
		int a = in_child(time_making, NULL, &err), b = time_making(NULL, &err);
		int c = in_child(time_loading, &length, &err);

		ck_assert_msg(c >= 0, "%s", err.text);
		first = a < first ? a : first;
		again = b < again ? b : again;
		loading = c < loading ? c : loading;
	}
	printf("%s: %zu instructions, made in %d us, by a new process in %d us, loaded in %d us\n",
	       engine, length, again, first, loading);
	ck_assert_int_lt(first + loading, MOST_MICROSECONDS);
}

TEST(takes_little_time)
{
	make_docker_profile(family);
	expect_fast("Docker's profile");
	make_podman_profile(family);
	expect_fast("Podman's profile");
}

/* -- rules that contradict each other ---------------------------------------------------------- */

TEST(takes_the_most_restrictive_rule_that_applies)
{
	static const char *const by_rank[] = {
		"SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL",  "SCMP_ACT_TRAP", "SCMP_ACT_ERRNO",
		"SCMP_ACT_NOTIFY",	 "SCMP_ACT_TRACE", "SCMP_ACT_LOG",
	};
	const size_t count = sizeof(by_rank) / sizeof(by_rank[0]);
	size_t length;

	/* The last one has the widest condition. */
	for (size_t shift = 0; shift < count; shift++) {
		begin("SCMP_ACT_ALLOW", NULL);
		for (size_t i = 0; i < count; i++) {
			size_t rank = (i + shift) % count;

			when(add("read", by_rank[rank]), 0, "SCMP_CMP_LE", rank);
		}
		length = make_filter();
		ck_assert_uint_eq(warnings, 1);
		ck_assert_uint_eq(verdict(length, SYS_read, 0), SECCOMP_RET_KILL_PROCESS);
		ck_assert_uint_eq(verdict(length, SYS_read, 1), SECCOMP_RET_KILL_THREAD);
		ck_assert_uint_eq(verdict(length, SYS_read, 2), SECCOMP_RET_TRAP);
		ck_assert_uint_eq(verdict(length, SYS_read, 3), SECCOMP_RET_ERRNO | EPERM);
		ck_assert_uint_eq(verdict(length, SYS_read, 4), SECCOMP_RET_USER_NOTIF);
		ck_assert_uint_eq(verdict(length, SYS_read, 5), SECCOMP_RET_TRACE | EPERM);
		ck_assert_uint_eq(verdict(length, SYS_read, 6), SECCOMP_RET_LOG);
		ck_assert_uint_eq(verdict(length, SYS_read, 7), SECCOMP_RET_ALLOW);
	}
}

TEST(takes_the_first_of_rules_with_different_numbers)
{
	struct oci_syscall *rule;
	size_t length;

	begin("SCMP_ACT_ALLOW", NULL);
	for (uint32_t i = 0; i < 3; i++) {
		rule = when(add("read", "SCMP_ACT_ERRNO"), i % 2, "SCMP_CMP_LE", 5 + i);
		rule->has_errno_ret = true;
		rule->errno_ret = 9 - i;
	}
	length = make_filter();
	ck_assert_uint_eq(warnings, 1);
	ck_assert_uint_eq(verdict(length, SYS_read, 5), SECCOMP_RET_ERRNO | 9);
	ck_assert_uint_eq(verdict(length, SYS_read, 6), SECCOMP_RET_ERRNO | 8);
	ck_assert(!compare_filters());
}

TEST(warns_of_rules_that_contradict_each_other_and_of_no_others)
{
	begin("SCMP_ACT_ERRNO", NULL);
	when(add("read", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_GT", 5);
	when(add("read", "SCMP_ACT_KILL"), 0, "SCMP_CMP_LE", 5);
	make_filter();
	ck_assert_uint_eq(warnings, 0);
	when(add("read", "SCMP_ACT_KILL"), 0, "SCMP_CMP_EQ", 7);
	make_filter();
	ck_assert_uint_eq(warnings, 1);
	ck_assert(!compare_filters());
	/* A rule without a condition is the one that decides. */
	add("read", "SCMP_ACT_LOG");
	ck_assert_uint_eq(verdict(make_filter(), SYS_read, 7), SECCOMP_RET_LOG);
	ck_assert_uint_eq(warnings, 0);

	/* They contradict each other only where arguments have 32 bits. */
	begin("SCMP_ACT_ERRNO", NULL);
	when(add("read", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_EQ", 5);
	when(add("read", "SCMP_ACT_KILL"), 0, "SCMP_CMP_EQ", UINT64_C(1) << 32 | 5);
	make_filter();
	ck_assert_uint_eq(warnings, 0);
	made.architectures[made.seccomp.architectures_len++] = "SCMP_ARCH_X86";
	make_filter();
	ck_assert_uint_eq(warnings, 1);
	ck_assert(!compare_filters());

	/* Once. */
	begin("SCMP_ACT_ERRNO", family);
	for (size_t i = 0; i < 2; i++) {
		when(add(i ? "read" : "write", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_GT", 5);
		when(add(i ? "read" : "write", "SCMP_ACT_KILL"), 0, "SCMP_CMP_EQ", 7);
	}
	make_filter();
	ck_assert_uint_eq(warnings, 1);
	ck_assert(!compare_filters());
}

/* Of i386 semop(2) is a part of ipc(2), and nothing else. */
TEST(takes_no_part_of_a_call_for_newer_than_the_profile)
{
	static const char *const i386[] = {"SCMP_ARCH_X86", NULL};
	struct seccomp_data data = {.arch = AUDIT_ARCH_I386, .nr = 117, .args = {1}};
	size_t length;

	begin("SCMP_ACT_ERRNO", i386);
	add("read", "SCMP_ACT_ALLOW");
	add("semop", "SCMP_ACT_ALLOW");
	length = make_filter();
	ck_assert_uint_eq(run(length, &data), SECCOMP_RET_ALLOW);
	data.args[0] = 2;
	ck_assert_uint_eq(run(length, &data), SECCOMP_RET_ERRNO | EPERM);
	data.nr = 21;
	ck_assert_uint_eq(run(length, &data), SECCOMP_RET_ERRNO | EPERM);
	data.nr = 118;
	ck_assert_uint_eq(run(length, &data), SECCOMP_RET_ERRNO | ENOSYS);
	ck_assert(compare_filters());
}

/* libseccomp 2.5.4 refuses read(4) by the first, and takes more than half a minute for four rules of the second. */
TEST(is_not_misled_by_what_misleads_libseccomp)
{
	begin("SCMP_ACT_ERRNO", NULL);
	when(add("read", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_LT", UINT64_C(1) << 32);
	when(add("read", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_LT", 0);
	ck_assert_uint_eq(verdict(make_filter(), SYS_read, 4), SECCOMP_RET_ALLOW);

	begin("SCMP_ACT_ERRNO", family);
	for (uint32_t i = 0; i < 60; i++)
		for (uint32_t j = 0; j < 6; j++)
			when(j ? &made.rules[i] : add("read", "SCMP_ACT_ALLOW"), j, "SCMP_CMP_NE",
			     i ^ j);
	ck_assert_uint_eq(verdict(make_filter(), SYS_read, 99), SECCOMP_RET_ALLOW);
}

/* -- limits ------------------------------------------------------------------------------------ */

/* Each takes four instructions, so that all ends are out of a jump's reach. */
TEST(jumps_farther_than_255_instructions)
{
	size_t length;

	begin("SCMP_ACT_ERRNO", NULL);
	for (uint64_t i = 0; i < 250; i++)
		when(add("ioctl", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_EQ", i << 33 | i);
	length = make_filter();
	ck_assert_uint_gt(length, 1000);
	for (uint64_t i = 0; i < 250; i++)
		ck_assert_uint_eq(verdict(length, SYS_ioctl, i << 33 | i), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(verdict(length, SYS_ioctl, 1), SECCOMP_RET_ERRNO | EPERM);
	ck_assert_uint_eq(verdict(length, SYS_ioctl, 300), SECCOMP_RET_ERRNO | EPERM);
	ck_assert(compare_filters());
}

/* An instruction for each, and three more for all 64 bits. */
TEST(takes_as_many_rules_on_a_call_as_fit)
{
	size_t length;

	begin("SCMP_ACT_ERRNO", NULL);
	for (uint64_t i = 0; i < 1000; i++)
		when(add("ioctl", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_EQ", i);
	length = make_filter();
	for (uint64_t i = 0; i < 1001; i++)
		ck_assert_uint_eq(verdict(length, SYS_ioctl, i),
				  i < 1000 ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EPERM);
}

/* What two numbers have, and where it is not the same. */
static void add_alike(const char *name, size_t rules, uint64_t value)
{
	for (uint64_t i = 0; i < rules; i++)
		when(when(add(name, "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_GT", value << i), 1,
		     "SCMP_CMP_EQ", 5);
}

TEST(writes_the_same_rules_on_many_calls_once)
{
	begin("SCMP_ACT_ERRNO", family);
	for (size_t i = 0; i < seccomp_call_list_len; i++)
		add_alike(seccomp_call_list[i].text, 2, 1);
	ck_assert_uint_lt(make_filter(), 500);

	begin("SCMP_ACT_ERRNO", NULL);
	add_alike("read", 2, 7);
	add_alike("write", 2, 7);
	add_alike("open", 2, 8);
	add_alike("close", 1, 8);
	add_alike("stat", 2, 7);
	add("fstat", "SCMP_ACT_ALLOW");
	add_alike("lstat", 2, 7);
	for (size_t i = 1; i <= 2; i++)
		made.rules[made.seccomp.syscalls_len - i].action = "SCMP_ACT_LOG";
	ck_assert(compare_filters());
}

static void expect_too_much(void)
{
	struct program program;

	ck_assert_int_eq(make_program(&program), -EINVAL);
	ck_assert_str_eq(err.text,
			 "the filter would have more than 4096 instructions, which is all "
			 "that the kernel takes");
}

TEST(refuses_what_the_kernel_would_not_take)
{
	/* More conditions on one call than could ever be written; and more than are. */
	for (uint64_t most = 1025; most <= 2049; most += 1024) {
		begin("SCMP_ACT_ERRNO", NULL);
		for (uint64_t i = 0; i < most; i++)
			when(add("ioctl", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_EQ", i << 33 | i);
		expect_too_much();
	}
	begin("SCMP_ACT_ERRNO", family);
	for (size_t i = 0; i < seccomp_call_list_len; i++)
		for (uint64_t j = 0; j < 2; j++)
			when(when(add(seccomp_call_list[i].text, "SCMP_ACT_ALLOW"), 0,
				  "SCMP_CMP_GT", j << 40 | i),
			     1, "SCMP_CMP_EQ", 5);
	expect_too_much();
}

/* Comparing takes longer than Check's 4 seconds on a machine that does other things, too. */
int main(void)
{
	const TTest *tests[] = {
		agrees_with_libseccomp_on_the_profiles_of_engines,
		is_short_for_the_profiles_of_engines,
		is_what_the_kernel_goes_by,
		takes_little_time,
		takes_the_most_restrictive_rule_that_applies,
		takes_the_first_of_rules_with_different_numbers,
		warns_of_rules_that_contradict_each_other_and_of_no_others,
		takes_no_part_of_a_call_for_newer_than_the_profile,
		is_not_misled_by_what_misleads_libseccomp,
		jumps_farther_than_255_instructions,
		takes_as_many_rules_on_a_call_as_fit,
		writes_the_same_rules_on_many_calls_once,
		refuses_what_the_kernel_would_not_take,
	};

	setenv("CK_DEFAULT_TIMEOUT", "300", 0);
	return run_tests("seccomp-tree", tests, sizeof(tests) / sizeof(tests[0]));
}
