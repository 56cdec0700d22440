/* No machine of ours has a resctrl file system: a plain directory with its files stands in for one. */
#include "linux/intel-rdt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/file.h"
#include "linux/section.h"
#include "tree.h"
#include "unit.h"

static struct error err;
static struct arena arena;
static struct tree tree;
static struct oci_intel_rdt rdt;
static struct oci_linux properties = {.intel_rdt = &rdt};
static const struct oci_config config = {.linux = &properties};
static struct container container;

static void begin(void)
{
	arena_release(&arena);
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	rdt = (struct oci_intel_rdt){0};
	container = (struct container){.config = &config, .arena = &arena, .id = "web"};
	err = (struct error){0};
	tree = tree_make();
	tree_file(&tree, "schemata", 0644, "    MB:0=100;1=100\n    L3:0=fff;1=fff\n");
	tree_file(&tree, "tasks", 0644, "");
	tree_directory(&tree, "info", 0755);
	tree_file(&tree, "info/last_cmd_status", 0644, "Mask 505 has non-consecutive 1-bits\n");
	tree_directory(&tree, "shared", 0755);
	tree_file(&tree, "shared/schemata", 0644, "    MB:0=20;1=70\n    L3:0=7f0;1=01f\n");
	tree_file(&tree, "shared/tasks", 0644, "");
	tree_directory(&tree, "shared/mon_groups", 0755);
}

static const char *read_file(const char *path)
{
	static char text[256];

	(void)file_read_small(tree.fd, path, text, sizeof(text));
	return text;
}

static const char *below(const char *path)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s/%s", tree.path, path);
	return text;
}

/* -- validate ---------------------------------------------------------------------------------- */

static void expect_rejected(const char *why)
{
	ck_assert_int_eq(section_intel_rdt.validate(&config, &err), -EINVAL);
	ck_assert_str_eq(err.text, why);
	rdt = (struct oci_intel_rdt){0};
}

TEST(accepts_what_names_groups_and_resources)
{
	const char *lines[] = {"L3:0=7f0;1=1f", "L2:0=f", "MB:0=20;1=70", NULL};

	rdt = (struct oci_intel_rdt){
		.clos_id = "guaranteed group",
		.l3_cache_schema = "L3:0=7f0\nL3CODE:0=f",
		.mem_bw_schema = "MB:0=20",
		.schemata = lines,
		.schemata_len = 3,
	};
	ck_assert_int_eq(section_intel_rdt.validate(&config, &err), 0);
	rdt.clos_id = "/";
	ck_assert_int_eq(section_intel_rdt.validate(&config, &err), 0);
	ck_assert_int_eq(section_intel_rdt.validate(&(struct oci_config){0}, &err), 0);
}

TEST(rejects_what_is_no_group_or_no_line)
{
	const char *lines[] = {"L3:0=f", "7f0", NULL};

	rdt.clos_id = "a/b";
	expect_rejected("linux.intelRdt.closID: \"a/b\" is no name of a group");
	rdt.clos_id = "..";
	expect_rejected("linux.intelRdt.closID: \"..\" is no name of a group");
	rdt.clos_id = "info";
	expect_rejected("linux.intelRdt.closID: \"info\" is no name of a group");
	rdt.l3_cache_schema = "7f0";
	expect_rejected("linux.intelRdt.l3CacheSchema: \"7f0\" names no resource");
	rdt.mem_bw_schema = "L3:0=f";
	expect_rejected("linux.intelRdt.memBwSchema: it is not one line that begins with \"MB:\"");
	rdt.mem_bw_schema = "MB:0=20\nL3:0=f";
	expect_rejected("linux.intelRdt.memBwSchema: it is not one line that begins with \"MB:\"");
	rdt.schemata = lines;
	rdt.schemata_len = 2;
	expect_rejected("linux.intelRdt.schemata[1]: \"7f0\" names no resource");
}

/* -- plan -------------------------------------------------------------------------------------- */

static void expect_plan(const char *path, bool made)
{
	ck_assert_msg(intel_rdt_plan(&container, tree.path, &err) == 0, "%s", err.text);
	ck_assert_str_eq(container.intel_rdt->path, path);
	ck_assert_int_eq(container.intel_rdt->made, made);
}

static void expect_no_plan(const char *why)
{
	ck_assert_int_eq(intel_rdt_plan(&container, tree.path, &err), -EINVAL);
	ck_assert_str_eq(err.text, why);
	err = (struct error){0};
}

