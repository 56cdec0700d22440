#include <errno.h>

#include "scratch.h"
#include "unit.h"

static struct scratch s;

static void begin(void (*look)(struct scratch *scratch))
{
	scratch_begin(&s);
	s.look = look;
	/* What an escape would change. */
	put_file(host(&s, "host/secret"), "secret");
}

static unsigned int mode_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? status.st_mode & 07777 : 0;
}

static void look_at_modes(struct scratch *scratch)
{
	(void)scratch;
	report(&s, "/tmp %o, /own %o, /new %o", mode_of("/tmp"), mode_of("/own"),
	       mode_of("/new/deep"));
}

TEST(gives_a_tmpfs_the_mode_of_what_it_covers)
{
	begin(look_at_modes);
	set_mounts(&s,
		   MOUNTS({.destination = "/tmp", .type = "tmpfs"},
			  {.destination = "/own", .type = "tmpfs", .options = OPTIONS("mode=700")},
			  {.destination = "/new/deep", .type = "tmpfs"}));
	scratch_expect(&s, "/tmp 1777, /own 700, /new 755");
	scratch_end(&s);
}

static void look_at_nested(struct scratch *scratch)
{
	(void)scratch;
	report(&s, "/ro %s, /ro/below %s", flags_of("/ro"), flags_of("/ro/below"));
}

TEST(makes_a_tmpfs_read_only_when_it_is_filled)
{
	begin(look_at_nested);
	set_mounts(&s, MOUNTS({.destination = "/ro", .type = "tmpfs", .options = OPTIONS("ro")},
			      {.destination = "/ro/below", .type = "tmpfs"}));
	scratch_expect(&s, "/ro ro, /ro/below rw");
	scratch_end(&s);
}

static void look_at_remount(struct scratch *scratch)
{
	(void)scratch;
	report(&s, "%s", flags_of("/x"));
}

TEST(changes_the_mount_that_is_there)
{
	begin(look_at_remount);
	set_mounts(&s, MOUNTS({.destination = "/x", .type = "tmpfs"},
			      {.destination = "/x",
			       .options = OPTIONS("remount", "bind", "ro", "nosuid")}));
	scratch_expect(&s, "ro,nosuid");
	scratch_end(&s);
}

/* Nothing of the canary may have changed. */
static void expect_host_unchanged(void)
{
	ck_assert_str_eq(content(host(&s, "host/secret")), "secret");
	ck_assert_int_eq(rmdir(host(&s, "host")), -1);
	ck_assert_int_eq(unlink(host(&s, "host/secret")), 0);
	ck_assert_msg(rmdir(host(&s, "host")) == 0, "something was made on the host");
}

static void look_at_links(struct scratch *scratch)
{
	char inside[128];

	(void)scratch;
	snprintf(inside, sizeof(inside), "%s/host/md", s.path);
	report(&s, "%s, %s", type_of(inside) == 0x01021994 ? "inside" : "nowhere",
	       content("/file"));
}

/* A1: absolute and relative links lead to places inside the root only. */
TEST(follows_links_inside_the_root_only)
{
	char command[256];

	begin(look_at_links);
	put_file(host(&s, "text"), "text");
	ck_assert_int_eq(symlink(host(&s, "host"), host(&s, "rootfs/lnk")), 0);
	ck_assert_int_eq(symlink("../../../../../../file", host(&s, "rootfs/lnkf")), 0);
	/* Where the absolute link leads inside of the root. */
	snprintf(command, sizeof(command), "mkdir -p %s%s/host", s.rootfs, s.path);
	ck_assert_int_eq(system(command), 0);
	set_mounts(&s, MOUNTS({.destination = "/lnk/md", .type = "tmpfs"},
			      {.destination = "/lnkf", .type = "bind", .source = "text"}));
	scratch_expect(&s, "inside, text");
	expect_host_unchanged();
	scratch_end(&s);
}

static void expect_link_refused(const char *destination, const char *type)
{
	char expected[256];

	begin(NULL);
	rmdir(host(&s, "rootfs/proc"));
	rmdir(host(&s, "rootfs/sys"));
	ck_assert_int_eq(symlink("/evil", host(&s, "rootfs/proc")), 0);
	ck_assert_int_eq(symlink(host(&s, "host"), host(&s, "rootfs/sys")), 0);
	put_directory(host(&s, "rootfs/evil"));
	set_mounts(&s, MOUNTS({.destination = destination, .type = type}));
	snprintf(expected, sizeof(expected),
		 "mounts[0] (%s): %s is a symbolic link or no directory in the container",
		 destination, destination);
	scratch_expect_error(&s, expected);
	expect_host_unchanged();
	scratch_end(&s);
}

