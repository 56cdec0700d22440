/*
 * process.execCPUAffinity: the processors that a process runs on which is executed in the container later.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#linux-process
 *
 * "initial" counts until such a process has entered the container's cgroup, "final" from then on.  To the
 * container's first process neither applies.  They are checked when the container is made, so that a
 * mistake is told to who has made it, and not to who executes something, maybe a health check at night.
 *
 * The process is born in its cgroup, so that "initial" is set by the runtime, for itself and its child.
 * Without "final" it may run on all processors that its cgroup has: those of the caller, who may be bound to
 * a few that are set aside for him, are not the container's.
 */
#include "linux/cpu-affinity.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>

#include "basic/number-list.h"
#include "linux/section.h"

enum { MASK_SIZE = NUMBER_LIST_MOST / 8 };

static int validate_list(const char *list, const char *property, struct error *err)
{
	int count;

	if (!list || !list[0])
		return 0;
	count = number_list_parse(list, NUMBER_LIST_MOST, NULL, err);
	if (count == 0)
		count = error_config(err, "\"%s\" names no processor", list);
	return count < 0 ? error_in(err, "process.execCPUAffinity.%s", property) : 0;
}

static int cpu_affinity_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_cpu_affinity *affinity =
		config->process ? config->process->exec_cpu_affinity : NULL;

	if (!affinity)
		return 0;
	if (validate_list(affinity->initial, "initial", err) < 0)
		return -err->code;
	return validate_list(affinity->final, "final", err);
}

static const struct oci_cpu_affinity *find_affinity(const struct container *container)
{
	const struct oci_process *process = container->config->process;

	return process ? process->exec_cpu_affinity : NULL;
}

static int run_on(const unsigned long *cpus, size_t size, const char *list, struct error *err)
{
	if (sched_setaffinity(0, size, (const cpu_set_t *)cpus) == 0)
		return 0;
	error_errno(err, errno, "run on the processors %s", list);
	if (err->code == EINVAL)
		error_hint(err, "the machine, or the cpuset of the cgroup, has none of them");
	return -err->code;
}

int cpu_affinity_begin(const struct container *container, struct error *err)
{
	const struct oci_cpu_affinity *affinity = find_affinity(container);
	unsigned long cpus[MASK_SIZE / sizeof(unsigned long)] = {0};

	if (!affinity || !affinity->initial || !affinity->initial[0])
		return 0;
	if (number_list_parse(affinity->initial, NUMBER_LIST_MOST, cpus, err) < 0 ||
	    run_on(cpus, sizeof(cpus), affinity->initial, err) < 0)
		return error_in(err, "process.execCPUAffinity.initial");
	return 0;
}

static int cpu_affinity_prepare(struct container *container, struct error *err)
{
	const struct oci_cpu_affinity *affinity = find_affinity(container);
	bool final = affinity && affinity->final && affinity->final[0];
	unsigned long *cpus;

	if (!container->exec || (!final && !container->has_cgroup))
		return 0;
	cpus = arena_alloc(container->arena, MASK_SIZE);
	if (!cpus)
		return arena_full(container->arena, err);
	container->cpus = cpus;
	container->cpus_size = MASK_SIZE;
	if (!final)
		memset(cpus, 0xff, MASK_SIZE);
	else if (number_list_parse(affinity->final, NUMBER_LIST_MOST, cpus, err) < 0)
		return error_in(err, "process.execCPUAffinity.final");
	return 0;
}

const struct section section_cpu_affinity = {
	.path = "process.execCPUAffinity",
	.validate = cpu_affinity_validate,
	.prepare = cpu_affinity_prepare,
};

/* -- init -------------------------------------------------------------------------------------- */

static int cpu_affinity_apply(struct container *container, struct error *err)
{
	const struct oci_cpu_affinity *affinity = find_affinity(container);
	const char *list = affinity && affinity->final ? affinity->final : "of its cgroup";

	if (container->cpus && run_on(container->cpus, container->cpus_size, list, err) < 0)
		return error_in(err, "process.execCPUAffinity.final");
	return 0;
}

const struct step step_cpu_affinity = {
	.name = "process.execCPUAffinity",
	.apply = cpu_affinity_apply,
};
