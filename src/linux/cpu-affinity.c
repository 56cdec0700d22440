/*
 * process.execCPUAffinity: the processors that a process runs on which is executed in the container later.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#linux-process
 *
 * "initial" counts until such a process has entered the container's cgroup, "final" from then on.  To the
 * container's first process neither applies.  They are checked when the container is made, so that a
 * mistake is told to who has made it, and not to who executes something, maybe a health check at night.
 */
#include "basic/number-list.h"
#include "linux/section.h"

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

const struct section section_cpu_affinity = {
	.path = "process.execCPUAffinity",
	.validate = cpu_affinity_validate,
};