/* A4 */
TEST(mounts_proc_and_sysfs_on_real_directories_only)
{
	expect_link_refused("/proc", "proc");
	expect_link_refused("/sys", "tmpfs");
}

/* B1: /foo -> /proc/self/attr */
TEST(does_not_follow_a_link_into_proc)
{
	begin(NULL);
	ck_assert_int_eq(symlink("/proc/sys", host(&s, "rootfs/foo")), 0);
	set_mounts(&s, MOUNTS(PROC, {.destination = "/foo", .type = "tmpfs"}));
	scratch_expect_error(&s,
			     "mounts[1] (/foo): it leads into a proc file system in the container");
	scratch_end(&s);
}

TEST(binds_nothing_but_a_proc_on_proc)
{
	begin(NULL);
	set_mounts(&s, MOUNTS({.destination = "/proc", .type = "bind", .source = "host"}));
	scratch_expect_error(&s, "mounts[0] (/proc): only a proc file system may be mounted there");
	scratch_end(&s);
}

static void look_at_meminfo(struct scratch *scratch)
{
	(void)scratch;
	report(&s, "%s", content("/proc/meminfo"));
}

TEST(covers_the_files_of_proc_that_lxcfs_covers)
{
	begin(look_at_meminfo);
	put_file(host(&s, "meminfo"), "little");
	set_mounts(&s,
		   MOUNTS(PROC,
			  {.destination = "/proc/meminfo", .type = "bind", .source = "meminfo"}));
	scratch_expect(&s, "little");
	scratch_end(&s);
}

static void look_at_resolv_conf(struct scratch *scratch)
{
	(void)scratch;
	report(&s, "%s, %s", content("/etc/resolv.conf"), content("/run/systemd/resolv.conf"));
}

TEST(makes_what_a_dangling_link_leads_to)
{
	begin(look_at_resolv_conf);
	put_file(host(&s, "resolv.conf"), "nameserver");
	ck_assert_int_eq(symlink("../run/systemd/resolv.conf", host(&s, "rootfs/etc/resolv.conf")),
			 0);
	set_mounts(&s, MOUNTS({.destination = "/etc/resolv.conf",
			       .type = "bind",
			       .source = "resolv.conf"}));
	scratch_expect(&s, "nameserver, nameserver");
	scratch_end(&s);
}

TEST(does_not_go_round_in_circles)
{
	begin(NULL);
	ck_assert_int_eq(symlink("loop", host(&s, "rootfs/loop")), 0);
	set_mounts(&s, MOUNTS({.destination = "/loop", .type = "tmpfs"}));
	scratch_expect_error(&s,
			     "mounts[0] (/loop): open /loop in the container: too many levels of "
			     "symbolic links");
	scratch_end(&s);
}

TEST(tells_a_file_from_a_directory)
{
	begin(NULL);
	put_file(host(&s, "rootfs/file"), "");
	set_mounts(&s, MOUNTS({.destination = "/etc", .type = "bind", .source = "host/secret"}));
	scratch_expect_error(
		&s, "mounts[0] (/etc): the source is a file and the destination a directory");
	scratch_end(&s);
	begin(NULL);
	put_file(host(&s, "rootfs/file"), "");
	set_mounts(&s, MOUNTS({.destination = "/file", .type = "bind", .source = "host"}));
	scratch_expect_error(
		&s, "mounts[0] (/file): the source is a directory and the destination a file");
	scratch_end(&s);
}

RUN_TESTS("mount-attach", gives_a_tmpfs_the_mode_of_what_it_covers,
	  makes_a_tmpfs_read_only_when_it_is_filled, changes_the_mount_that_is_there,
	  follows_links_inside_the_root_only, mounts_proc_and_sysfs_on_real_directories_only,
	  does_not_follow_a_link_into_proc, binds_nothing_but_a_proc_on_proc,
	  covers_the_files_of_proc_that_lxcfs_covers, makes_what_a_dangling_link_leads_to,
	  does_not_go_round_in_circles, tells_a_file_from_a_directory)
