#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/file.h"
#include "cgroup/devices.h"
#include "device-program.h"
#include "tree.h"
#include "unit.h"

static struct error err;

/* -- device rules ----------------------------------------------------------------------------- */

static struct device_rules rules_of(struct oci_device_rule *rules, size_t count)
{
	const struct oci_resources resources = {.devices = rules, .devices_len = count};
	struct device_rules list;

	ck_assert_int_eq(devices_rules(&resources, &list, &err), 0);
	return list;
}

TEST(keeps_the_usual_devices_when_all_are_denied)
{
	struct oci_device_rule given[] = {
		{.allow = true,
		 .type = "c",
		 .major = 9,
		 .has_major = true,
		 .minor = 9,
		 .has_minor = true,
		 .access = "rwm"},
		{.access = "rwm"},
		{.allow = false,
		 .type = "c",
		 .major = 1,
		 .has_major = true,
		 .minor = 3,
		 .has_minor = true,
		 .access = "w"},
	};
	struct device_rules list = rules_of(given, 3);

	ck_assert(!list.all);
	ck_assert_uint_eq(list.count, 12);
	ck_assert(list.rules[0].implied && list.rules[10].implied && !list.rules[11].implied);
	ck_assert_int_eq(list.rules[11].minor, 3);
	devices_release(&list);
}

TEST(keeps_nothing_back_when_all_are_allowed)
{
	struct oci_device_rule given[] = {
		{.access = "rwm"},
		{.allow = true, .type = "a"},
		{.allow = false,
		 .type = "b",
		 .major = 8,
		 .has_major = true,
		 .minor = -1,
		 .has_minor = true,
		 .access = "rwm"},
	};
	struct device_rules list = rules_of(given, 3);

	ck_assert(list.all);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_int_eq(list.rules[0].minor, DEVICE_ANY);
	devices_release(&list);
}

TEST(takes_any_number_of_rules)
{
	for (size_t count = 0; count < 200; count += 7) {
		struct oci_device_rule *given = calloc(count + 1, sizeof(*given));
		struct device_rules list;

		for (size_t i = 0; i < count; i++)
			given[i] = (struct oci_device_rule){.type = "c",
							    .major = 7,
							    .has_major = true,
							    .minor = (int64_t)i,
							    .has_minor = true,
							    .access = "r"};
		list = rules_of(given, count);
		for (size_t i = 0; i < count; i++)
			ck_assert_int_eq(list.rules[list.count - count + i].minor, (int64_t)i);
		devices_release(&list);
		ck_assert_ptr_null(list.rules);
		free(given);
	}
}

