#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "scratch.h"
#include "unit.h"

static struct scratch s;

static void begin(void (*look)(struct scratch *scratch))
{
	scratch_begin(&s);
	s.look = look;
}

static void look_at_kernel_mounts(struct scratch *scratch)
{
	struct stat pts;

	(void)scratch;
	report(&s, "proc %s %s, ", flags_of("/proc"), content("/proc/self/comm"));
	report(&s, "dev %s, ", flags_of("/dev"));
	report(&s, "pts %s, ", stat("/dev/pts/ptmx", &pts) == 0 ? flags_of("/dev/pts") : "-");
	report(&s, "shm %s", flags_of("/dev/shm"));
}

static void set_usual_mounts(void)
{
	static const char *proc[] = {"nosuid", "noexec", "nodev", NULL};
	static const char *dev[] = {"nosuid", "noexec", "strictatime", "mode=755", NULL};
	static const char *pts[] = {"nosuid",	 "noexec", "newinstance", "ptmxmode=0666",
				    "mode=0620", "gid=5",  NULL};
	static struct oci_mount mounts[5];

	memset(mounts, 0, sizeof(mounts));
	mounts[0] = (struct oci_mount){.destination = "/proc", .type = "proc", .options = proc};
	mounts[1] = (struct oci_mount){.destination = "/dev", .type = "tmpfs", .options = dev};
	mounts[2] = (struct oci_mount){.destination = "/dev/pts", .type = "devpts", .options = pts};
	mounts[3] = (struct oci_mount){.destination = "/dev/shm", .type = "tmpfs", .source = "shm"};
	set_mounts(&s, mounts);
}

TEST(makes_the_usual_mounts)
{
	begin(look_at_kernel_mounts);
	set_usual_mounts();
	s.namespaces |= CLONE_NEWPID;
	scratch_expect(&s, "proc rw,nosuid,nodev,noexec test-mount-open, dev rw,nosuid,noexec, "
			   "pts rw,nosuid,noexec, shm rw,nosuid,nodev,noexec");
	scratch_end(&s);
}

/* The group 5 of terminals is not mapped there. */
TEST(makes_the_usual_mounts_in_a_user_namespace)
{
	begin(look_at_kernel_mounts);
	set_usual_mounts();
	s.namespaces |= CLONE_NEWPID | CLONE_NEWUSER;
	scratch_expect(&s, "proc rw,nosuid,nodev,noexec test-mount-open, dev rw,nosuid,noexec, "
			   "pts rw,nosuid,noexec, shm rw,nosuid,nodev,noexec");
	scratch_end(&s);
}

static void look_at_binds(struct scratch *scratch)
{
	(void)scratch;
	report(&s, "plain %s, ", content("/plain/file"));
	report(&s, "readonly %s, ", flags_of("/readonly"));
	report(&s, "file %s", content("/etc/file"));
}

static void set_binds(void)
{
	static const char *readonly[] = {"rbind", "ro", "nosuid", "nodev", "noexec", NULL};
	static const char *private[] = {"bind", "rprivate", NULL};
	static struct oci_mount mounts[4];

	put_file(host(&s, "host/file"), "text");
	memset(mounts, 0, sizeof(mounts));
	mounts[0] = (struct oci_mount){.destination = "/plain", .type = "bind", .source = "host"};
	mounts[1] = (struct oci_mount){
		.destination = "/readonly", .type = "none", .source = "host", .options = readonly};
	mounts[2] = (struct oci_mount){
		.destination = "/etc/file", .source = "host/file", .options = private};
	set_mounts(&s, mounts);
}

TEST(binds_directories_and_files)
{
	begin(look_at_binds);
	set_binds();
	scratch_expect(&s, "plain text, readonly ro,nosuid,nodev,noexec, file text");
	scratch_end(&s);
}

TEST(binds_what_the_runtime_may_not_open_itself)
{
	begin(look_at_binds);
	set_binds();
	s.namespaces |= CLONE_NEWUSER;
	s.container.host_privileges = false;
	scratch_expect(&s, "plain text, readonly ro,nosuid,nodev,noexec, file text");
	scratch_end(&s);
}

static int exchange_in_child(void *context, struct error *err)
{
	(void)context;
	if (rename(host(&s, "host"), host(&s, "away")) < 0 || symlink("/etc", host(&s, "host")) < 0)
		abort();
	return scratch_child(&s, err);
}

/* A10: never the new target. */
TEST(notices_that_a_source_was_exchanged)
{
	char expected[256];
	struct error err;
	int r;

	begin(NULL);
	set_mounts(&s, MOUNTS({.destination = "/plain", .type = "bind", .source = "host"}));
	s.container.host_privileges = false;
	ck_assert_int_eq(scratch_prepare(&s, &err), 0);
	r = in_child(exchange_in_child, &s, &err);
	snprintf(expected, sizeof(expected),
		 "mounts[0] (/plain): bind source %s/host was exchanged in the meantime", s.path);
	if (r != CHILD_SKIPPED)
		ck_assert_str_eq(err.text, expected);
	scratch_end(&s);
}

TEST(binds_the_source_it_opened_whatever_its_name_leads_to_later)
{
	struct error err;

	if (geteuid() != 0)
		return;
	begin(look_at_binds);
	set_binds();
	ck_assert_int_eq(scratch_prepare(&s, &err), 0);
	ck_assert_int_eq(in_child(exchange_in_child, &s, &err), 0);
	ck_assert_str_eq(err.text, "plain text, readonly ro,nosuid,nodev,noexec, file text");
	scratch_end(&s);
}

