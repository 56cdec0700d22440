#include "linux/subordinate-ids.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/users.h"
#include "tree.h"
#include "unit.h"

static struct tree tree;
static struct arena arena;
static struct error err;

static void begin(void)
{
	tree = tree_make();
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
}

static void finish(void)
{
	arena_release(&arena);
	tree_remove(&tree);
}

/* The ranges which the file gives the caller, as "FIRST+COUNT FIRST+COUNT ". */
static const char *ranges_of(const char *file)
{
	static char text[1024];
	struct id_map map = {0};
	size_t used = 0;

	ck_assert_int_eq(subordinate_ids(&arena, file, &map, &err), 0);
	ck_assert_uint_ge(map.ranges_len, 1);
	text[0] = '\0';
	for (size_t i = 1; i < map.ranges_len; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%" PRIu32 "+%" PRIu32 " ", map.ranges[i].outside,
					 map.ranges[i].count);
	return text;
}

/* Each @ in lines stands for the caller's uid. */
static void expect_ranges(const char *lines, const char *expected)
{
	char text[4096], path[128];
	size_t used = 0;

	for (; *lines; lines++)
		if (*lines == '@')
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%u", getuid());
		else
			text[used++] = *lines;
	text[used] = '\0';
	begin();
	tree_file(&tree, "subuid", 0644, text);
	snprintf(path, sizeof(path), "%s/subuid", tree.path);
	ck_assert_str_eq(ranges_of(path), expected);
	finish();
}

TEST(finds_the_ranges_of_a_uid)
{
	expect_ranges("@:100000:65536\n", "100000+65536 ");
	expect_ranges("@:100000:65536\n"
		      "nobody-at-all:1:2\n"
		      "@:300000:1\n",
		      "100000+65536 300000+1 ");
	expect_ranges("@:4294901759:65536\n", "4294901759+65536 ");
}

TEST(reads_a_last_line_without_an_end)
{
	expect_ranges("@:100000:65536", "100000+65536 ");
}

TEST(finds_the_ranges_of_a_name)
{
	char lines[256], name[64];

	user_name(getuid(), name, sizeof(name));
	if (!name[0]) {
		printf("skipped: this user has no name in /etc/passwd\n");
		return;
	}
	snprintf(lines, sizeof(lines), "%s:100000:65536\n%sx:1:2\nx%s:3:4\n", name, name, name);
	expect_ranges(lines, "100000+65536 ");
}

TEST(passes_by_others_and_those_whose_names_begin_alike)
{
	expect_ranges("@0:100000:65536\n"
		      "0@:100000:65536\n"
		      "@ :100000:65536\n"
		      " @:100000:65536\n"
		      ":100000:65536\n",
		      "");
}

TEST(passes_by_lines_that_make_no_sense)
{
	expect_ranges("\n"
		      "# @:1:2\n"
		      "@\n"
		      "@:\n"
		      "@:1\n"
		      "@::\n"
		      "@:1:\n"
		      "@::1\n"
		      "@:1:0\n"
		      "@:1:x\n"
		      "@:x:1\n"
		      "@:1x:1\n"
		      "@:1:1x\n"
		      "@:1:1:1\n"
		      "@:500:5\n",
		      "500+5 ");
}

TEST(passes_by_ranges_beyond_the_last_id)
{
	expect_ranges("@:4294967295:1\n"
		      "@:4294901760:65536\n"
		      "@:1:4294967295\n"
		      "@:0:4294967296\n"
		      "@:18446744073709551616:1\n",
		      "");
}

TEST(gives_none_where_there_is_no_file)
{
	char path[128];

	begin();
	snprintf(path, sizeof(path), "%s/none", tree.path);
	ck_assert_str_eq(ranges_of(path), "");
	ck_assert_str_eq(ranges_of(tree.path), "");
	ck_assert_int_eq(mkfifoat(tree.fd, "none", 0644), 0);
	ck_assert_str_eq(ranges_of(path), "");
	finish();
	expect_ranges("", "");
}

TEST(fails_where_there_is_no_memory_to_read_them)
{
	struct id_map map = {0};
	char path[128];

	begin();
	tree_file(&tree, "subuid", 0644, "0:100000:65536\n");
	snprintf(path, sizeof(path), "%s/subuid", tree.path);
	arena.size = 16;
	ck_assert_int_eq(subordinate_ids(&arena, path, &map, &err), -ENOMEM);
	arena.size = 256 << 20;
	finish();
}

TEST(has_room_for_as_many_ranges_as_there_are_lines)
{
	char lines[2000] = "", expected[1000] = "";

	for (int i = 0; i < 100; i++) {
		snprintf(lines + strlen(lines), 20, "@:%d:1\n", 1000 + i);
		snprintf(expected + strlen(expected), 20, "%d+1 ", 1000 + i);
	}
	expect_ranges(lines, expected);
}

RUN_TESTS("subordinate-ids", finds_the_ranges_of_a_uid, reads_a_last_line_without_an_end,
	  finds_the_ranges_of_a_name, passes_by_others_and_those_whose_names_begin_alike,
	  passes_by_lines_that_make_no_sense, passes_by_ranges_beyond_the_last_id,
	  gives_none_where_there_is_no_file, fails_where_there_is_no_memory_to_read_them,
	  has_room_for_as_many_ranges_as_there_are_lines)