TEST(refuses_device_rules_that_mean_nothing)
{
	struct oci_device_rule given[] = {{.access = "rwm"}, {.type = "x"}};
	const struct oci_resources resources = {.devices = given, .devices_len = 2};

	ck_assert_int_eq(devices_check(&resources, &err), -EINVAL);
	ck_assert_str_eq(err.text, "linux.resources.devices[1]: type \"x\" is none of a, b and c");
	given[1] = (struct oci_device_rule){.access = "rx"};
	ck_assert_int_eq(devices_check(&resources, &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "linux.resources.devices[1]: access \"rx\" is not made of r, w and m");
}

/* -- the program ------------------------------------------------------------------------------ */

/* What somebody wants to do with a device. */
struct wish {
	char type; /* 'b' or 'c' */
	uint32_t major, minor, access;
};

static bool run_program(const struct bpf_insn *code, size_t length, const struct wish *wish)
{
	const struct bpf_cgroup_dev_ctx context = {
		.access_type = wish->access << 16 |
			       (wish->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = wish->major,
		.minor = wish->minor,
	};
	uint64_t answer;

	if (!device_program_run(code, length, &context, &answer))
		ck_abort_msg("it is no program");
	return answer == 1;
}

static bool is_meant(const struct device_rule *rule, const struct wish *wish)
{
	return (rule->type == 'a' || rule->type == wish->type) &&
	       (rule->major == DEVICE_ANY || rule->major == wish->major) &&
	       (rule->minor == DEVICE_ANY || rule->minor == wish->minor);
}

/* What the specification says, in the plainest way: of each access the last rule decides. */
static bool is_allowed(const struct device_rules *list, const struct wish *wish)
{
	for (unsigned int access = 1; access <= ACCESS_ALL; access <<= 1) {
		bool allowed = list->all;

		for (size_t i = 0; i < list->count; i++)
			if (is_meant(&list->rules[i], wish) && (list->rules[i].access & access))
				allowed = list->rules[i].allow;
		if ((wish->access & access) && !allowed)
			return false;
	}
	return true;
}

static bool ask_program(const struct device_rules *list, const struct wish *wish)
{
	struct bpf_insn code[512] = {0};
	size_t length = devices_program(list, code);

	if (length > devices_program_size(list) || length > 512)
		ck_abort_msg("the program is too long");
	return run_program(code, length, wish);
}

TEST(answers_as_the_rules_say)
{
	struct oci_device_rule given[] = {
		{.access = "rwm"},
		{.allow = true, .type = "b", .major = 8, .has_major = true, .access = "r"},
		{.allow = false,
		 .type = "b",
		 .major = 8,
		 .has_major = true,
		 .minor = 1,
		 .has_minor = true,
		 .access = "rw"},
	};
	struct device_rules list = rules_of(given, 3);
	static const struct {
		struct wish wish;
		bool allowed;
	} cases[] = {
		{{'c', 1, 3, ACCESS_READ | ACCESS_WRITE}, true},  /* /dev/null */
		{{'b', 8, 0, ACCESS_READ}, true},		  /* a disk */
		{{'b', 8, 0, ACCESS_READ | ACCESS_WRITE}, false}, /* the same */
		{{'b', 8, 1, ACCESS_READ}, false},		  /* its first part */
		{{'c', 8, 0, ACCESS_READ}, false},		  /* no disk */
		{{'b', 8, 1, ACCESS_MAKE}, true},		  /* a node only */
		{{'c', 1, 11, ACCESS_WRITE}, false},		  /* /dev/kmsg */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(ask_program(&list, &cases[i].wish) == cases[i].allowed, "case %zu",
			      i);
	devices_release(&list);
}

/* The next of a series of numbers that is the same each time. */
static uint32_t next_number(uint32_t *state, uint32_t below)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 16) % below;
}

static void expect_same_answers(const struct device_rules *list, const struct device_rules *less)
{
	for (uint32_t i = 0; i < 2 * 3 * 3 * 7; i++) {
		const struct wish wish = {"bc"[i % 2], i / 2 % 3, i / 6 % 3, 1 + i / 18};
		bool allowed = is_allowed(list, &wish);

		if (ask_program(list, &wish) != allowed || is_allowed(less, &wish) != allowed ||
		    ask_program(less, &wish) != allowed)
			ck_abort_msg("%c %u:%u %u", wish.type, wish.major, wish.minor, wish.access);
	}
}

TEST(answers_as_any_rules_say_and_after_minimising_too)
{
	struct device_rule rules[12], kept[12];
	uint32_t state = 1;

	for (int round = 0; round < 500; round++) {
		struct device_rules list = {next_number(&state, 2) == 0, rules,
					    next_number(&state, 12)};
		struct device_rules less = {list.all, kept, list.count};

		for (size_t i = 0; i < list.count; i++)
			rules[i] = (struct device_rule){
				.allow = next_number(&state, 2) == 0,
				.type = "abc"[next_number(&state, 3)],
				.major = (int64_t)next_number(&state, 4) - 1,
				.minor = (int64_t)next_number(&state, 4) - 1,
				.access = 1 + next_number(&state, 7),
			};
		memcpy(kept, rules, sizeof(kept));
		devices_minimise(&less);
		expect_same_answers(&list, &less);
	}
}

/* Devices of one driver, as they are looked up in a set of bits, and those around them. */
TEST(answers_for_many_devices_of_a_driver)
{
	static const uint32_t minors[] = {0,  1,  2,  3,   7,	 8,	  30,	  31,
					  32, 33, 62, 63,  64,	 65,	  66,	  67,
					  71, 95, 96, 128, 1023, 0xfffe0, 0xfffff};
	struct device_rule rules[6];
	uint32_t state = 1;

	for (int round = 0; round < 300; round++) {
		struct device_rules list = {next_number(&state, 2) == 0, rules, 6};
		struct device_rule common = {
			.allow = next_number(&state, 2) == 0,
			.type = "bc"[next_number(&state, 2)],
			.major = (int64_t)next_number(&state, 2) * 4095,
			.access = 1 + next_number(&state, 7),
		};

		for (size_t i = 0; i < list.count; i++) {
			rules[i] = common;
			rules[i].minor = next_number(&state, 34);
		}
		rules[next_number(&state, 6)].allow = next_number(&state, 2) == 0;
		for (size_t i = 0; i < 2 * 2 * 7 * sizeof(minors) / sizeof(minors[0]); i++) {
			const struct wish wish = {"bc"[i % 2], i / 2 % 2 * 4095, minors[i / 28],
						  1 + i / 4 % 7};

			if (ask_program(&list, &wish) != is_allowed(&list, &wish))
				ck_abort_msg("%c %u:%u %u", wish.type, wish.major, wish.minor,
					     wish.access);
		}
	}
}

TEST(leaves_rules_out_that_change_nothing)
{
	struct device_rule rules[] = {
		{false, 'c', 9, 9, ACCESS_ALL, false},		/* nothing is allowed yet */
		{true, 'c', 1, 3, ACCESS_READ, false},		/* said again below */
		{true, 'b', 8, 0, ACCESS_ALL, false},		/* stays */
		{true, 'c', 1, DEVICE_ANY, ACCESS_ALL, false},	/* stays */
		{false, 'c', 1, DEVICE_ANY, ACCESS_MAKE, false} /* stays */
	};
	struct device_rules list = {false, rules, 5};

	devices_minimise(&list);
	ck_assert_uint_eq(list.count, 3);
	ck_assert_int_eq(list.rules[0].major, 8);
	ck_assert_uint_eq(list.rules[1].access, ACCESS_ALL);
	ck_assert(!list.rules[2].allow);
}

/* -- version 1's list -------------------------------------------------------------------------- */

/* What is written to which file, in order, for a cgroup whose list is this. */
static int write_list(const char *there, const struct device_rules *list, char allowed[512],
		      char denied[512])
{
	struct tree tree = tree_make();
	int r;

	tree_file(&tree, "devices.list", 0600, there);
	tree_file(&tree, "devices.allow", 0600, "");
	tree_file(&tree, "devices.deny", 0600, "");
	r = devices_list(tree.path, list, &err);
	file_read_small(tree.fd, "devices.allow", allowed, 512);
	file_read_small(tree.fd, "devices.deny", denied, 512);
	tree_remove(&tree);
	return r;
}

TEST(changes_a_list_without_taking_away_what_stays)
{
	struct device_rule rules[] = {
		{true, 'c', 1, 3, ACCESS_ALL, false},
		{true, 'c', 1, 5, ACCESS_READ, false},
		{true, 'b', 8, DEVICE_ANY, ACCESS_READ, false},
	};
	const struct device_rules list = {false, rules, 3};
	char allowed[512], denied[512];

	ck_assert_int_eq(write_list("c 1:3 rwm\nc 1:5 rw\nc 9:* rwm\n", &list, allowed, denied), 0);
	ck_assert_str_eq(allowed, "b 8:* r");
	ck_assert_str_eq(denied, "c 1:5 wc 9:* rwm");
}

TEST(begins_a_list_anew_after_all_were_allowed)
{
	struct device_rule rules[] = {{true, 'a', 1, 3, ACCESS_READ, false}};
	const struct device_rules list = {false, rules, 1};
	char allowed[512], denied[512];

	ck_assert_int_eq(write_list("a *:* rwm\n", &list, allowed, denied), 0);
	ck_assert_str_eq(denied, "a");
	ck_assert_str_eq(allowed, "c 1:3 rb 1:3 r");
}

TEST(allows_all_without_a_moment_of_more)
{
	struct device_rule rules[] = {{false, 'b', 8, DEVICE_ANY, ACCESS_WRITE, false}};
	struct device_rules list = {true, rules, 1};
	char allowed[512], denied[512];

	ck_assert_int_eq(write_list("a *:* rwm\n", &list, allowed, denied), 0);
	ck_assert_str_eq(allowed, "a");
	ck_assert_str_eq(denied, "b 8:* w");
	ck_assert_int_eq(write_list("c 1:3 rwm\n", &list, allowed, denied), -EINVAL);
	ck_assert_str_eq(err.text,
			 "all devices but some cannot be allowed where none but some are");
	ck_assert_str_eq(allowed, "");
	list.count = 0;
	ck_assert_int_eq(write_list("c 1:3 rwm\n", &list, allowed, denied), 0);
	ck_assert_str_eq(allowed, "a");
}

TEST(refuses_an_exception_that_version_1_cannot_make)
{
	struct device_rule rules[] = {
		{true, 'c', 1, DEVICE_ANY, ACCESS_ALL, false},
		{false, 'c', 1, 3, ACCESS_WRITE, false},
	};
	const struct device_rules list = {false, rules, 2};
	char allowed[512], denied[512];

	ck_assert_int_eq(write_list("c 1:3 rwm\n", &list, allowed, denied), -EINVAL);
	ck_assert_str_eq(err.text, "\"c 1:3 w\" cannot be taken out of \"c 1:* rwm\"");
	ck_assert_str_eq(allowed, "");
	ck_assert_str_eq(denied, "");
	/* Nodes may be made of any device; who is denied one does not mean that. */
	rules[0] = (struct device_rule){true, 'c', DEVICE_ANY, DEVICE_ANY, ACCESS_MAKE, true};
	rules[1].access = ACCESS_ALL;
	ck_assert_int_eq(write_list("", &list, allowed, denied), 0);
	ck_assert_str_eq(allowed, "c *:* m");
}

RUN_TESTS("device-rules", keeps_the_usual_devices_when_all_are_denied,
	  keeps_nothing_back_when_all_are_allowed, takes_any_number_of_rules,
	  refuses_device_rules_that_mean_nothing, answers_as_the_rules_say,
	  answers_as_any_rules_say_and_after_minimising_too, answers_for_many_devices_of_a_driver,
	  leaves_rules_out_that_change_nothing, changes_a_list_without_taking_away_what_stays,
	  begins_a_list_anew_after_all_were_allowed, allows_all_without_a_moment_of_more,
	  refuses_an_exception_that_version_1_cannot_make)
