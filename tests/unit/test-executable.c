#include <errno.h>
#include <grp.h>

#include "child.h"
#include "linux/section.h"
#include "tree.h"
#include "unit.h"

static struct error err;
static const char *args[2];
static struct oci_process process = {.args = args, .args_len = 1};
static const struct oci_config config = {.process = &process};

TEST(rejects_a_process_without_a_program)
{
	struct oci_process none = {.args_len = 0};

	ck_assert_int_eq(section_executable.validate(&(struct oci_config){0}, &err), 0);
	ck_assert_int_eq(section_executable.validate(&(struct oci_config){.process = &none}, &err),
			 -EINVAL);
	ck_assert_str_eq(err.text, "process.args: there is no program to run");
	args[0] = "";
	ck_assert_int_eq(section_executable.validate(&config, &err), -EINVAL);
	ck_assert_str_eq(err.text, "process.args[0]: the program's name is empty");
}

/* The path of the program called name, with this PATH; NULL if there is none. */
static const char *find(const char *name, const char *path)
{
	static char variable[PATH_MAX];
	const char *env[] = {"A=b", variable, NULL};
	static struct container container;

	container = (struct container){.config = &config, .env = env, .env_len = path ? 2 : 1};
	snprintf(variable, sizeof(variable), "PATH=%s", path ? path : "");
	args[0] = name;
	return step_executable.apply(&container, &err) < 0 ? NULL : container.executable;
}

static struct tree make_programs(void)
{
	struct tree tree = tree_make();

	tree_directory(&tree, "first", 0755);
	tree_directory(&tree, "first/tool", 0755);
	tree_file(&tree, "first/data", 0644, "");
	tree_directory(&tree, "second", 0755);
	tree_file(&tree, "second/tool", 0755, "");
	tree_file(&tree, "second/data", 0755, "");
	tree_link(&tree, "loop", "loop");
	return tree;
}

TEST(searches_path_for_a_name)
{
	struct tree tree = make_programs();
	char path[256], expected[256];

	snprintf(path, sizeof(path), "/nonexistent:%s/first:%s/second", tree.path, tree.path);
	snprintf(expected, sizeof(expected), "%s/second/tool", tree.path);
	ck_assert_str_eq(find("tool", path), expected);
	snprintf(expected, sizeof(expected), "%s/second/data", tree.path);
	ck_assert_str_eq(find("data", path), expected);
	tree_remove(&tree);
}

TEST(searches_the_usual_places_without_a_path)
{
	ck_assert_ptr_nonnull(strstr(find("sh", NULL), "bin/sh"));
	ck_assert_ptr_nonnull(strstr(find("sh", ""), "bin/sh"));
}

TEST(takes_an_empty_directory_for_the_working_directory)
{
	struct tree tree = make_programs();
	char path[256];

	snprintf(path, sizeof(path), "%s/second", tree.path);
	ck_assert_int_eq(chdir(path), 0);
	ck_assert_str_eq(find("tool", "/nonexistent:"), "./tool");
	ck_assert_int_eq(chdir("/"), 0);
	tree_remove(&tree);
}

/* Engines read these texts: they decide between the exit codes 126 and 127. */
TEST(says_that_a_command_is_missing)
{
	ck_assert_ptr_null(find("no-such-tool", "/usr/bin:/bin"));
	ck_assert_str_eq(
		err.text,
		"process.args[0]: exec: \"no-such-tool\": executable file not found in $PATH");
}

TEST(says_what_is_wrong_with_a_path)
{
	struct tree tree = make_programs();

	ck_assert_int_eq(chdir(tree.path), 0);
	ck_assert_ptr_null(find("/x/y", NULL));
	ck_assert_str_eq(err.text,
			 "process.args[0]: exec: \"/x/y\": stat /x/y: no such file or directory");
	ck_assert_ptr_null(find("./first/data", NULL));
	ck_assert_str_eq(err.text, "process.args[0]: exec: \"./first/data\": permission denied");
	ck_assert_ptr_null(find("/etc", NULL));
	ck_assert_str_eq(err.text, "process.args[0]: exec: \"/etc\": is a directory");
	ck_assert_ptr_null(find("./first/data/x", NULL));
	ck_assert_str_eq(
		err.text,
		"process.args[0]: exec: \"./first/data/x\": stat ./first/data/x: not a directory");
	ck_assert_ptr_null(find("./loop", NULL));
	ck_assert_str_eq(err.text, "process.args[0]: exec: \"./loop\": stat ./loop: too many "
				   "levels of symbolic links");
	ck_assert_str_eq(find("./second/tool", NULL), "./second/tool");
	ck_assert_int_eq(chdir("/"), 0);
	tree_remove(&tree);
}

/* CVE-2024-21626: a file descriptor of a directory outside, reached through /proc. */
TEST(rejects_a_way_through_a_file_descriptor)
{
	struct tree tree = make_programs();
	char path[256], why[512];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/second/tool", tree.fd);
	ck_assert_ptr_null(find(path, NULL));
	snprintf(why, sizeof(why),
		 "process.args[0]: exec: \"%s\": leads through a file descriptor in /proc", path);
	ck_assert_str_eq(err.text, why);
	ck_assert_ptr_null(find("/proc/self/exe", NULL));
	snprintf(path, sizeof(path), "/proc/self/fd/%d/second", tree.fd);
	ck_assert_ptr_null(find("tool", path));
	ck_assert_str_eq(err.text,
			 "process.args[0]: exec: \"tool\": executable file not found in $PATH");
	tree_remove(&tree);
}

static int find_as_user(void *context, struct error *e)
{
	(void)e;
	skip_unless(geteuid() == 0 && setgroups(0, NULL) == 0 && setresuid(1000, 1000, 1000) == 0);
	if (find(context, NULL))
		return 1;
	*e = err;
	return -e->code;
}

TEST(looks_with_the_users_own_rights)
{
	struct tree tree = tree_make();
	char path[256], why[512];
	int r;

	tree_file(&tree, "tool", 0700, "");
	snprintf(path, sizeof(path), "%s/tool", tree.path);
	r = in_child(find_as_user, path, &err);
	snprintf(why, sizeof(why), "process.args[0]: exec: \"%s\": permission denied", path);
	if (r != CHILD_SKIPPED)
		ck_assert_str_eq(err.text, why);
	tree_remove(&tree);
}

RUN_TESTS("executable", rejects_a_process_without_a_program, searches_path_for_a_name,
	  searches_the_usual_places_without_a_path,
	  takes_an_empty_directory_for_the_working_directory, says_that_a_command_is_missing,
	  says_what_is_wrong_with_a_path, rejects_a_way_through_a_file_descriptor,
	  looks_with_the_users_own_rights)
