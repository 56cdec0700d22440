#include "linux/mounts.h"

#include <errno.h>
#include <limits.h>

#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct error err;

static void expect_refused(struct oci_mount mount, const char *expected)
{
	scratch_begin(&s);
	set_mounts(&s, MOUNTS({.destination = "/first", .type = "tmpfs"}, mount));
	ck_assert_int_lt(scratch_prepare(&s, &err), 0);
	ck_assert_str_eq(err.text, expected);
	scratch_end(&s);
}

static void expect_clean(const char *path, const char *expected)
{
	char clean[PATH_MAX];

	ck_assert_int_eq(mount_clean_path(path, clean, sizeof(clean), &err), 0);
	ck_assert_str_eq(clean, expected);
}

TEST(cleans_destinations)
{
	expect_clean("/", "/");
	expect_clean("", "/");
	expect_clean("data", "/data");
	expect_clean("//a/./b//c/", "/a/b/c");
	expect_clean("/a/../../b/..", "/");
	expect_clean("/../../etc/..x/...", "/etc/..x/...");
}

TEST(refuses_a_mount_without_a_type)
{
	expect_refused((struct oci_mount){.destination = "/x"},
		       "mounts[1] (/x): the type is missing");
	ck_assert_str_eq(err.hint, "a bind mount says so by the option bind or rbind");
}

TEST(refuses_a_bind_mount_without_a_source)
{
	expect_refused((struct oci_mount){.destination = "/x", .type = "bind"},
		       "mounts[1] (/x): a bind mount needs a source");
}

TEST(refuses_a_mount_without_a_destination)
{
	expect_refused((struct oci_mount){.destination = "", .type = "tmpfs"},
		       "mounts[1]: the destination is empty");
}

/* B1: label and mask files lie in /proc. */
TEST(refuses_to_cover_parts_of_proc)
{
	expect_refused((struct oci_mount){.destination = "/proc/self/attr", .type = "tmpfs"},
		       "mounts[1] (/proc/self/attr): nothing may be mounted on this part of /proc");
	expect_refused((struct oci_mount){.destination = "x/../proc//sys/", .type = "tmpfs"},
		       "mounts[1] (x/../proc//sys/): nothing may be mounted on this part of /proc");
	expect_refused((struct oci_mount){.destination = "/proc", .type = "tmpfs"},
		       "mounts[1] (/proc): a tmpfs may not be mounted on /proc");
}

TEST(refuses_id_mappings)
{
	struct oci_id_mapping mapping = {0, 1000, 1};

	expect_refused(
		(struct oci_mount){.destination = "/x",
				   .type = "tmpfs",
				   .uid_mappings = &mapping,
				   .uid_mappings_len = 1},
		"mounts[1] (/x): uidMappings and gidMappings of a mount are not supported by "
		"this version");
}

TEST(says_which_source_is_missing)
{
	expect_refused(
		(struct oci_mount){.destination = "/data", .type = "bind", .source = "/nowhere"},
		"mounts[1] (/data): bind source /nowhere: no such file or directory");
	ck_assert_str_eq(err.hint,
			 "the source of a bind mount must be there before the container is");
}

TEST(finds_relative_sources_in_the_bundle)
{
	scratch_begin(&s);
	set_mounts(&s, MOUNTS({.destination = "data", .type = "bind", .source = "host"}));
	ck_assert_msg(scratch_prepare(&s, &err) == 0, "%s", err.text);
	ck_assert_str_eq(s.container.mounts[0].destination, "/data");
	ck_assert_str_eq(s.container.mounts[0].source, host(&s, "host"));
	ck_assert(!s.container.mounts[0].is_file);
	scratch_end(&s);
}

TEST(leaves_a_joined_mount_namespace_alone)
{
	scratch_begin(&s);
	s.mount_namespace.path = "/proc/self/ns/mnt";
	s.container.joined_namespaces = CLONE_NEWNS;
	set_mounts(&s, MOUNTS({.destination = "/data", .type = "tmpfs"}));
	ck_assert_msg(scratch_prepare(&s, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(s.container.mounts_len, 0);
	scratch_end(&s);
}

/* fsconfig(2) takes 255 bytes; an overlay of many layers has more. */
TEST(plans_long_values_for_the_older_system_call)
{
	static char lower[300];

	memset(lower, 'l', sizeof(lower) - 1);
	memcpy(lower, "lowerdir=/", 10);
	scratch_begin(&s);
	set_mounts(
		&s,
		MOUNTS({.destination = "/x", .type = "overlay", .options = OPTIONS("ro", lower)}));
	ck_assert_msg(scratch_prepare(&s, &err) == 0, "%s", err.text);
	ck_assert_str_eq(s.container.mounts[0].legacy_data, lower);
	ck_assert_uint_eq(s.container.mounts[0].legacy_flags, MS_RDONLY);
	scratch_end(&s);
}

RUN_TESTS("mounts", cleans_destinations, refuses_a_mount_without_a_type,
	  refuses_a_bind_mount_without_a_source, refuses_a_mount_without_a_destination,
	  refuses_to_cover_parts_of_proc, refuses_id_mappings, says_which_source_is_missing,
	  finds_relative_sources_in_the_bundle, leaves_a_joined_mount_namespace_alone,
	  plans_long_values_for_the_older_system_call)
