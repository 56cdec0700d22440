#include <errno.h>
#include <linux/mempolicy.h>

#include "basic/syscalls.h"
#include "child.h"
#include "linux/section.h"
#include "unit.h"

static struct error err;
static struct arena arena;
static struct oci_memory_policy wanted;
static struct oci_linux properties = {.memory_policy = &wanted};
static const struct oci_config config = {.linux = &properties};
static struct container container;

static int validate(const char *mode, const char *nodes, const char *flag, const char *other)
{
	static const char *flags[3];

	flags[0] = flag;
	flags[1] = other;
	wanted = (struct oci_memory_policy){
		.mode = mode,
		.nodes = nodes,
		.flags = flags,
		.flags_len = !!flag + !!other,
	};
	return section_memory_policy.validate(&config, &err);
}

static void expect_rejected(const char *why)
{
	ck_assert_str_eq(err.text, why);
}

static const struct memory_policy_plan *plan(const char *mode, const char *nodes, const char *flag)
{
	if (!arena.start)
		ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	container = (struct container){.config = &config, .arena = &arena};
	ck_assert_msg(validate(mode, nodes, flag, NULL) == 0, "%s", err.text);
	ck_assert_int_eq(section_memory_policy.prepare(&container, &err), 0);
	return container.memory_policy;
}

TEST(accepts_what_is_absent)
{
	struct container nothing = {.config = &(struct oci_config){0}};

	ck_assert_int_eq(section_memory_policy.validate(nothing.config, &err), 0);
	ck_assert_int_eq(section_memory_policy.prepare(&nothing, &err), 0);
	ck_assert_int_eq(step_memory_policy.apply(&nothing, &err), 0);
}

TEST(knows_all_modes_by_their_numbers)
{
	ck_assert_int_eq(plan("MPOL_DEFAULT", NULL, NULL)->mode, 0);
	ck_assert_int_eq(plan("MPOL_PREFERRED", "0", NULL)->mode, 1);
	ck_assert_int_eq(plan("MPOL_BIND", "0", NULL)->mode, 2);
	ck_assert_int_eq(plan("MPOL_INTERLEAVE", "0", NULL)->mode, 3);
	ck_assert_int_eq(plan("MPOL_LOCAL", "", NULL)->mode, 4);
	ck_assert_int_eq(plan("MPOL_PREFERRED_MANY", "0", NULL)->mode, 5);
	ck_assert_int_eq(plan("MPOL_WEIGHTED_INTERLEAVE", "0", NULL)->mode, 6);
}

TEST(knows_all_flags)
{
	ck_assert_int_eq(plan("MPOL_BIND", "0", "MPOL_F_NUMA_BALANCING")->mode, 2 | 1 << 13);
	ck_assert_int_eq(plan("MPOL_BIND", "0", "MPOL_F_RELATIVE_NODES")->mode, 2 | 1 << 14);
	ck_assert_int_eq(plan("MPOL_BIND", "0", "MPOL_F_STATIC_NODES")->mode, 2 | 1 << 15);
}

TEST(makes_bits_of_nodes)
{
	const struct memory_policy_plan *policy = plan("MPOL_BIND", "0-1,1023", NULL);

	ck_assert(policy->has_nodes);
	ck_assert_uint_eq(policy->nodes[0], 3);
	ck_assert_uint_eq(policy->nodes[sizeof(policy->nodes) / sizeof(long) - 1],
			  1UL << (8 * sizeof(long) - 1));
	ck_assert(!plan("MPOL_PREFERRED", NULL, NULL)->has_nodes);
}

TEST(rejects_what_nobody_knows)
{
	ck_assert_int_eq(validate("MPOL_BEST", "0", NULL, NULL), -EINVAL);
	expect_rejected("linux.memoryPolicy: unknown mode \"MPOL_BEST\"");
	ck_assert_str_eq(err.hint, "see set_mempolicy(2) for the modes there are");
	ck_assert_int_eq(validate("MPOL_BIND", "0", "MPOL_F_STATIC_NODES", "MPOL_F_X"), -EINVAL);
	expect_rejected("linux.memoryPolicy: flags[1]: unknown flag \"MPOL_F_X\"");
}

