#include "cgroup/below.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static struct arena arena;
static struct error err;
static char top[] = "/tmp/proa-test-below-XXXXXX";
static char v2[64];
static const char *directories[2];
static struct oci_record_cgroup place, below;

/* Plain folders: two of version 1 and one of version 2, with a/b in each. */
static void begin(void)
{
	static const char *const names[] = {"one", "two", "v2"};
	static char paths[3][64];
	char deeper[80];

	if (arena.start)
		return;
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	ck_assert_ptr_nonnull(mkdtemp(top));
	for (int i = 0; i < 3; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", top, names[i]);
		ck_assert_int_eq(mkdir(paths[i], 0755), 0);
		snprintf(deeper, sizeof(deeper), "%s/%s/a", top, names[i]);
		ck_assert_int_eq(mkdir(deeper, 0755), 0);
		strcat(deeper, "/b");
		ck_assert_int_eq(mkdir(deeper, 0755), 0);
	}
	directories[0] = paths[0];
	directories[1] = paths[1];
	snprintf(v2, sizeof(v2), "%s", paths[2]);
	place = (struct oci_record_cgroup){
		.manager = "cgroupfs",
		.path = "/v2",
		.directories = directories,
		.directories_len = 2,
		.v2 = v2,
	};
}

static void finish(void)
{
	static const char *const folders[] = {"one/a/b", "one/a",  "one",  "two/a/b", "two/a",
					      "two",	 "v2/a/b", "v2/a", "v2",      ""};
	char path[128];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", top, folders[i]);
		ck_assert_int_eq(rmdir(path), 0);
	}
	arena_release(&arena);
}

static int choose(const char *text)
{
	const char *items[] = {text};
	const struct text_list chosen = {items, text ? 1 : 0};

	return cgroup_below(&place, &chosen, &arena, &below, &err);
}

static void expect_refused(const char *choice, const char *reason)
{
	char text[256];

	ck_assert_int_lt(choose(choice), 0);
	snprintf(text, sizeof(text), "--cgroup %s: %s", choice, reason);
	ck_assert_str_eq(err.text, text);
}

static void expect_end(const char *directory, const char *end)
{
	size_t length = strlen(directory);

	ck_assert_msg(length > strlen(end) && strcmp(directory + length - strlen(end), end) == 0,
		      "%s", directory);
}

TEST(is_the_containers_where_nothing_is_chosen)
{
	begin();
	ck_assert_int_eq(choose(NULL), 0);
	ck_assert_str_eq(below.v2, v2);
	ck_assert_str_eq(below.directories[1], directories[1]);
	ck_assert_str_eq(below.manager, "cgroupfs");
	finish();
}

TEST(is_below_it_in_every_hierarchy)
{
	begin();
	ck_assert_int_eq(choose("a/b"), 0);
	expect_end(below.v2, "/v2/a/b");
	expect_end(below.directories[0], "/one/a/b");
	expect_end(below.directories[1], "/two/a/b");
	ck_assert_str_eq(place.v2, v2);
	ck_assert_int_eq(choose("//a"), 0);
	expect_end(below.v2, "/v2/a");
	finish();
}

TEST(is_below_what_the_container_sees_as_the_root)
{
	char leaf[80], expected[96];

	begin();
	snprintf(leaf, sizeof(leaf), "%s/a", v2);
	snprintf(expected, sizeof(expected), "%s/b", leaf);
	place.leaf = leaf;
	ck_assert_int_eq(choose(NULL), 0);
	ck_assert_str_eq(below.v2, v2);
	ck_assert_str_eq(below.leaf, leaf);
	place.directories_len = 0;
	ck_assert_int_eq(choose("b"), 0);
	ck_assert_str_eq(below.v2, expected);
	ck_assert_ptr_null(below.leaf);
	finish();
}

TEST(leads_nowhere_else)
{
	static const char *const paths[] = {"..",	"/..",	    "../x",	"a/..", "a/../..",
					    "a/b/../c", "cpu:../x", "cpu:a/..", "//.."};

	begin();
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		expect_refused(paths[i], "\"..\" would lead out of the container's cgroup");
	expect_refused("", "it names no cgroup below the container's");
	expect_refused("///", "it names no cgroup below the container's");
	expect_refused("cpu:", "it names no cgroup below the container's");
	expect_refused("cpu:/", "it names no cgroup below the container's");
	/* "..." is a name. */
	ck_assert_int_lt(choose("..."), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "the container has no such cgroup"));
	finish();
}

TEST(is_there_already)
{
	char text[256];

	begin();
	ck_assert_int_eq(choose("a/c"), -EINVAL);
	snprintf(text, sizeof(text),
		 "--cgroup a/c: the container has no such cgroup: %s/a/c is not there",
		 directories[0]);
	ck_assert_str_eq(err.text, text);
	finish();
}

TEST(takes_no_controllers_where_there_are_none)
{
	begin();
	expect_refused("nothing:a", "the container has no v1 cgroup with the controller "
				    "\"nothing\"");
	expect_refused(":a", "the container has no v1 cgroup with the controller \"\"");
	finish();
}

TEST(needs_a_cgroup_of_the_containers)
{
	const char *items[] = {"a"};
	const struct text_list chosen = {items, 1};
	const struct oci_record_cgroup disabled = {.manager = "disabled"};

	begin();
	ck_assert_int_lt(cgroup_below(&disabled, &chosen, &arena, &below, &err), 0);
	ck_assert_str_eq(err.text, "--cgroup: the container has no cgroup of its own");
	finish();
}

/* This process is not below /no/such/cgroup. */
TEST(follows_no_process_out_of_the_containers)
{
	const struct oci_record_cgroup elsewhere = {.path = "/no/such/cgroup", .v2 = "/tmp"};

	ck_assert_int_eq(cgroup_clone_fd_of(&elsewhere, getpid()), -1);
	ck_assert_int_eq(cgroup_clone_fd_of(&elsewhere, INT_MAX), -1);
}

RUN_TESTS("cgroup-below", is_the_containers_where_nothing_is_chosen, is_below_it_in_every_hierarchy,
	  is_below_what_the_container_sees_as_the_root, leads_nowhere_else, is_there_already,
	  takes_no_controllers_where_there_are_none, needs_a_cgroup_of_the_containers,
	  follows_no_process_out_of_the_containers)