TEST(uses_a_group_that_is_there_or_plans_one)
{
	begin();
	expect_plan(below("web"), true);
	ck_assert_ptr_null(container.intel_rdt->monitoring);
	rdt.clos_id = "shared";
	rdt.enable_monitoring = true;
	expect_plan(below("shared"), false);
	ck_assert_str_eq(container.intel_rdt->monitoring, below("shared/mon_groups/web"));
	rdt.clos_id = "fresh";
	rdt.mem_bw_schema = "MB:0=20";
	expect_plan(below("fresh"), true);
	tree_remove(&tree);
}

TEST(takes_the_root_group_for_a_slash)
{
	begin();
	rdt.clos_id = "/";
	rdt.enable_monitoring = true;
	expect_plan(tree.path, false);
	ck_assert_str_eq(container.intel_rdt->monitoring, below("mon_groups/web"));
	tree_remove(&tree);
}

TEST(makes_no_named_group_without_knowing_what_it_gets)
{
	char why[256];

	begin();
	rdt.clos_id = "fresh";
	snprintf(why, sizeof(why), "linux.intelRdt: closID: there is no group %s", below("fresh"));
	expect_no_plan(why);
	tree_remove(&tree);
}

TEST(makes_no_group_of_an_id_that_is_the_file_systems_own)
{
	begin();
	container.id = "info";
	expect_no_plan("linux.intelRdt: the container's id is no name of a group");
	tree_remove(&tree);
}

TEST(compares_a_group_that_is_there_with_the_config)
{
	const char *lines[] = {"MB:1=70", "L3:0=7F0", NULL};

	begin();
	rdt.clos_id = "shared";
	rdt.l3_cache_schema = "MB:0=99\nL3:0=7f0;1=1f\n";
	rdt.mem_bw_schema = "MB:0=20;1=70";
	rdt.schemata = lines;
	rdt.schemata_len = 2;
	expect_plan(below("shared"), false);
	rdt.mem_bw_schema = "MB:0=20;1=71";
	expect_no_plan("linux.intelRdt: the group does not have \"MB:0=20;1=71\"");
	rdt.mem_bw_schema = "MB:2=20";
	expect_no_plan("linux.intelRdt: the group does not have \"MB:2=20\"");
	rdt.mem_bw_schema = NULL;
	rdt.l3_cache_schema = "L3:0=7f0;1=1e";
	expect_no_plan("linux.intelRdt: the group does not have \"L3:0=7f0;1=1e\"");
	rdt.l3_cache_schema = NULL;
	lines[1] = "L2:0=f";
	expect_no_plan("linux.intelRdt: the group does not have \"L2:0=f\"");
	lines[1] = "L3:nonsense";
	expect_no_plan("linux.intelRdt: the group does not have \"L3:nonsense\"");
	tree_remove(&tree);
}

/* -- make, join, remove ------------------------------------------------------------------------ */

TEST(makes_nothing_without_a_plan)
{
	container = (struct container){.config = &config};
	ck_assert_int_eq(intel_rdt_make(&container, &err), 0);
	ck_assert_int_eq(section_intel_rdt.attach(&container, 1, &err), 0);
}

TEST(makes_and_removes_what_is_the_containers_own)
{
	struct stat status;

	begin();
	rdt.clos_id = "shared";
	rdt.enable_monitoring = true;
	expect_plan(below("shared"), false);
	ck_assert_int_eq(intel_rdt_make(&container, &err), 0);
	ck_assert_int_eq(stat(below("shared/mon_groups/web"), &status), 0);
	ck_assert_int_eq(intel_rdt_remove(container.intel_rdt, &err), 0);
	ck_assert_int_eq(intel_rdt_remove(container.intel_rdt, &err), 0);
	ck_assert_int_eq(stat(below("shared/mon_groups/web"), &status), -1);
	ck_assert_int_eq(stat(below("shared"), &status), 0);

	rdt = (struct oci_intel_rdt){0};
	expect_plan(below("web"), true);
	ck_assert_int_eq(intel_rdt_make(&container, &err), 0);
	ck_assert_int_eq(stat(below("web"), &status), 0);
	ck_assert_int_eq(intel_rdt_remove(container.intel_rdt, &err), 0);
	ck_assert_int_eq(stat(below("web"), &status), -1);
	tree_remove(&tree);
}

