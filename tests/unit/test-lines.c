#include "basic/lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree.h"
#include "unit.h"

static struct tree tree;
static struct lines lines;

static void begin(const char *text)
{
	tree = tree_make();
	tree_file(&tree, "file", 0644, text);
	lines_begin(&lines, openat(tree.fd, "file", O_RDONLY | O_CLOEXEC));
}

static void finish(void)
{
	ck_assert_ptr_null(lines_next(&lines));
	ck_assert_int_eq(lines.error, 0);
	close(lines.fd);
	tree_remove(&tree);
}

TEST(come_one_by_one)
{
	begin("one\n\nthree\n");
	ck_assert_str_eq(lines_next(&lines), "one");
	ck_assert_str_eq(lines_next(&lines), "");
	ck_assert_str_eq(lines_next(&lines), "three");
	finish();
}

TEST(may_lack_the_last_newline)
{
	begin("one\ntwo");
	ck_assert_str_eq(lines_next(&lines), "one");
	ck_assert_str_eq(lines_next(&lines), "two");
	finish();
}

TEST(are_none_in_an_empty_file)
{
	begin("");
	finish();
}

TEST(come_whole_however_many_there_are)
{
	enum { COUNT = 9000 };
	char *text = malloc(COUNT * 12 + 1), expected[16];
	size_t used = 0;

	for (int i = 0; i < COUNT; i++)
		used += (size_t)sprintf(text + used, "%d:%0*d\n", i, i % 5 + 1, 0);
	begin(text);
	free(text);
	for (int i = 0; i < COUNT; i++) {
		snprintf(expected, sizeof(expected), "%d:%0*d", i, i % 5 + 1, 0);
		ck_assert_str_eq(lines_next(&lines), expected);
	}
	finish();
}

TEST(are_passed_over_when_they_are_too_long)
{
	char *text = malloc(LINES_ROOM * 2 + 100);

	memset(text, 'x', LINES_ROOM * 2);
	strcpy(text + LINES_ROOM * 2, "y\nnext\n");
	memcpy(text, "first\n", 6);
	begin(text);
	free(text);
	ck_assert_str_eq(lines_next(&lines), "first");
	ck_assert_str_eq(lines_next(&lines), "next");
	finish();
}

TEST(end_with_an_error_that_is_kept)
{
	lines_begin(&lines, -1);
	ck_assert_ptr_null(lines_next(&lines));
	ck_assert_int_eq(lines.error, EBADF);
}

RUN_TESTS("lines", come_one_by_one, may_lack_the_last_newline, are_none_in_an_empty_file,
	  come_whole_however_many_there_are, are_passed_over_when_they_are_too_long,
	  end_with_an_error_that_is_kept)
