#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "basic/procfs.h"
#include "basic/syscalls.h"
#include "child.h"
#include "linux/lsm-attribute.h"
#include "linux/section.h"
#include "unit.h"

static struct error err;

static int open_proc(void)
{
	return open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

TEST(reads_and_writes_what_the_kernel_has)
{
	char text[64], other[64], path[64];
	int proc = open_proc(), fd = procfs_open(proc, "self/comm", O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	close(fd);
	snprintf(path, sizeof(path), "%d/comm", getpid());
	ck_assert_int_eq(procfs_write(proc, path, "procfs-test"), 0);
	ck_assert_int_gt(file_read_small(proc, "self/comm", text, sizeof(text)), 0);
	ck_assert_str_eq(text, "procfs-test\n");
	ck_assert_int_eq(procfs_open(proc, "self/missing", O_RDONLY), -ENOENT);
	ck_assert_int_eq(procfs_write(proc, "self/missing", "x"), -ENOENT);
	ck_assert_int_gt(file_read_small(proc, "self/oom_score_adj", text, sizeof(text)), 0);
	ck_assert_int_eq(procfs_write(proc, "self/oom_score_adj", "9999"), -EINVAL);
	file_read_small(proc, "self/oom_score_adj", other, sizeof(other));
	ck_assert_str_eq(other, text);
	close(proc);
}

TEST(goes_through_no_link_that_leads_out)
{
	int proc = open_proc();

	ck_assert_int_eq(procfs_open(proc, "self/root/etc/passwd", O_RDONLY), -ELOOP);
	ck_assert_int_eq(procfs_open(proc, "self/fd/0", O_RDONLY), -ELOOP);
	ck_assert_int_eq(procfs_open(proc, "self/exe", O_RDONLY), -ELOOP);
	ck_assert_int_eq(procfs_open(proc, "self/cwd", O_RDONLY), -ELOOP);
	ck_assert_int_eq(procfs_open(proc, "../etc/passwd", O_RDONLY), -EXDEV);
	ck_assert_int_eq(procfs_open(proc, "/etc/passwd", O_RDONLY), -EXDEV);
	close(proc);
}

/* A file where the kernel's was, by a mount on it or on a directory above. */
static void cover(const char *path, const char *name)
{
	char file[64];
	int fd;

	if (!name) {
		fd = open("/tmp/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		skip_unless(fd >= 0 && mount("/tmp/file", path, NULL, MS_BIND, NULL) == 0);
		close(fd);
		return;
	}
	skip_unless(mount("none", path, "tmpfs", 0, NULL) == 0);
	snprintf(file, sizeof(file), "%s/%s", path, name);
	fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	skip_unless(fd >= 0);
	close(fd);
}

static void enter_own_mounts(void)
{
	/* With ids of its own where it is nobody in particular. */
	skip_unless(unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS) == 0);
	skip_unless(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	skip_unless(mount("none", "/tmp", "tmpfs", 0, NULL) == 0);
}

static const char *covered, *covered_name;

/* What is said of every file that is written for a container. */
static int write_all(void *context, struct error *e)
{
	struct oci_pair setting = {"sys/kernel/domainname", "x"};
	struct container container = {
		.proc_fd = open_proc(), .sysctls = &setting, .sysctls_len = 1};
	char path[64];

	(void)context;
	enter_own_mounts();
	cover(covered, covered_name);
	close(container.proc_fd);
	container.proc_fd = open_proc();
	if (strstr(covered, "attr"))
		return lsm_attribute_write(container.proc_fd, "exec", "x");
	if (strstr(covered, "sys"))
		return step_sysctl.apply(&container, e);
	snprintf(path, sizeof(path), "%d/%s", getpid(), strrchr(covered, '/') + 1);
	return procfs_write(container.proc_fd, path, "1");
}

TEST(goes_through_nothing_that_is_mounted_there)
{
	static const char *const places[][2] = {
		{"/proc/self/attr", "exec"},	       {"/proc/self/attr/exec", NULL},
		{"/proc/sys", "domainname"},	       {"/proc/sys/kernel", "domainname"},
		{"/proc/sys/kernel/domainname", NULL}, {"/proc/self/uid_map", NULL},
		{"/proc/self/gid_map", NULL},	       {"/proc/self/setgroups", NULL},
		{"/proc/self/oom_score_adj", NULL},
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int r;

		covered = places[i][0];
		covered_name = places[i][1];
		err = (struct error){0};
		r = in_child(write_all, NULL, &err);
		if (r == CHILD_SKIPPED)
			continue;
		if (!strstr(covered, "sys")) {
			ck_assert_msg(r == -EXDEV, "%s: %d", covered, r);
			continue;
		}
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_str_eq(err.text, "linux.sysctl: /proc/sys/kernel/domainname: in the "
					   "host's /proc something else is mounted there");
	}
}

TEST(follows_the_links_of_a_process)
{
	char text[PATH_MAX], path[PROCFS_FD_SIZE];
	int proc = procfs_own(), fd = procfs_follow(proc, "self/exe", O_PATH), same;
	struct stat own, theirs;
	ino_t inode = 0;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(procfs_read_link(proc, "self/exe", text, sizeof(text)), 0);
	ck_assert_int_eq(stat(text, &own), 0);
	ck_assert_int_eq(fstat(fd, &theirs), 0);
	ck_assert_uint_eq(own.st_ino, theirs.st_ino);
	ck_assert_int_eq(procfs_read_link(proc, "self/exe", text, 3), -ENAMETOOLONG);
	ck_assert_int_eq(procfs_read_link(proc, "self/comm", text, sizeof(text)), -ENOENT);
	ck_assert_int_eq(procfs_follow(proc, "self/missing", O_RDONLY), -ENOENT);

	ck_assert_int_eq(procfs_namespace(proc, "self/ns/mnt", &inode), 0);
	ck_assert_int_eq(stat("/proc/self/ns/mnt", &own), 0);
	ck_assert_uint_eq(inode, own.st_ino);
	ck_assert_int_eq(procfs_namespace(proc, "self/cwd", &inode), -EPROTO);

	ck_assert_int_eq(procfs_name_fd(fd, path), 0);
	same = open(path, O_PATH | O_CLOEXEC);
	ck_assert_int_eq(fstat(same, &own), 0);
	ck_assert_uint_eq(own.st_ino, theirs.st_ino);
	close(same);
	close(fd);
	ck_assert_int_eq(procfs_name_fd(fd, path), -ENOENT);
}

TEST(knows_its_own_pids)
{
	int folder = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(procfs_expect_own_pids(procfs_own()), 0);
	ck_assert_int_eq(procfs_expect_own_pids(folder), -EXDEV);
	ck_assert_int_eq(procfs_expect_own_pids(-EMFILE), -EMFILE);
	close(folder);
}

/* A mount on a link itself, as move_mount(2) can make. */
static int cover_link(void *context, struct error *e)
{
	autoclose int link = -1, other = -1;
	ino_t inode;

	(void)context;
	(void)e;
	enter_own_mounts();
	link = open("/proc/self/ns/net", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	other = sys_open_tree(AT_FDCWD, "/proc/1/ns/net",
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	skip_unless(link >= 0 && other >= 0 && sys_move_mount(other, link) == 0);
	if (procfs_follow(procfs_own(), "self/ns/net", O_RDONLY) != -EXDEV)
		return -EPROTO;
	return procfs_namespace(procfs_own(), "self/ns/net", &inode);
}

TEST(follows_no_link_that_something_is_mounted_on)
{
	int r = in_child(cover_link, NULL, &err);

	ck_assert_msg(r == -EXDEV || r == CHILD_SKIPPED, "%d", r);
}

static int open_false(void *context, struct error *e)
{
	(void)context;
	(void)e;
	enter_own_mounts();
	skip_unless(mount("none", "/proc", "tmpfs", 0, NULL) == 0);
	return procfs_own();
}

TEST(is_no_other_file_system)
{
	int r = in_child(open_false, NULL, &err);

	ck_assert_msg(r == -EXDEV || r == CHILD_SKIPPED, "%d", r);
	err = (struct error){.code = EXDEV};
	procfs_hint(&err);
	ck_assert_str_eq(err.hint,
			 "it must be the procfs of this pid namespace that is at /proc, with "
			 "nothing mounted on what is in it");
	err = (struct error){.code = ENOENT};
	ck_assert_int_eq(procfs_hint(&err), -ENOENT);
	ck_assert_str_eq(err.hint, "");
}

RUN_TESTS("procfs", reads_and_writes_what_the_kernel_has, goes_through_no_link_that_leads_out,
	  goes_through_nothing_that_is_mounted_there, follows_the_links_of_a_process,
	  knows_its_own_pids, follows_no_link_that_something_is_mounted_on, is_no_other_file_system)
