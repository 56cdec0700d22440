#include <errno.h>
#include <sys/sysmacros.h>

#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct error err;

static const char *node(const char *path)
{
	char *text = room();
	struct stat status;

	if (lstat(path, &status) < 0)
		return "-";
	if (S_ISLNK(status.st_mode)) {
		ssize_t length = readlink(path, text, ROOM - 1);

		text[length] = '\0';
		return text;
	}
	snprintf(text, ROOM, "%c %u:%u %o",
		 S_ISCHR(status.st_mode)    ? 'c'
		 : S_ISFIFO(status.st_mode) ? 'p'
					    : '?',
		 major(status.st_rdev), minor(status.st_rdev), status.st_mode & 07777);
	return text;
}

static void look_at_defaults(struct scratch *scratch)
{
	static const char *const names[] = {"null", "zero",  "full",   "random", "urandom", "tty",
					    "fd",   "stdin", "stdout", "stderr", "core",    "ptmx"};
	char path[32];

	(void)scratch;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/dev/%s", names[i]);
		report(&s, "%s %s, ", names[i], node(path));
	}
	report(&s, "null %s", content("/dev/null"));
}

static const char defaults[] =
	"null c 1:3 666, zero c 1:5 666, full c 1:7 666, random c 1:8 666, urandom c 1:9 666, "
	"tty c 5:0 666, fd /proc/self/fd, stdin /proc/self/fd/0, stdout /proc/self/fd/1, "
	"stderr /proc/self/fd/2, core /proc/kcore, ptmx pts/ptmx, null ";

static void begin(struct oci_device *devices, size_t count)
{
	static struct oci_mount mounts[2];

	scratch_begin(&s);
	mounts[0] = (struct oci_mount){.destination = "/dev", .type = "tmpfs"};
	set_mounts(&s, mounts);
	s.properties.devices = devices;
	s.properties.devices_len = count;
	s.look = look_at_defaults;
}

#define DEVICE(...) (&(struct oci_device){__VA_ARGS__})
#define CHAR(node, first, second)                                                            \
	.type = "c", .path = (node), .has_major = true, .major = (first), .has_minor = true, \
	.minor = (second)

TEST(makes_what_every_container_has)
{
	begin(NULL, 0);
	scratch_expect(&s, defaults);
	scratch_end(&s);
}

TEST(binds_the_hosts_in_a_user_namespace)
{
	begin(NULL, 0);
	s.namespaces |= CLONE_NEWUSER;
	scratch_expect(&s, defaults);
	scratch_end(&s);
}

TEST(makes_them_in_the_rootfs_when_nothing_is_mounted_on_dev)
{
	begin(NULL, 0);
	s.config.mounts_len = 0;
	scratch_expect(&s, defaults);
	/* Once more: they are there. */
	memset(&s.container.devices, 0, sizeof(s.container.devices));
	s.container.devices_len = 0;
	scratch_expect(&s, defaults);
	scratch_end(&s);
}

static void look_at_listed(struct scratch *scratch)
{
	struct stat status = {0};

	(void)scratch;
	stat("/dev/sub/mine", &status);
	report(&s, "%s, owner %u:%u, null %s", node("/dev/sub/mine"), status.st_uid, status.st_gid,
	       node("/dev/null"));
}

TEST(makes_those_that_are_listed)
{
	if (geteuid() != 0)
		return;
	begin(DEVICE(CHAR("/dev/sub/mine", 1, 3), .has_file_mode = true, .file_mode = 0640,
		     .has_uid = true, .uid = 5, .has_gid = true, .gid = 6),
	      1);
	s.look = look_at_listed;
	scratch_expect(&s, "c 1:3 640, owner 5:6, null c 1:3 666");
	scratch_end(&s);
}

TEST(lets_a_listed_one_replace_a_default)
{
	if (geteuid() != 0)
		return;
	begin(DEVICE(CHAR("/dev/./null", 1, 5), .has_file_mode = true, .file_mode = 0600), 1);
	s.look = look_at_listed;
	scratch_expect(&s, "-, owner 0:0, null c 1:5 600");
	scratch_end(&s);
}

static void look_at_fifo(struct scratch *scratch)
{
	(void)scratch;
	report(&s, "%s", node("/run/fifo"));
}

