/*
 * Profiles as engines have them must be compiled here, not by libseccomp, and mean the same; and the limits.
 * Random profiles are in test-seccomp-random.c.
 */
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
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
	for (size_t i = 0; i < seccomp_call_names; i++)
		if (!is_refused(seccomp_call_pool + seccomp_call_offsets[i]))
			add(seccomp_call_pool + seccomp_call_offsets[i], "SCMP_ACT_ALLOW");
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

/* The length of the made profile's filter, which lies at the end of room; 0 if there is none. */
static size_t make_filter(void)
{
	struct program program = {.room = room};
	int r;

	ck_assert_int_eq(seccomp_profile_read(&profile, &made.seccomp, &err), 0);
	r = seccomp_tree(&profile, &program, &err);
	ck_assert_int_ge(r, 0);
	return r ? program.len : 0;
}

static uint32_t verdict(size_t length, int number, uint64_t first)
{
	const struct seccomp_data data = {
		.arch = seccomp_arch_native(),
		.nr = number,
		.args = {first},
	};

	return bpf_run(room + BPF_MAXINSNS - length, length, &data);
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

/* -- limits ------------------------------------------------------------------------------------ */

TEST(leaves_rules_that_contradict_each_other_to_libseccomp)
{
	begin("SCMP_ACT_ERRNO", NULL);
	when(add("read", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_GT", 5);
	when(add("read", "SCMP_ACT_KILL"), 0, "SCMP_CMP_LE", 5);
	ck_assert_uint_gt(make_filter(), 0);
	when(add("read", "SCMP_ACT_KILL"), 0, "SCMP_CMP_EQ", 7);
	ck_assert_uint_eq(make_filter(), 0);
	/* A rule without a condition is the one that decides, but libseccomp may leave an earlier one out. */
	add("read", "SCMP_ACT_LOG");
	ck_assert_uint_eq(make_filter(), 0);

	/* They contradict each other only where arguments have 32 bits. */
	begin("SCMP_ACT_ERRNO", NULL);
	when(add("read", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_EQ", 5);
	when(add("read", "SCMP_ACT_KILL"), 0, "SCMP_CMP_EQ", UINT64_C(1) << 32 | 5);
	ck_assert_uint_gt(make_filter(), 0);
	made.architectures[made.seccomp.architectures_len++] = "SCMP_ARCH_X86";
	ck_assert_uint_eq(make_filter(), 0);

	begin("SCMP_ACT_ERRNO", NULL);
	add("read", "SCMP_ACT_LOG");
	when(add("read", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_GT", 5);
	when(add("read", "SCMP_ACT_KILL"), 0, "SCMP_CMP_EQ", 7);
	ck_assert_uint_gt(make_filter(), 0);
}

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

TEST(leaves_what_is_too_much_to_libseccomp)
{
	/* More rules on one call than are looked at here. */
	begin("SCMP_ACT_ERRNO", NULL);
	for (uint64_t i = 0; i < 257; i++)
		when(add("ioctl", "SCMP_ACT_ALLOW"), 0, "SCMP_CMP_EQ", i);
	ck_assert_uint_eq(make_filter(), 0);

	/* More instructions than the kernel takes: libseccomp writes the same ones once only. */
	begin("SCMP_ACT_ERRNO", family);
	for (size_t i = 0; i < seccomp_call_names; i++)
		for (uint64_t j = 0; j < 2; j++)
			when(when(add(seccomp_call_pool + seccomp_call_offsets[i],
				      "SCMP_ACT_ALLOW"),
				  0, "SCMP_CMP_GT", j << 40),
			     1, "SCMP_CMP_EQ", 5);
	ck_assert_uint_eq(make_filter(), 0);
}

/* Comparing takes longer than Check's 4 seconds on a machine that does other things, too. */
int main(void)
{
	const TTest *tests[] = {
		agrees_with_libseccomp_on_the_profiles_of_engines,
		is_short_for_the_profiles_of_engines,
		is_what_the_kernel_goes_by,
		leaves_rules_that_contradict_each_other_to_libseccomp,
		jumps_farther_than_255_instructions,
		leaves_what_is_too_much_to_libseccomp,
	};

	setenv("CK_DEFAULT_TIMEOUT", "300", 0);
	return run_tests("seccomp-tree", tests, sizeof(tests) / sizeof(tests[0]));
}
