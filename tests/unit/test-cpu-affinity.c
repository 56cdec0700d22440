#include <errno.h>

#include "linux/section.h"
#include "unit.h"

static struct error err;

static int validate(const char *initial, const char *final)
{
	struct oci_cpu_affinity affinity = {.initial = initial, .final = final};
	struct oci_process process = {.exec_cpu_affinity = &affinity};
	struct oci_config config = {.process = &process};

	return section_cpu_affinity.validate(&config, &err);
}

TEST(accepts_what_is_absent)
{
	struct oci_process process = {.exec_cpu_affinity = NULL};

	ck_assert_int_eq(section_cpu_affinity.validate(&(struct oci_config){0}, &err), 0);
	ck_assert_int_eq(
		section_cpu_affinity.validate(&(struct oci_config){.process = &process}, &err), 0);
	ck_assert_int_eq(validate(NULL, NULL), 0);
	ck_assert_int_eq(validate("", ""), 0);
}

TEST(accepts_lists_of_processors)
{
	ck_assert_int_eq(validate("0", NULL), 0);
	ck_assert_int_eq(validate(NULL, "0-3, 7"), 0);
	ck_assert_int_eq(validate("8191", "0"), 0);
}

TEST(says_which_list_is_wrong)
{
	ck_assert_int_eq(validate("0", "all"), -EINVAL);
	ck_assert_str_eq(err.text,
			 "process.execCPUAffinity.final: \"all\" is not a list of numbers");
	ck_assert_int_eq(validate("8192", "all"), -EINVAL);
	ck_assert_str_eq(err.text,
			 "process.execCPUAffinity.initial: \"8192\": the largest number is 8191");
	ck_assert_int_eq(validate(",", "0"), -EINVAL);
	ck_assert_str_eq(err.text, "process.execCPUAffinity.initial: \",\" names no processor");
}

/* What is planned for a program with these processors, in a container with a cgroup of its own or without. */
static const unsigned long *plan(const char *final, bool exec, bool has_cgroup)
{
	static struct arena arena;
	static struct container container;
	static struct oci_cpu_affinity affinity;
	static struct oci_process process;
	static struct oci_config config;

	if (!arena.start)
		ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	affinity.final = final;
	process.exec_cpu_affinity = final ? &affinity : NULL;
	config.process = &process;
	container = (struct container){
		.arena = &arena,
		.config = &config,
		.exec = exec,
		.has_cgroup = has_cgroup,
	};
	ck_assert_int_eq(section_cpu_affinity.prepare(&container, &err), 0);
	return container.cpus;
}

TEST(is_for_programs_that_are_executed_later)
{
	ck_assert_ptr_null(plan("1", false, true));
	ck_assert_ptr_null(plan(NULL, false, true));
}

TEST(is_what_is_asked_for_or_all_of_the_cgroups)
{
	ck_assert_uint_eq(plan("1-2", true, true)[0], 6);
	ck_assert_uint_eq(plan("1", true, false)[0], 2);
	ck_assert_uint_eq(plan(NULL, true, true)[0], ~0UL);
	ck_assert_uint_eq(plan("", true, true)[0], ~0UL);
	/* Without a cgroup of its own it stays where its caller is. */
	ck_assert_ptr_null(plan(NULL, true, false));
}

RUN_TESTS("cpu-affinity", is_for_programs_that_are_executed_later,
	  is_what_is_asked_for_or_all_of_the_cgroups, accepts_what_is_absent,
	  accepts_lists_of_processors, says_which_list_is_wrong)