TEST(tells_what_the_file_system_says)
{
	struct error err;

	begin(NULL);
	set_mounts(&s, MOUNTS({.destination = "/x", .type = "tmpfs", .options = OPTIONS("foo=1")}));
	if (scratch_run(&s, &err) != CHILD_SKIPPED) {
		ck_assert_str_eq(err.text, "mounts[0] (/x): mount a tmpfs: foo: invalid argument");
		ck_assert_str_eq(err.hint, "the kernel says \"tmpfs: Unknown parameter 'foo'\"");
	}
	scratch_end(&s);
}

TEST(knows_when_there_is_no_such_file_system)
{
	struct error err;

	begin(NULL);
	set_mounts(&s, MOUNTS({.destination = "/x", .type = "nofs"}));
	if (scratch_run(&s, &err) != CHILD_SKIPPED) {
		ck_assert_str_eq(err.text, "mounts[0] (/x): mount a nofs: no such device");
		ck_assert_str_eq(err.hint, "the kernel has no file system \"nofs\"");
	}
	scratch_end(&s);
}

static void look_at_overlay(struct scratch *scratch)
{
	(void)scratch;
	report(&s, "%s %s", content("/x/file"), flags_of("/x"));
}

/* Longer than fsconfig(2) takes. */
TEST(mounts_an_overlay_of_long_paths)
{
	static char lower[600];
	size_t used;

	if (geteuid() != 0)
		return;
	begin(look_at_overlay);
	put_file(host(&s, "host/file"), "below");
	used = (size_t)snprintf(lower, sizeof(lower), "lowerdir=%s/host", s.path);
	for (int i = 0; i < 60; i++)
		used += (size_t)snprintf(lower + used, sizeof(lower) - used, "/././.");
	snprintf(lower + used, sizeof(lower) - used, ":%s/rootfs", s.path);
	set_mounts(&s, MOUNTS({.destination = "/x",
			       .type = "overlay",
			       .source = "overlay",
			       .options = OPTIONS("nosuid", lower)}));
	scratch_expect(&s, "below ro,nosuid");
	scratch_end(&s);
}

static int lock_and_unlock(void *context, struct error *err)
{
	struct mount_attr change = {.attr_set = MOUNT_ATTR_NOSUID};
	int fd;

	(void)context;
	skip_unless(unshare(CLONE_NEWNS) == 0);
	sys_mount_propagation("/", MS_REC | MS_PRIVATE);
	if (sys_mount("x", host(&s, "host"), "tmpfs", 0, NULL) < 0)
		abort();
	fd = open(host(&s, "host"), O_PATH | O_CLOEXEC);
	if (sys_mount_setattr(fd, 0, &change) < 0)
		abort();
	close(fd);
	s.namespaces |= CLONE_NEWUSER;
	return scratch_child(&s, err);
}

TEST(names_the_flag_that_a_user_namespace_can_not_take_off)
{
	struct error err;
	int r;

	if (geteuid() != 0)
		return;
	begin(NULL);
	set_mounts(&s, MOUNTS({.destination = "/x",
			       .source = "host",
			       .options = OPTIONS("rbind", "suid")}));
	s.container.host_privileges = false;
	ck_assert_int_eq(scratch_prepare(&s, &err), 0);
	s.container.mounts[0].inode = 0;
	r = in_child(lock_and_unlock, &s, &err);
	ck_assert_int_eq(r, -EPERM);
	ck_assert_str_eq(err.text, "mounts[0] (/x): set its options: operation not permitted");
	ck_assert_str_eq(err.hint,
			 "the source is \"nosuid\" on the host, and a user namespace can't "
			 "take that off");
	scratch_end(&s);
}

/* As on Linux 5.11, or in an outer container that was made by a cautious runtime. */
static int without_mount_setattr(void *context, struct error *err)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mount_setattr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {4, filter};

	(void)context;
	skip_unless(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0);
	return scratch_child(&s, err);
}

static void expect_no_mount_setattr(const char *word)
{
	struct error err;
	int r;

	begin(NULL);
	set_mounts(&s, MOUNTS({.destination = "/x",
			       .type = "bind",
			       .source = "host",
			       .options = OPTIONS("rbind", word)}));
	ck_assert_int_eq(scratch_prepare(&s, &err), 0);
	r = in_child(without_mount_setattr, &s, &err);
	if (r != CHILD_SKIPPED) {
		ck_assert_int_eq(r, -ENOSYS);
		ck_assert_str_eq(err.text,
				 "mounts[0] (/x): set its options: function not implemented");
		ck_assert_str_eq(err.hint,
				 "that takes mount_setattr(2), which Linux has from 5.12 on");
	}
	scratch_end(&s);
}

/* A mount that was to be read-only below and is not would be worse than none. */
TEST(never_passes_over_an_option_that_the_kernel_can_not_set)
{
	expect_no_mount_setattr("rro");
	expect_no_mount_setattr("nosuid");
	expect_no_mount_setattr("rnosymfollow");
}

RUN_TESTS("mount-open", makes_the_usual_mounts, makes_the_usual_mounts_in_a_user_namespace,
	  binds_directories_and_files, binds_what_the_runtime_may_not_open_itself,
	  notices_that_a_source_was_exchanged,
	  binds_the_source_it_opened_whatever_its_name_leads_to_later,
	  tells_what_the_file_system_says, knows_when_there_is_no_such_file_system,
	  mounts_an_overlay_of_long_paths, names_the_flag_that_a_user_namespace_can_not_take_off,
	  never_passes_over_an_option_that_the_kernel_can_not_set)
