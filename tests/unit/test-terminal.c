#include <errno.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct error err;

static void begin(void)
{
	static const char *pts[] = {"newinstance", "ptmxmode=0666", "mode=0620", "gid=5", NULL};
	static struct oci_mount mounts[3];
	static struct oci_box size = {.height = 33, .width = 99};

	scratch_begin(&s);
	memset(mounts, 0, sizeof(mounts));
	mounts[0] = (struct oci_mount){.destination = "/dev", .type = "tmpfs"};
	mounts[1] = (struct oci_mount){.destination = "/dev/pts", .type = "devpts", .options = pts};
	set_mounts(&s, mounts);
	s.process.terminal = true;
	s.process.console_size = &size;
}

static void look_at_terminal(struct scratch *scratch)
{
	struct stat console = {0}, terminal = {0};
	struct winsize cells = {0};
	char name[64] = "", heard[16] = "";

	(void)scratch;
	if (ttyname_r(0, name, sizeof(name)) != 0)
		name[0] = '\0';
	ioctl(0, TIOCGWINSZ, &cells);
	fstat(1, &terminal);
	stat("/dev/console", &console);
	report(&s, "%s %ux%u, ", name, cells.ws_col, cells.ws_row);
	report(&s, "console %s, ", console.st_rdev == terminal.st_rdev ? "same" : "other");
	report(&s, "leader %d, foreground %d, ", getsid(0) == getpid(), tcgetpgrp(0) == getpgrp());
	report(&s, "owner %u, ", terminal.st_uid);
	if (write(1, "hello\n", 6) == 6 && read(s.container.console_fd, heard, 5) == 5)
		report(&s, "%s", heard);
}

TEST(makes_a_terminal_of_the_containers_own)
{
	begin();
	s.look = look_at_terminal;
	s.namespaces |= CLONE_NEWPID;
	if (geteuid() == 0)
		s.user.uid = 7;
	scratch_expect(&s, geteuid() == 0
				   ? "/dev/pts/0 99x33, console same, leader 1, foreground 1, "
				     "owner 7, hello"
				   : "/dev/pts/0 99x33, console same, leader 1, foreground 1, "
				     "owner 0, hello");
	scratch_end(&s);
}

TEST(makes_one_in_a_user_namespace_before_the_root_is_entered)
{
	begin();
	s.look = look_at_terminal;
	s.late_pivot = true;
	s.namespaces |= CLONE_NEWUSER;
	scratch_expect(&s,
		       "/dev/pts/0 99x33, console same, leader 1, foreground 1, owner 0, hello");
	scratch_end(&s);
}

static void expect_console_refused(const char *target, bool readonly)
{
	begin();
	s.config.mounts[0] = (struct oci_mount){.destination = "/tmp", .type = "tmpfs"};
	s.root.readonly = readonly;
	ck_assert_int_eq(
		symlink(target ? target : host(&s, "host/newfile"), host(&s, "rootfs/dev/console")),
		0);
	scratch_expect_error(&s,
			     "process.terminal: /dev/console in the container is a symbolic link "
			     "or a directory");
	ck_assert_msg(rmdir(host(&s, "host")) == 0, "something was made on the host");
	scratch_end(&s);
}

/* A7 */
TEST(does_not_follow_a_link_at_console)
{
	expect_console_refused(NULL, false);
	expect_console_refused(NULL, true);
	expect_console_refused("../../host/newfile", false);
}

/* B4: names that somebody else has planted. */
TEST(refuses_a_directory_in_the_place_of_devpts)
{
	begin();
	s.config.mounts[1] =
		(struct oci_mount){.destination = "/dev/pts", .type = "bind", .source = "host"};
	put_file(host(&s, "host/ptmx"), "");
	scratch_expect_error(&s, "process.terminal: /dev/pts in the container is no devpts");
	scratch_end(&s);
}

TEST(says_that_devpts_is_missing)
{
	begin();
	s.config.mounts_len = 1;
	ck_assert_int_eq(scratch_run(&s, &err), -ENOENT);
	ck_assert_str_eq(err.text,
			 "process.terminal: open /dev/pts/ptmx in the container: no such file "
			 "or directory");
	ck_assert_str_eq(err.hint,
			 "a terminal needs a mount of type devpts on /dev/pts, with newinstance "
			 "and ptmxmode=0666");
	scratch_end(&s);
}

TEST(refuses_a_size_that_no_terminal_has)
{
	struct oci_box size = {.height = 65536, .width = 80};

	begin();
	s.process.console_size = &size;
	ck_assert_int_eq(section_terminal.validate(&s.config, &err), -EINVAL);
	ck_assert_str_eq(err.text, "process.consoleSize: 80x65536 is more than a terminal has");
	s.process.terminal = false;
	ck_assert_int_eq(section_terminal.validate(&s.config, &err), 0);
	scratch_end(&s);
}

RUN_TESTS("terminal", makes_a_terminal_of_the_containers_own,
	  makes_one_in_a_user_namespace_before_the_root_is_entered,
	  does_not_follow_a_link_at_console, refuses_a_directory_in_the_place_of_devpts,
	  says_that_devpts_is_missing, refuses_a_size_that_no_terminal_has)
