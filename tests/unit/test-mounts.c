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

static void expect_options_refused(const char *type, const char **options, const char *expected)
{
	expect_refused(
		(struct oci_mount){
			.destination = "/x", .type = type, .source = "host", .options = options},
		expected);
}

TEST(refuses_options_that_contradict_one_another)
{
	static const char both[] = "mounts[1] (/x): copy-symlink can't be combined with "
				   "src-nofollow or dest-nofollow";

	expect_options_refused("bind", OPTIONS("copy-symlink", "src-nofollow"), both);
	expect_options_refused("bind", OPTIONS("dest-nofollow", "copy-symlink"), both);
}

TEST(refuses_options_for_another_kind_of_mount)
{
	expect_options_refused("tmpfs", OPTIONS("copy-symlink"),
			       "mounts[1] (/x): copy-symlink is for bind mounts only");
	expect_options_refused("tmpfs", OPTIONS("src-nofollow"),
			       "mounts[1] (/x): src-nofollow is for bind mounts only");
	expect_options_refused("bind", OPTIONS("tmpcopyup"),
			       "mounts[1] (/x): tmpcopyup is for a tmpfs only");
	expect_options_refused("ramfs", OPTIONS("tmpcopyup"),
			       "mounts[1] (/x): tmpcopyup is for a tmpfs only");
	expect_options_refused("tmpfs", OPTIONS("remount", "tmpcopyup"),
			       "mounts[1] (/x): tmpcopyup is for a tmpfs only");
}

TEST(plans_a_link_for_a_link)
{
	scratch_begin(&s);
	ck_assert_int_eq(symlink("../target", host(&s, "link")), 0);
	set_mounts(&s, MOUNTS({.destination = "/x",
			       .type = "bind",
			       .source = "link",
			       .options = OPTIONS("copy-symlink")},
			      {.destination = "/y",
			       .type = "bind",
			       .source = "host",
			       .options = OPTIONS("copy-symlink")}));
	ck_assert_msg(scratch_prepare(&s, &err) == 0, "%s", err.text);
	ck_assert_int_eq(s.container.mounts[0].kind, MOUNT_LINK);
	ck_assert_str_eq(s.container.mounts[0].source, "../target");
	ck_assert_int_eq(s.container.mounts[1].kind, MOUNT_BIND);
	scratch_end(&s);
}

TEST(takes_recursive_words_for_the_new_file_system_itself)
{
	struct mount_options options = {
		.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV,
		.clear = MOUNT_ATTR_NOEXEC,
		.rec_set = MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID,
		.rec_clear = MOUNT_ATTR_RDONLY,
	};

	mount_fold_recursive(&options);
	ck_assert_uint_eq(options.set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID);
	ck_assert_uint_eq(options.clear, MOUNT_ATTR_NOEXEC);
	ck_assert_uint_eq(options.rec_set | options.rec_clear, 0);
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

/* What kernels that take layers only all at once need: see mount-overlay.c for the others. */
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

TEST(plans_more_than_a_page_for_an_overlay_only)
{
	static char lower[5000];

	memset(lower, 'l', sizeof(lower) - 1);
	memcpy(lower, "lowerdir=/", 10);
	scratch_begin(&s);
	set_mounts(&s, MOUNTS({.destination = "/x", .type = "overlay", .options = OPTIONS(lower)}));
	ck_assert_msg(scratch_prepare(&s, &err) == 0, "%s", err.text);
	ck_assert_ptr_null(s.container.mounts[0].legacy_data);
	scratch_end(&s);
	expect_options_refused("tmpfs", OPTIONS(lower),
			       "mounts[1] (/x): the options are longer than 4095 bytes");
}

RUN_TESTS("mounts", cleans_destinations, refuses_a_mount_without_a_type,
	  refuses_a_bind_mount_without_a_source, refuses_a_mount_without_a_destination,
	  refuses_to_cover_parts_of_proc, refuses_options_that_contradict_one_another,
	  refuses_options_for_another_kind_of_mount, plans_a_link_for_a_link,
	  takes_recursive_words_for_the_new_file_system_itself, says_which_source_is_missing,
	  finds_relative_sources_in_the_bundle, leaves_a_joined_mount_namespace_alone,
	  plans_long_values_for_the_older_system_call, plans_more_than_a_page_for_an_overlay_only)