/* Somebody has made it since. */
TEST(does_not_remove_what_it_did_not_make)
{
	struct stat status;
	char why[256];

	begin();
	expect_plan(below("web"), true);
	tree_directory(&tree, "web", 0755);
	ck_assert_int_eq(intel_rdt_make(&container, &err), -EEXIST);
	snprintf(why, sizeof(why), "linux.intelRdt: make %s: file exists", below("web"));
	ck_assert_str_eq(err.text, why);
	ck_assert_int_eq(intel_rdt_remove(container.intel_rdt, &err), 0);
	ck_assert_int_eq(stat(below("web"), &status), 0);
	tree_remove(&tree);
}

TEST(writes_its_schema_and_tells_what_the_kernel_says_of_it)
{
	char why[256];

	begin();
	rdt.l3_cache_schema = "L3:0=505";
	expect_plan(below("web"), true);
	/* The real file system puts the group's files there. */
	ck_assert_int_eq(intel_rdt_make(&container, &err), -ENOENT);
	snprintf(why, sizeof(why),
		 "linux.intelRdt: write \"L3:0=505\" to %s: no such file or directory",
		 below("web/schemata"));
	ck_assert_str_eq(err.text, why);
	ck_assert_str_eq(err.hint, "the kernel says: Mask 505 has non-consecutive 1-bits");
	ck_assert(container.intel_rdt->made);
	tree_remove(&tree);
}

TEST(puts_init_into_both_groups)
{
	begin();
	rdt.clos_id = "shared";
	rdt.enable_monitoring = true;
	expect_plan(below("shared"), false);
	ck_assert_int_eq(intel_rdt_make(&container, &err), 0);
	tree_file(&tree, "shared/mon_groups/web/tasks", 0644, "");
	ck_assert_int_eq(section_intel_rdt.attach(&container, 4711, &err), 0);
	ck_assert_str_eq(read_file("shared/tasks"), "4711");
	ck_assert_str_eq(read_file("shared/mon_groups/web/tasks"), "4711");
	tree_remove(&tree);
}

TEST(gives_a_group_of_its_own_other_schemata)
{
	const char *former = NULL;

	begin();
	expect_plan(below("web"), true);
	ck_assert_int_eq(intel_rdt_make(&container, &err), 0);
	tree_file(&tree, "web/schemata", 0644, "MB:0=100\n");
	rdt = (struct oci_intel_rdt){.mem_bw_schema = "MB:0=020"};
	ck_assert_int_eq(intel_rdt_update(container.intel_rdt, &rdt, &arena, &former, &err), 0);
	ck_assert_str_eq(read_file("web/schemata"), "MB:0=020\n");
	ck_assert_str_eq(former, "MB:0=100\n");
	rdt = (struct oci_intel_rdt){.schemata = &former, .schemata_len = 1};
	ck_assert_int_eq(intel_rdt_update(container.intel_rdt, &rdt, &arena, &former, &err), 0);

	rdt = (struct oci_intel_rdt){.mem_bw_schema = "20"};
	ck_assert_int_eq(intel_rdt_update(container.intel_rdt, &rdt, &arena, &former, &err),
			 -EINVAL);
	ck_assert_str_eq(err.text,
			 "linux.intelRdt.memBwSchema: it is not one line that begins with "
			 "\"MB:\"");
	tree_remove(&tree);
}

TEST(leaves_a_group_alone_that_others_use)
{
	const char *former = NULL;
	char why[256];

	begin();
	rdt.clos_id = "shared";
	expect_plan(below("shared"), false);
	rdt = (struct oci_intel_rdt){.l3_cache_schema = "L3:0=f"};
	ck_assert_int_eq(intel_rdt_update(container.intel_rdt, &rdt, &arena, &former, &err),
			 -EINVAL);
	snprintf(why, sizeof(why), "linux.intelRdt: %s is not the container's alone",
		 below("shared"));
	ck_assert_str_eq(err.text, why);
	tree_remove(&tree);
}

RUN_TESTS("intel-rdt", accepts_what_names_groups_and_resources, rejects_what_is_no_group_or_no_line,
	  uses_a_group_that_is_there_or_plans_one, takes_the_root_group_for_a_slash,
	  makes_no_named_group_without_knowing_what_it_gets,
	  makes_no_group_of_an_id_that_is_the_file_systems_own,
	  compares_a_group_that_is_there_with_the_config, makes_nothing_without_a_plan,
	  makes_and_removes_what_is_the_containers_own, does_not_remove_what_it_did_not_make,
	  writes_its_schema_and_tells_what_the_kernel_says_of_it, puts_init_into_both_groups,
	  gives_a_group_of_its_own_other_schemata, leaves_a_group_alone_that_others_use)
