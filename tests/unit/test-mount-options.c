#include "linux/mount-options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/syscalls.h"
#include "unit.h"

static struct error err;
static struct arena arena;
static struct mount_options options;

#define OPTIONS(...) ((const char *[]){__VA_ARGS__, NULL})

static int parse(const char *destination, const char *type, const char **words)
{
	struct oci_mount mount = {.destination = destination, .type = type, .options = words};

	while (words && words[mount.options_len])
		mount.options_len++;
	if (!arena.start)
		ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	return mount_options_parse(&mount, &arena, &options, &err);
}

static void expect_refused(const char *type, const char *word, const char *expected)
{
	ck_assert_int_eq(parse("/x", type, OPTIONS(word)), -EINVAL);
	ck_assert_str_eq(err.text, expected);
}

TEST(sets_and_clears_attributes)
{
	ck_assert_int_eq(parse("/x", "tmpfs", OPTIONS("ro", "nosuid", "dev", "exec")), 0);
	ck_assert_uint_eq(options.set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID);
	ck_assert_uint_eq(options.clear, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

TEST(takes_the_later_of_two_words)
{
	ck_assert_int_eq(parse("/x", "tmpfs", OPTIONS("ro", "rw", "suid", "nosuid")), 0);
	ck_assert_uint_eq(options.set, MOUNT_ATTR_NOSUID);
	ck_assert_uint_eq(options.clear, MOUNT_ATTR_RDONLY);
	ck_assert_int_eq(parse("/x", "tmpfs", OPTIONS("sync", "lazytime", "async")), 0);
	ck_assert_uint_eq(options.flags_len, 1);
	ck_assert_str_eq(options.flags[0], "lazytime");
}

/* MOUNT_ATTR__ATIME is a number: two of its values at once would be a third. */
TEST(keeps_one_of_the_atime_words)
{
	ck_assert_int_eq(parse("/x", "tmpfs", OPTIONS("noatime", "strictatime")), 0);
	ck_assert_uint_eq(options.set, MOUNT_ATTR_STRICTATIME);
	ck_assert_uint_eq(options.clear, MOUNT_ATTR__ATIME);
	ck_assert_int_eq(parse("/x", "tmpfs", OPTIONS("strictatime", "nostrictatime")), 0);
	ck_assert_uint_eq(options.set, MOUNT_ATTR_RELATIME);
	ck_assert_int_eq(parse("/x", "tmpfs", OPTIONS("noatime", "nostrictatime")), 0);
	ck_assert_uint_eq(options.set, MOUNT_ATTR_NOATIME);
	ck_assert_int_eq(parse("/x", "tmpfs", OPTIONS("relatime", "atime")), 0);
	ck_assert_uint_eq(options.set, MOUNT_ATTR_RELATIME);
}

TEST(keeps_recursive_words_apart)
{
	ck_assert_int_eq(parse("/x", "bind", OPTIONS("rbind", "rro", "rnoatime", "nosuid")), 0);
	ck_assert(options.bind && options.recursive);
	ck_assert_uint_eq(options.rec_set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME);
	ck_assert_uint_eq(options.rec_clear, MOUNT_ATTR__ATIME);
	ck_assert_uint_eq(options.set, MOUNT_ATTR_NOSUID);
}

TEST(lets_the_later_of_two_words_count_also_if_one_is_recursive)
{
	ck_assert_int_eq(parse("/x", "bind", OPTIONS("rw", "noatime", "rro", "rrelatime")), 0);
	ck_assert_uint_eq(options.set | options.clear, 0);
	ck_assert_uint_eq(options.rec_set, MOUNT_ATTR_RDONLY);
	ck_assert_uint_eq(options.rec_clear, MOUNT_ATTR__ATIME);
	ck_assert_int_eq(parse("/x", "bind", OPTIONS("rrw", "rnoatime", "ro", "atime")), 0);
	ck_assert_uint_eq(options.set, MOUNT_ATTR_RDONLY);
	ck_assert_uint_eq(options.clear, MOUNT_ATTR__ATIME);
	ck_assert_uint_eq(options.rec_set, MOUNT_ATTR_NOATIME);
	ck_assert_uint_eq(options.rec_clear, MOUNT_ATTR_RDONLY | MOUNT_ATTR__ATIME);
}

TEST(keeps_propagation_in_order)
{
	ck_assert_int_eq(parse("/x", "bind", OPTIONS("rslave", "shared")), 0);
	ck_assert_uint_eq(options.propagation_len, 2);
	ck_assert_uint_eq(options.propagation[0], MS_SLAVE | MS_REC);
	ck_assert_uint_eq(options.propagation[1], MS_SHARED);
	ck_assert_int_eq(
		parse("/x", "bind", OPTIONS("slave", "shared", "slave", "shared", "slave")),
		-EINVAL);
	ck_assert_str_eq(err.text, "more than 4 propagation options");
}

TEST(gives_other_words_to_the_file_system)
{
	ck_assert_int_eq(parse("/x", "overlay", OPTIONS("size=64k", "newinstance", "a,b=c,,d=")),
			 0);
	ck_assert_uint_eq(options.data_len, 5);
	ck_assert_str_eq(options.data[0].key, "size");
	ck_assert_str_eq(options.data[0].value, "64k");
	ck_assert_str_eq(options.data[1].key, "newinstance");
	ck_assert_ptr_null(options.data[1].value);
	ck_assert_str_eq(options.data[3].key, "b");
	ck_assert_str_eq(options.data[3].value, "c");
	ck_assert_str_eq(options.data[4].value, "");
}

TEST(respects_quoted_and_escaped_commas)
{
	ck_assert_int_eq(
		parse("/x", "overlay",
		      OPTIONS("context=\"u:r:t:s0:c1,c2\",size=1", "lowerdir=/a\\,b:/c\\:d")),
		0);
	ck_assert_uint_eq(options.data_len, 3);
	ck_assert_str_eq(options.data[0].value, "u:r:t:s0:c1,c2");
	ck_assert_str_eq(options.data[1].key, "size");
	ck_assert_str_eq(options.data[2].value, "/a,b:/c\\:d");
}

/* The others tell themselves what they do not know. */
TEST(refuses_unknown_words_that_a_file_system_would_pass_over)
{
	static const char *const careless[] = {"bpf", "debugfs", "pstore", "ramfs", "tracefs"};
	char hint[64];

	for (size_t i = 0; i < sizeof(careless) / sizeof(careless[0]); i++) {
		expect_refused(careless[i], "nosuidd", "unknown option \"nosuidd\"");
		snprintf(hint, sizeof(hint), "%s would pass over it without a word", careless[i]);
		ck_assert_str_eq(err.hint, hint);
		expect_refused(careless[i], "mode=700,nosuid", "unknown option \"nosuid\"");
		ck_assert_int_eq(parse("/x", careless[i], OPTIONS("mode=0700", "nosuid")), 0);
		ck_assert_uint_eq(options.set, MOUNT_ATTR_NOSUID);
	}
	ck_assert_int_eq(parse("/x", "tmpfs", OPTIONS("huge", "nosuidd")), 0);
}

TEST(refuses_unknown_words_where_no_file_system_takes_them)
{
	expect_refused("bind", "size=64k", "unknown option \"size=64k\"");
	ck_assert_str_eq(err.hint, "only a mount of a file system takes options of its own");
}

TEST(refuses_what_no_single_mount_has)
{
	expect_refused("bind", "rsync",
		       "option \"rsync\" can't be had: it is not one of single mounts");
	ck_assert_str_eq(err.hint, "\"sync\" is for the mount of a file system");
	expect_refused("tmpfs", "rnomand",
		       "option \"rnomand\" can't be had: it is not one of single mounts");
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(
			parse("/x", "bind",
			      OPTIONS(((const char *[]){"rasync", "rdirsync", "rmand"})[i])),
			-EINVAL);
}

static void expect_extras(const char *word, unsigned int extras, const char *ranges)
{
	ck_assert_int_eq(parse("/x", "bind", OPTIONS(word)), 0);
	ck_assert_uint_eq(options.extras, extras);
	if (ranges)
		ck_assert_str_eq(options.id_ranges, ranges);
	else
		ck_assert_ptr_null(options.id_ranges);
}

TEST(knows_what_is_asked_of_the_runtime)
{
	expect_extras("idmap", EXTRA_IDMAP, NULL);
	expect_extras("ridmap", EXTRA_IDMAP | EXTRA_IDMAP_BELOW, NULL);
	expect_extras("idmap=uids=0-1-2;gids=3-4-5", EXTRA_IDMAP, "uids=0-1-2;gids=3-4-5");
	expect_extras("ridmap=", EXTRA_IDMAP | EXTRA_IDMAP_BELOW, "");
	expect_extras("tmpcopyup", EXTRA_COPY_UP, NULL);
	expect_extras("copy-symlink", EXTRA_COPY_SYMLINK, NULL);
	expect_extras("src-nofollow", EXTRA_SOURCE_NOFOLLOW, NULL);
	expect_extras("dest-nofollow", EXTRA_DESTINATION_NOFOLLOW, NULL);
	expect_refused("bind", "tmpcopyup=1", "unknown option \"tmpcopyup=1\"");
	expect_refused("bind", "idmapped=uids=0-1-2", "unknown option \"idmapped=uids=0-1-2\"");
}

TEST(does_not_take_them_for_words_of_the_file_system)
{
	ck_assert_int_eq(parse("/x", "tmpfs", OPTIONS("tmpcopyup", "idmap=uids=0-1-2,x", "size=1")),
			 0);
	ck_assert_uint_eq(options.data_len, 1);
	ck_assert_str_eq(options.data[0].key, "size");
}

TEST(knows_what_is_usual_where_there_are_no_options)
{
	ck_assert_int_eq(parse("/dev/shm", "tmpfs", NULL), 0);
	ck_assert_uint_eq(options.set, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	ck_assert_uint_eq(options.data_len, 2);
	ck_assert_int_eq(parse("/dev/shm", "bind", NULL), 0);
	ck_assert_uint_eq(options.set, 0);
	ck_assert(options.bind);
}

TEST(lists_its_words_and_parses_each)
{
	size_t count = 0;

	for (const char *word; (word = mount_option_word(count)); count++)
		ck_assert_msg(parse("/x", "bind", OPTIONS(word)) == 0, "%s: %s", word, err.text);
	ck_assert_uint_gt(count, 50);
}

RUN_TESTS("mount-options", sets_and_clears_attributes, takes_the_later_of_two_words,
	  keeps_one_of_the_atime_words, keeps_recursive_words_apart,
	  lets_the_later_of_two_words_count_also_if_one_is_recursive, keeps_propagation_in_order,
	  gives_other_words_to_the_file_system, respects_quoted_and_escaped_commas,
	  refuses_unknown_words_that_a_file_system_would_pass_over,
	  refuses_unknown_words_where_no_file_system_takes_them, refuses_what_no_single_mount_has,
	  knows_what_is_asked_of_the_runtime, does_not_take_them_for_words_of_the_file_system,
	  knows_what_is_usual_where_there_are_no_options, lists_its_words_and_parses_each)
