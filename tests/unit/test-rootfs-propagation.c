#include <errno.h>

#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct error err;

static void look_at_propagation(struct scratch *scratch)
{
	(void)scratch;
	report(&s, "root %s, proc %s, bind %s, slave %s, shared %s", propagation_of("/"),
	       propagation_of("/proc"), propagation_of("/bind"), propagation_of("/slave"),
	       propagation_of("/shared"));
}

/* The host as systemd makes it: all mounts are shared.  Afterwards it must be as it was: nothing of the
 * container may have come out, and nothing of the host may have gone. */
static int on_a_shared_host(void *context, struct error *e)
{
	int before, after, status;
	pid_t pid;

	(void)context;
	skip_unless(unshare(CLONE_NEWNS) == 0);
	sys_mount_propagation("/", MS_REC | MS_SHARED);
	memset(e, 0, sizeof(*e));
	if (scratch_prepare(&s, e) < 0)
		return -e->code;
	before = system("exit $(($(wc -l </proc/self/mountinfo) % 200))");
	pid = fork();
	if (pid == 0)
		_exit(scratch_child(&s, e) < 0);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		return -EIO;
	after = system("exit $(($(wc -l </proc/self/mountinfo) % 200))");
	s.report = e;
	report(&s, "%s", before == after ? "" : ", the host changed");
	return 0;
}

static void begin(const char *propagation)
{
	static const char *slave[] = {"bind", "rslave", NULL},
			  *shared[] = {"bind", "rshared", NULL};
	static struct oci_mount mounts[5];

	scratch_begin(&s);
	memset(mounts, 0, sizeof(mounts));
	mounts[0] = (struct oci_mount)PROC;
	mounts[1] = (struct oci_mount){.destination = "/bind", .type = "bind", .source = "host"};
	mounts[2] = (struct oci_mount){.destination = "/slave", .source = "host", .options = slave};
	mounts[3] =
		(struct oci_mount){.destination = "/shared", .source = "host", .options = shared};
	set_mounts(&s, mounts);
	s.properties.rootfs_propagation = propagation;
	s.look = look_at_propagation;
}

static void expect(const char *propagation, bool privileges, const char *expected)
{
	int r;

	if (geteuid() != 0)
		return;
	begin(propagation);
	s.container.host_privileges = privileges;
	r = in_child(on_a_shared_host, &s, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	ck_assert_str_eq(err.text, expected);
	scratch_end(&s);
}

TEST(is_private_when_it_is_not_given)
{
	expect(NULL, true, "root , proc , bind , slave slave, shared shared");
	expect("rprivate", true, "root , proc , bind , slave slave, shared shared");
	expect(NULL, false, "root , proc , bind , slave slave, shared shared");
}

TEST(lets_the_hosts_mounts_in)
{
	expect("rslave", true, "root , proc , bind slave, slave slave, shared sharedslave");
	expect("slave", false, "root , proc , bind slave, slave slave, shared sharedslave");
}

TEST(shares_all_with_the_host)
{
	expect("rshared", true,
	       "root shared, proc shared, bind shared, slave slave, shared shared");
	expect("rshared", false,
	       "root shared, proc shared, bind shared, slave slave, shared shared");
}

TEST(can_not_be_bound)
{
	expect("unbindable", true, "root unbindable, proc , bind , slave slave, shared shared");
}

TEST(refuses_other_words)
{
	begin("sharred");
	ck_assert_int_eq(section_rootfs_propagation.validate(&s.config, &err), -EINVAL);
	ck_assert_str_eq(err.text, "linux.rootfsPropagation: unknown propagation \"sharred\"");
	scratch_end(&s);
}

RUN_TESTS("rootfs-propagation", is_private_when_it_is_not_given, lets_the_hosts_mounts_in,
	  shares_all_with_the_host, can_not_be_bound, refuses_other_words)
