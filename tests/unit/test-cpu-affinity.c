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

RUN_TESTS("cpu-affinity", accepts_what_is_absent, accepts_lists_of_processors,
	  says_which_list_is_wrong)
