#include "systemd/unit-name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

static struct error err;
static struct arena arena;
static struct unit_name unit;

static int parse(const char *path, const char *id)
{
	arena_release(&arena);
	err = (struct error){0};
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	unit = (struct unit_name){.slice = "system.slice"};
	return unit_name_parse(path, id, &arena, &unit, &err);
}

static void expect(const char *path, const char *scope, const char *slice)
{
	if (parse(path, "an-id") < 0)
		ck_abort_msg("%s", err.text);
	ck_assert_str_eq(unit.scope, scope);
	ck_assert_str_eq(unit.slice, slice);
}

TEST(puts_prefix_and_name_together)
{
	expect("machine.slice:libpod:0123", "libpod-0123.scope", "machine.slice");
	expect("kubepods-burstable-pod1.slice:crio:a", "crio-a.scope",
	       "kubepods-burstable-pod1.slice");
	expect(":docker:a", "docker-a.scope", "system.slice");
	expect("-.slice:a:b", "a-b.scope", "-.slice");
}

TEST(does_without_a_prefix)
{
	expect("user.slice::a", "a.scope", "user.slice");
	expect("::a", "a.scope", "system.slice");
}

TEST(leaves_a_whole_name_as_it_is)
{
	expect("a.slice:libpod:b.scope", "b.scope", "a.slice");
	expect("a.slice:libpod:b.scope.d", "libpod-b.scope.d.scope", "a.slice");
}

TEST(names_a_unit_after_the_container_where_no_path_is_given)
{
	expect(NULL, "proa-an-id.scope", "system.slice");
	expect("", "proa-an-id.scope", "system.slice");
	ck_assert_int_eq(parse(NULL, "init.scope"), 0);
	ck_assert_str_eq(unit.scope, "proa-init.scope.scope");
	ck_assert_int_eq(parse(NULL, "a.slice"), 0);
	ck_assert_str_eq(unit.scope, "proa-a.slice.scope");
}

TEST(escapes_what_a_unit_cannot_be_called)
{
	ck_assert_int_eq(parse(NULL, "a+b"), 0);
	ck_assert_str_eq(unit.scope, "proa-a\\x2bb.scope");
	expect("a.slice:p/q:../x\n", "p\\x2fq-..\\x2fx\\x0a.scope", "a.slice");
	expect("a.slice:\xc3\xa4:@", "\\xc3\\xa4-\\x40.scope", "a.slice");
}

static void expect_refused(const char *path, const char *why)
{
	char text[1200];

	ck_assert_int_eq(parse(path, "an-id"), -EINVAL);
	snprintf(text, sizeof(text), "linux.cgroupsPath \"%s\": %s", path, why);
	ck_assert_str_eq(err.text, text);
}

TEST(refuses_another_form)
{
	static const char *const paths[] = {"/a/b", "a", "a:b", "a.slice:b:c:d", ":", "a/b:c"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		expect_refused(paths[i], "the systemd cgroup manager takes \"slice:prefix:name\"");
		ck_assert_str_eq(err.hint,
				 "have the engine use the systemd cgroup manager as well, or use "
				 "--cgroup-manager cgroupfs");
	}
}

TEST(refuses_what_is_no_slice)
{
	static const char *const slices[] = {"a",	 ".slice",   "a--b.slice", "-a.slice",
					     "a-.slice", "a.scope",  "a b.slice",  "a/b.slice",
					     "..",	 "--.slice", "a.slice.d",  "../x.slice"};
	char path[64], why[80];

	for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
		snprintf(path, sizeof(path), "%s:p:n", slices[i]);
		snprintf(why, sizeof(why), "\"%s\" is not the name of a slice", slices[i]);
		expect_refused(path, why);
		ck_assert_str_eq(err.hint, "write one like \"machine.slice\" or \"a-b.slice\"");
	}
}

TEST(refuses_a_slice_for_processes_and_a_unit_without_name)
{
	expect_refused("a.slice:p:b.slice", "the unit \"b.slice\" would be a slice");
	ck_assert_str_eq(err.hint, "a slice holds scopes and services, and no processes");
	expect_refused("a.slice::", "the unit has no name");
	expect_refused("a.slice::.scope", "the unit has no name");
}

TEST(refuses_a_name_that_is_too_long)
{
	char path[300];

	memset(path, 'n', sizeof(path));
	memcpy(path, "a.slice::", 9);
	path[9 + UNIT_LONGEST_NAME - 6] = '\0';
	ck_assert_int_eq(parse(path, "x"), 0);
	ck_assert_uint_eq(strlen(unit.scope), UNIT_LONGEST_NAME);
	strcat(path, "n");
	expect_refused(path, "the unit's name would have 254 bytes, and systemd takes 253");
	/* what is escaped counts as it is written */
	memset(path + 9, '+', 100);
	path[109] = '\0';
	expect_refused(path, "the unit's name would have 406 bytes, and systemd takes 253");
	memset(path, 'n', sizeof(path) - 12);
	strcpy(path + sizeof(path) - 12, ".slice:a:b");
	ck_assert_int_eq(parse(path, "x"), -EINVAL);
}

static void expect_path(const char *slice, const char *path)
{
	ck_assert_str_eq(unit_slice_path(slice, &arena), path);
}

TEST(expands_a_slice_to_those_that_it_lies_in)
{
	ck_assert_int_eq(parse(NULL, "x"), 0);
	expect_path("-.slice", "");
	expect_path("machine.slice", "/machine.slice");
	expect_path("a-b.slice", "/a.slice/a-b.slice");
	expect_path("a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice");
}

RUN_TESTS("unit-name", puts_prefix_and_name_together, does_without_a_prefix,
	  leaves_a_whole_name_as_it_is, names_a_unit_after_the_container_where_no_path_is_given,
	  escapes_what_a_unit_cannot_be_called, refuses_another_form, refuses_what_is_no_slice,
	  refuses_a_slice_for_processes_and_a_unit_without_name, refuses_a_name_that_is_too_long,
	  expands_a_slice_to_those_that_it_lies_in)
