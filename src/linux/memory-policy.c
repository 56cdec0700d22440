/*
 * linux.memoryPolicy: from which of the machine's memory nodes the container gets its memory.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#memory-policy
 *	set_mempolicy(2), numa(7)
 *
 * A process can only set its own, and its children inherit it: init sets it before a seccomp filter can
 * forbid that.  When the container's cgroup gets its cpuset later, the kernel moves the policy along.
 */
#include "linux/memory-policy.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <stdbool.h>
#include <string.h>

#include "basic/number-list.h"
#include "basic/syscalls.h"
#include "linux/section.h"

enum {
	WEIGHTED_INTERLEAVE = 6, /* MPOL_WEIGHTED_INTERLEAVE of Linux 6.9 */
	PLACED = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES,
};

const struct name memory_policy_modes[] = {
	{"MPOL_DEFAULT", MPOL_DEFAULT},	      {"MPOL_BIND", MPOL_BIND},
	{"MPOL_INTERLEAVE", MPOL_INTERLEAVE}, {"MPOL_WEIGHTED_INTERLEAVE", WEIGHTED_INTERLEAVE},
	{"MPOL_PREFERRED", MPOL_PREFERRED},   {"MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY},
	{"MPOL_LOCAL", MPOL_LOCAL},	      {"", 0},
};

const struct name memory_policy_flags[] = {
	{"MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING},
	{"MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES},
	{"MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES},
	{"", 0},
};

static const struct oci_memory_policy *find_policy(const struct oci_config *config)
{
	return config->linux ? config->linux->memory_policy : NULL;
}

/* -- the runtime ------------------------------------------------------------------------------- */

static int read_flags(const struct oci_memory_policy *wanted, int *all, struct error *err)
{
	*all = 0;
	for (size_t i = 0; i < wanted->flags_len; i++) {
		const struct name *flag = name_find(memory_policy_flags, wanted->flags[i]);

		if (!flag)
			return error_config(err, "flags[%zu]: unknown flag \"%s\"", i,
					    wanted->flags[i]);
		*all |= flag->value;
	}
	return 0;
}

/* As the kernel sees it, which for all of these says no more than "invalid argument". */
static int check_flags(const char *mode_name, int mode, int all, bool nodes, struct error *err)
{
	if ((all & PLACED) == PLACED)
		return error_config(err, "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude "
					 "one another");
	if ((all & PLACED) && !nodes && mode != MPOL_DEFAULT)
		return error_config(err, "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES are about "
					 "nodes, and there are none");
	if ((all & MPOL_F_NUMA_BALANCING) && mode != MPOL_BIND && mode != MPOL_PREFERRED_MANY)
		return error_config(err, "MPOL_F_NUMA_BALANCING does not go with %s", mode_name);
	return 0;
}

static int check_nodes(const char *mode_name, int mode, bool nodes, struct error *err)
{
	if (nodes && (mode == MPOL_DEFAULT || mode == MPOL_LOCAL))
		return error_config(err, "nodes: %s takes none", mode_name);
	if (!nodes && mode != MPOL_DEFAULT && mode != MPOL_LOCAL && mode != MPOL_PREFERRED)
		return error_config(err, "nodes: %s takes at least one", mode_name);
	return 0;
}

static int read_policy(const struct oci_memory_policy *wanted, struct memory_policy_plan *plan,
		       struct error *err)
{
	const struct name *mode = name_find(memory_policy_modes, wanted->mode);
	int all, count = 0;

	if (!mode) {
		error_config(err, "unknown mode \"%s\"", wanted->mode);
		return error_hint(err, "see set_mempolicy(2) for the modes there are");
	}
	if (read_flags(wanted, &all, err) < 0)
		return -err->code;
	if (wanted->nodes)
		count = number_list_parse(wanted->nodes, MOST_MEMORY_NODES, plan->nodes, err);
	if (count < 0)
		return error_in(err, "nodes");
	if (check_nodes(mode->text, mode->value, count > 0, err) < 0 ||
	    check_flags(mode->text, mode->value, all, count > 0, err) < 0)
		return -err->code;
	plan->mode = mode->value | all;
	plan->has_nodes = count > 0;
	return 0;
}

static int memory_policy_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_memory_policy *wanted = find_policy(config);
	struct memory_policy_plan unused = {0};

	if (!wanted || read_policy(wanted, &unused, err) == 0)
		return 0;
	return error_in(err, "linux.memoryPolicy");
}

static int memory_policy_prepare(struct container *container, struct error *err)
{
	const struct oci_memory_policy *wanted = find_policy(container->config);

	if (!wanted)
		return 0;
	container->memory_policy = arena_array(container->arena, struct memory_policy_plan, 1);
	if (!container->memory_policy)
		return arena_full(container->arena, err);
	return read_policy(wanted, container->memory_policy, err);
}

const struct section section_memory_policy = {
	.path = "linux.memoryPolicy",
	.validate = memory_policy_validate,
	.prepare = memory_policy_prepare,
};

/* -- init -------------------------------------------------------------------------------------- */

static int explain_refusal(const struct oci_memory_policy *wanted, int code, struct error *err)
{
	bool nodes = wanted->nodes && wanted->nodes[0];

	error_errno(err, code, "linux.memoryPolicy: set %s%s%s", wanted->mode,
		    nodes ? " of nodes " : "", nodes ? wanted->nodes : "");
	if (code == ENOSYS)
		return error_hint(err, "this kernel knows no memory nodes");
	if (code == EINVAL)
		return error_hint(err, "the kernel does not have this mode, or the machine or the "
				       "caller's cpuset not these nodes");
	return -code;
}

static int memory_policy_apply(struct container *container, struct error *err)
{
	const struct memory_policy_plan *plan = container->memory_policy;

	/* The kernel takes one bit less than it is told. */
	if (!plan || sys_set_mempolicy(plan->mode, plan->has_nodes ? plan->nodes : NULL,
				       plan->has_nodes ? MOST_MEMORY_NODES + 1 : 0) == 0)
		return 0;
	return explain_refusal(find_policy(container->config), errno, err);
}

const struct step step_memory_policy = {
	.name = "linux.memoryPolicy",
	.apply = memory_policy_apply,
};
