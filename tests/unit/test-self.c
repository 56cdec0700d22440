#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/self.h"
#include "basic/syscalls.h"
#include "unit.h"

static struct error err;

static struct self read_self(void)
{
	struct self self = {0};
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(self_read(proc, &self, &err), 0);
	close(proc);
	return self;
}

TEST(knows_which_signals_are_ignored)
{
	const uint64_t chosen = UINT64_C(1) << (SIGUSR2 - 1) | UINT64_C(1) << (SIGRTMAX - 1);

	ck_assert_uint_eq(read_self().ignored & chosen, 0);
	signal(SIGUSR2, SIG_IGN);
	signal(SIGRTMAX, SIG_IGN);
	ck_assert_uint_eq(read_self().ignored & chosen, chosen);
	signal(SIGUSR2, SIG_DFL);
	signal(SIGRTMAX, SIG_DFL);
}

TEST(agrees_with_the_system_calls)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct half[2] = {0};
	struct self self = read_self();

	ck_assert(self.own_pids);
	ck_assert_uint_eq(self.uid, geteuid());
	ck_assert_uint_eq(self.gid, getegid());
	ck_assert_int_eq(sys_capget(&header, half), 0);
	ck_assert_uint_eq(self.permitted, half[0].permitted | (uint64_t)half[1].permitted << 32);
	ck_assert_uint_eq(self.effective, half[0].effective | (uint64_t)half[1].effective << 32);
	for (int i = 0; i < 64; i++)
		ck_assert_int_eq(self.bounding >> i & 1, prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1);
}

/* A directory with self/status in it, which begins with so many groups as a user of a large company has. */
static int make_status(char *folder, size_t groups, const char *rest)
{
	int directory, fd;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	directory = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mkdirat(directory, "self", 0700), 0);
	fd = openat(directory, "self/status", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	dprintf(fd, "Name:\tproa\nNSpid:\t7\t3\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t");
	for (size_t i = 0; i < groups; i++)
		dprintf(fd, "%zu ", 4000000000 + i);
	dprintf(fd, "\n%s", rest);
	close(fd);
	return directory;
}

static void remove_status(const char *folder, int directory)
{
	unlinkat(directory, "self/status", 0);
	unlinkat(directory, "self", AT_REMOVEDIR);
	close(directory);
	rmdir(folder);
}

TEST(reads_on_behind_the_groups)
{
	static const char rest[] =
		"SigIgn:\t00000000000a1000\nCapPrm:\t1\nCapEff:\t2\nCapBnd:\t3\n";
	char folder[] = "/tmp/proa-unit-self.XXXXXX";
	int directory = make_status(folder, 65536, rest);
	struct self self;

	ck_assert_msg(self_read(directory, &self, &err) == 0, "%s", err.text);
	ck_assert(!self.own_pids);
	ck_assert_uint_eq(self.uid, 2);
	ck_assert_uint_eq(self.gid, 6);
	ck_assert_uint_eq(self.ignored, 0xa1000);
	ck_assert_uint_eq(self.permitted, 1);
	ck_assert_uint_eq(self.effective, 2);
	ck_assert_uint_eq(self.bounding, 3);
	remove_status(folder, directory);
}

/* Only for a procfs is the caller there. */
TEST(says_what_is_missing)
{
	char folder[] = "/tmp/proa-unit-self.XXXXXX";
	int directory = make_status(folder, 1, "SigIgn:\t0\n");
	struct self self;

	ck_assert_int_eq(self_read(directory, &self, &err), -EINVAL);
	ck_assert_str_eq(err.text, "/proc/self/status says nothing of \"CapPrm:\"");
	unlinkat(directory, "self/status", 0);
	ck_assert_int_eq(self_read(directory, &self, &err), -ENOENT);
	ck_assert_str_eq(err.text, "open /proc/self/status: no such file or directory");
	remove_status(folder, directory);
}

RUN_TESTS("self", knows_which_signals_are_ignored, agrees_with_the_system_calls,
	  reads_on_behind_the_groups, says_what_is_missing)