TEST(makes_a_fifo_even_in_a_user_namespace)
{
	begin(DEVICE(.type = "p", .path = "/run/fifo"), 1);
	s.namespaces |= CLONE_NEWUSER;
	s.look = look_at_fifo;
	scratch_expect(&s, "p 0:0 666");
	scratch_end(&s);
}

static void look_at_bound_dev(struct scratch *scratch)
{
	(void)scratch;
	report(&s, "null %s, fd %s", node("/dev/null"), node("/dev/fd"));
}

TEST(leaves_a_dev_alone_that_is_bound)
{
	begin(NULL, 0);
	set_mounts(&s, MOUNTS({.destination = "/dev", .type = "bind", .source = "host"}));
	s.look = look_at_bound_dev;
	scratch_expect(&s, "null -, fd -");
	scratch_end(&s);
}

static void expect_dev_refused(const char *target)
{
	begin(NULL, 0);
	s.config.mounts_len = 0;
	put_file(host(&s, "host/ptmx"), "canary");
	rmdir(host(&s, "rootfs/dev"));
	ck_assert_int_eq(symlink(target ? target : host(&s, "host"), host(&s, "rootfs/dev")), 0);
	scratch_expect_error(&s,
			     "default device /dev/null: /dev is a symbolic link or no directory "
			     "in the container");
	ck_assert_str_eq(content(host(&s, "host/ptmx")), "canary");
	ck_assert_int_eq(unlink(host(&s, "host/ptmx")), 0);
	ck_assert_int_eq(rmdir(host(&s, "host")), 0);
	scratch_end(&s);
}

/* A6 */
TEST(does_not_follow_dev)
{
	expect_dev_refused(NULL);
	expect_dev_refused("../host");
	expect_dev_refused("/etc");
}

static void expect_null_refused(int namespaces, const char *expected)
{
	begin(NULL, 0);
	s.config.mounts_len = 0;
	s.namespaces |= namespaces;
	put_file(host(&s, "host/secret"), "canary");
	ck_assert_int_eq(symlink(host(&s, "host/secret"), host(&s, "rootfs/dev/null")), 0);
	scratch_expect_error(&s, expected);
	scratch_end(&s);
}

/* A8, B3 */
TEST(takes_nothing_else_for_a_device)
{
	if (geteuid() == 0)
		expect_null_refused(0, "default device /dev/null: something else is there in the "
				       "container");
	expect_null_refused(
		CLONE_NEWUSER,
		"default device /dev/null: a link or a directory is there in the container");
}

TEST(takes_only_the_same_device_from_the_host)
{
	begin(DEVICE(CHAR("/dev/zero", 1, 3)), 1);
	s.namespaces |= CLONE_NEWUSER;
	scratch_expect_error(&s, "linux.devices[0] (/dev/zero): the host's is another device");
	scratch_end(&s);
}

static void expect_refused(struct oci_device *device, const char *expected)
{
	begin(device, 1);
	ck_assert_int_eq(section_devices.validate(&s.config, &err), -EINVAL);
	ck_assert_str_eq(err.text, expected);
	scratch_end(&s);
}

TEST(refuses_what_is_no_device)
{
	expect_refused(DEVICE(.type = "x", .path = "/dev/x"),
		       "linux.devices[0] (/dev/x): unknown type \"x\"");
	expect_refused(DEVICE(.type = "c", .path = "dev/x"),
		       "linux.devices[0] (dev/x): the path is not absolute");
	expect_refused(DEVICE(.type = "b", .path = "/dev/x", .has_major = true, .major = 8),
		       "linux.devices[0] (/dev/x): it needs a major number up to 4095 and a minor "
		       "number up to 1048575");
	expect_refused(DEVICE(CHAR("/dev/x", -1, 0)),
		       "linux.devices[0] (/dev/x): it needs a major number up to 4095 and a minor "
		       "number up to 1048575");
}

RUN_TESTS("devices", makes_what_every_container_has, binds_the_hosts_in_a_user_namespace,
	  makes_them_in_the_rootfs_when_nothing_is_mounted_on_dev, makes_those_that_are_listed,
	  lets_a_listed_one_replace_a_default, makes_a_fifo_even_in_a_user_namespace,
	  leaves_a_dev_alone_that_is_bound, does_not_follow_dev, takes_nothing_else_for_a_device,
	  takes_only_the_same_device_from_the_host, refuses_what_is_no_device)
