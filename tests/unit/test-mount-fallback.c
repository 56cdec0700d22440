#include <errno.h>

#include "basic/log.h"
#include "scratch.h"
#include "unit.h"

static struct scratch s;

static void look_at_proc_and_sys(struct scratch *scratch)
{
	(void)scratch;
	report(&s, "proc %s, ", type_of("/proc") == 0x9fa0 ? flags_of("/proc") : "missing");
	report(&s, "sys %s, ", type_of("/sys") == 0x62656572 ? flags_of("/sys") : "missing");
	report(&s, "mqueue %s",
	       access("/dev/mqueue", X_OK) == 0 ? flags_of("/dev/mqueue") : "missing");
}

/* Neither the pid, the network nor the ipc namespace is the user namespace's: the kernel refuses all. */
TEST(takes_the_hosts_where_a_user_namespace_gets_none_of_its_own)
{
	scratch_begin(&s);
	s.look = look_at_proc_and_sys;
	s.namespaces |= CLONE_NEWUSER;
	set_mounts(&s, MOUNTS({.destination = "/proc",
			       .type = "proc",
			       .options = OPTIONS("nosuid", "noexec", "nodev", "hidepid=2")},
			      {.destination = "/sys",
			       .type = "sysfs",
			       .options = OPTIONS("nosuid", "noexec", "nodev", "ro")},
			      {.destination = "/dev/mqueue",
			       .type = "mqueue",
			       .options = OPTIONS("nosuid", "noexec", "nodev")}));
	scratch_expect(&s, "proc rw,nosuid,nodev,noexec, sys ro,nosuid,nodev,noexec, "
			   "mqueue rw,nosuid,nodev,noexec");
	scratch_end(&s);
}

static void look_below_sys(struct scratch *scratch)
{
	(void)scratch;
	report(&s, "sys %s, cgroup %s", flags_of("/sys"), flags_of("/sys/fs/cgroup"));
}

TEST(keeps_all_below_the_hosts_read_only_too)
{
	char expected[2 * ROOM];

	snprintf(expected, sizeof(expected), "sys %s, cgroup %s", read_only_as_the_hosts("/sys"),
		 read_only_as_the_hosts("/sys/fs/cgroup"));
	scratch_begin(&s);
	s.look = look_below_sys;
	s.namespaces |= CLONE_NEWUSER;
	set_mounts(&s, MOUNTS({.destination = "/sys", .type = "sysfs", .options = OPTIONS("ro")}));
	scratch_expect(&s, expected);
	scratch_end(&s);
}

TEST(does_not_replace_what_has_no_like_on_the_host)
{
	scratch_begin(&s);
	s.namespaces |= CLONE_NEWUSER;
	set_mounts(&s, MOUNTS({.destination = "/x", .type = "ext4", .source = "/dev/vda"}));
	scratch_expect_error(&s, "mounts[0] (/x): mount a ext4: operation not permitted");
	scratch_end(&s);
}

RUN_TESTS("mount-fallback", takes_the_hosts_where_a_user_namespace_gets_none_of_its_own,
	  keeps_all_below_the_hosts_read_only_too, does_not_replace_what_has_no_like_on_the_host)
