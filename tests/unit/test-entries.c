#include "basic/entries.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree.h"
#include "unit.h"

static struct tree tree;

static struct entries open_it(void)
{
	int fd = openat(tree.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return (struct entries){.dir = fd};
}

TEST(are_none_in_an_empty_directory)
{
	struct entries entries;

	tree = tree_make();
	entries = open_it();
	ck_assert_ptr_null(entries_next(&entries));
	ck_assert_int_eq(entries.error, 0);
	close(entries.dir);
	tree_remove(&tree);
}

TEST(have_a_type)
{
	struct entries entries;
	const char *name;
	int seen = 0;

	tree = tree_make();
	ck_assert_int_eq(mkdirat(tree.fd, "folder", 0700), 0);
	ck_assert_int_eq(symlinkat("x", tree.fd, "link"), 0);
	entries = open_it();
	while ((name = entries_next(&entries)) != NULL) {
		ck_assert_int_eq(entries.type, strcmp(name, "link") == 0 ? DT_LNK : DT_DIR);
		seen++;
	}
	ck_assert_int_eq(seen, 2);
	close(entries.dir);
	tree_remove(&tree);
}

/* The room holds eight of them. */
TEST(are_all_told_however_many)
{
	enum { COUNT = 300 };
	bool seen[COUNT] = {false};
	struct entries entries;
	const char *name;
	int count = 0;

	tree = tree_make();
	for (int i = 0; i < COUNT; i++) {
		char text[256];

		snprintf(text, sizeof(text), "%03d%0*d", i, 240, 0);
		ck_assert_int_eq(mkdirat(tree.fd, text, 0700), 0);
	}
	entries = open_it();
	while ((name = entries_next(&entries)) != NULL) {
		int number = -1;

		ck_assert_uint_eq(strlen(name), 243);
		sscanf(name, "%3d", &number);
		ck_assert_int_ge(number, 0);
		ck_assert(!seen[number]);
		seen[number] = true;
		count++;
	}
	ck_assert_int_eq(count, COUNT);
	ck_assert_int_eq(entries.error, 0);
	close(entries.dir);
	tree_remove(&tree);
}

TEST(end_with_an_error_that_is_kept)
{
	struct entries entries = {.dir = -1};

	ck_assert_ptr_null(entries_next(&entries));
	ck_assert_int_eq(entries.error, EBADF);
}

RUN_TESTS("entries", are_none_in_an_empty_directory, have_a_type, are_all_told_however_many,
	  end_with_an_error_that_is_kept)