TEST(rejects_nodes_that_are_none)
{
	ck_assert_int_eq(validate("MPOL_BIND", "all", NULL, NULL), -EINVAL);
	expect_rejected("linux.memoryPolicy: nodes: \"all\" is not a list of numbers");
	ck_assert_int_eq(validate("MPOL_BIND", "1024", NULL, NULL), -EINVAL);
	expect_rejected("linux.memoryPolicy: nodes: \"1024\": the largest number is 1023");
}

TEST(rejects_nodes_where_there_are_none_and_none_where_there_must_be)
{
	ck_assert_int_eq(validate("MPOL_DEFAULT", "0", NULL, NULL), -EINVAL);
	expect_rejected("linux.memoryPolicy: nodes: MPOL_DEFAULT takes none");
	ck_assert_int_eq(validate("MPOL_LOCAL", "0", NULL, NULL), -EINVAL);
	expect_rejected("linux.memoryPolicy: nodes: MPOL_LOCAL takes none");
	ck_assert_int_eq(validate("MPOL_INTERLEAVE", "", NULL, NULL), -EINVAL);
	expect_rejected("linux.memoryPolicy: nodes: MPOL_INTERLEAVE takes at least one");
	ck_assert_int_eq(validate("MPOL_BIND", NULL, NULL, NULL), -EINVAL);
	expect_rejected("linux.memoryPolicy: nodes: MPOL_BIND takes at least one");
}

TEST(rejects_flags_that_contradict)
{
	ck_assert_int_eq(validate("MPOL_BIND", "0", "MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"),
			 -EINVAL);
	expect_rejected("linux.memoryPolicy: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude "
			"one another");
	ck_assert_int_eq(validate("MPOL_LOCAL", NULL, "MPOL_F_STATIC_NODES", NULL), -EINVAL);
	expect_rejected("linux.memoryPolicy: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES are "
			"about nodes, and there are none");
	ck_assert_int_eq(validate("MPOL_INTERLEAVE", "0", "MPOL_F_NUMA_BALANCING", NULL), -EINVAL);
	expect_rejected(
		"linux.memoryPolicy: MPOL_F_NUMA_BALANCING does not go with MPOL_INTERLEAVE");
}

/* The mode that the kernel tells after it was set; its flags are in it. */
static int apply(void *context, struct error *e)
{
	int mode = -1;

	if (step_memory_policy.apply(context, e) < 0)
		return -e->code;
	if (syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0) < 0)
		return -1;
	return mode;
}

static void expect_set(const char *mode, const char *nodes, const char *flag)
{
	int expected = plan(mode, nodes, flag)->mode;
	int r = in_child(apply, &container, &err);

	ck_assert_msg(r == expected || r == -ENOSYS, "%s: %d, %s", mode, r, err.text);
}

TEST(is_set_by_init)
{
	expect_set("MPOL_DEFAULT", NULL, NULL);
	expect_set("MPOL_BIND", "0", NULL);
	expect_set("MPOL_BIND", "0", "MPOL_F_STATIC_NODES");
	expect_set("MPOL_INTERLEAVE", "0", NULL);
	expect_set("MPOL_PREFERRED", "0", NULL);
	expect_set("MPOL_LOCAL", NULL, NULL);
}

TEST(says_which_nodes_the_machine_lacks)
{
	plan("MPOL_BIND", "1000", NULL);
	if (in_child(apply, &container, &err) == -ENOSYS)
		return;
	ck_assert_str_eq(err.text,
			 "linux.memoryPolicy: set MPOL_BIND of nodes 1000: invalid argument");
	ck_assert_str_eq(err.hint, "the kernel does not have this mode, or the machine or the "
				   "caller's cpuset not these nodes");
}

RUN_TESTS("memory-policy", accepts_what_is_absent, knows_all_modes_by_their_numbers,
	  knows_all_flags, makes_bits_of_nodes, rejects_what_nobody_knows,
	  rejects_nodes_that_are_none,
	  rejects_nodes_where_there_are_none_and_none_where_there_must_be,
	  rejects_flags_that_contradict, is_set_by_init, says_which_nodes_the_machine_lacks)
