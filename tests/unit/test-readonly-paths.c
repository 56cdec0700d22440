#include <errno.h>

#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct error err;

static const char *paths[] = {"/etc", "/proc/sys", "/proc/sysrq-trigger", "/not/there", NULL};

static void look_at_paths(struct scratch *scratch)
{
	(void)scratch;
	report(&s, "/etc %s, below %s, file %d, sys %s, trigger %d", flags_of("/etc"),
	       flags_of("/etc/below"), open("/etc/new", O_CREAT | O_WRONLY, 0600) >= 0,
	       flags_of("/proc/sys"), open("/proc/sysrq-trigger", O_WRONLY) >= 0);
}

static void begin(void)
{
	static const char *quiet[] = {"nosuid", "nodev", NULL};
	static struct oci_mount mounts[3];

	scratch_begin(&s);
	memset(mounts, 0, sizeof(mounts));
	mounts[0] = (struct oci_mount)PROC;
	mounts[1] =
		(struct oci_mount){.destination = "/etc/below", .type = "tmpfs", .options = quiet};
	set_mounts(&s, mounts);
	s.properties.readonly_paths = paths;
	s.properties.readonly_paths_len = 4;
	s.look = look_at_paths;
}

TEST(makes_paths_and_all_below_them_read_only)
{
	begin();
	scratch_expect(&s, "/etc ro, below ro,nosuid,nodev, file 0, sys ro, trigger 0");
	scratch_end(&s);
}

TEST(does_so_in_a_user_namespace)
{
	char expected[2 * ROOM];

	snprintf(expected, sizeof(expected),
		 "/etc ro, below ro,nosuid,nodev, file 0, sys %s, trigger 0",
		 read_only_as_the_hosts("/proc"));
	begin();
	s.namespaces |= CLONE_NEWUSER;
	scratch_expect(&s, expected);
	scratch_end(&s);
}

TEST(needs_a_new_mount_namespace)
{
	begin();
	s.properties.namespaces_len = 0;
	ck_assert_int_eq(section_readonly_paths.validate(&s.config, &err), -EINVAL);
	ck_assert_str_eq(err.text, "linux.readonlyPaths needs a new mount namespace");
	scratch_end(&s);
}

TEST(refuses_a_relative_path)
{
	static const char *relative[] = {"proc/sys", NULL};

	begin();
	s.properties.readonly_paths = relative;
	s.properties.readonly_paths_len = 1;
	ck_assert_int_eq(section_readonly_paths.validate(&s.config, &err), -EINVAL);
	ck_assert_str_eq(err.text, "linux.readonlyPaths[0]: \"proc/sys\" is not absolute");
	scratch_end(&s);
}

RUN_TESTS("readonly-paths", makes_paths_and_all_below_them_read_only, does_so_in_a_user_namespace,
	  needs_a_new_mount_namespace, refuses_a_relative_path)
