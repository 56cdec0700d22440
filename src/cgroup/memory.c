/*
 * linux.resources.memory: how much memory and swap may be used.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#memory
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#memory
 *	https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
 *
 * In config.json, and in version 1, swap is the sum of memory and swap; in version 2 it is swap
 * alone. -1 asks for no limit.  Engines write 0 for what the user did not set, so 0 changes
 * nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cgroup/controller.h"

static bool is_set(bool has, int64_t value)
{
	return has && value != 0;
}

static bool memory_asked(const struct oci_resources *resources)
{
	const struct oci_memory *memory = resources->memory;

	return memory && (is_set(memory->has_limit, memory->limit) ||
			  is_set(memory->has_reservation, memory->reservation) ||
			  is_set(memory->has_swap, memory->swap) ||
			  is_set(memory->has_kernel, memory->kernel) ||
			  is_set(memory->has_kernel_tcp, memory->kernel_tcp) ||
			  memory->has_swappiness || memory->disable_oom_killer);
}

static int memory_check(const struct oci_resources *resources, struct error *err)
{
	const struct oci_memory *memory = resources->memory;

	if (memory->limit < -1 || memory->reservation < -1 || memory->swap < -1) {
		error_config(err, "limit, reservation and swap cannot be below -1");
		return error_hint(err, "-1 is no limit");
	}
	if (memory->swap > 0 && memory->limit > 0 && memory->swap < memory->limit) {
		error_config(err, "swap: %" PRId64 " is less than the memory limit, %" PRId64,
			     memory->swap, memory->limit);
		return error_hint(err, "swap is the sum of memory and swap");
	}
	if (memory->has_swappiness && memory->swappiness > 100)
		return error_config(err, "swappiness: %" PRIu64 " is above 100",
				    memory->swappiness);
	return 0;
}

static int write_limit(const char *directory, const char *file, const char *property, int64_t value,
		       struct error *err)
{
	if (value < 0)
		return setting_write(directory, file, property, V2_NO_LIMIT, err);
	return setting_write_number(directory, file, property, value, err);
}

/* The kernel would reclaim and kill until the new limit holds; whoever asks for a check wants
 * neither. */
static int check_before_update(const char *directory, const char *usage_file,
			       const struct oci_memory *memory, struct error *err)
{
	uint64_t usage;

	if (!memory->check_before_update || memory->limit <= 0 ||
	    setting_read(directory, usage_file, &usage) < 0 || usage <= (uint64_t)memory->limit)
		return 0;
	return error_config(err, "limit: %" PRId64 " is less than the %" PRIu64 " bytes in use",
			    memory->limit, usage);
}

static int write_swap_v2(const char *directory, const struct oci_memory *memory, struct error *err)
{
	uint64_t limit = (uint64_t)memory->limit;

	/* A kernel without swap has no file; no limit on it is what there is then. */
	if (memory->swap < 0 && !setting_exists(directory, "memory.swap.max"))
		return 0;
	if (memory->swap < 0)
		return setting_write(directory, "memory.swap.max", "swap", V2_NO_LIMIT, err);
	if (!is_set(memory->has_limit, memory->limit) &&
	    setting_read(directory, "memory.max", &limit) < 0)
		limit = UINT64_MAX;
	if (memory->limit < 0 || limit == UINT64_MAX) {
		error_config(err, "swap: there is no memory limit to add swap to");
		return error_hint(err, "set linux.resources.memory.limit as well");
	}
	if ((uint64_t)memory->swap < limit)
		return error_config(err,
				    "swap: %" PRId64 " is less than the memory limit, %" PRIu64,
				    memory->swap, limit);
	/* The same here: no swap at all. */
	if ((uint64_t)memory->swap == limit && !setting_exists(directory, "memory.swap.max"))
		return 0;
	return setting_write_number(directory, "memory.swap.max", "swap",
				    memory->swap - (int64_t)limit, err);
}

static int refuse_on_v2(const struct oci_memory *memory, struct error *err)
{
	if (is_set(memory->has_kernel, memory->kernel))
		return setting_unknown("kernel", "2", err);
	if (is_set(memory->has_kernel_tcp, memory->kernel_tcp))
		return setting_unknown("kernelTCP", "2", err);
	if (memory->has_swappiness)
		return setting_unknown("swappiness", "2", err);
	if (memory->disable_oom_killer)
		return setting_unknown("disableOOMKiller", "2", err);
	return 0;
}

static int memory_apply_v2(const char *directory, const struct oci_resources *resources,
			   struct error *err)
{
	const struct oci_memory *memory = resources->memory;
	int r = refuse_on_v2(memory, err);

	if (r == 0)
		r = check_before_update(directory, "memory.current", memory, err);
	/* Swap first: its new limit may have to make room for what the new memory limit drives
	 * out. */
	if (r == 0 && is_set(memory->has_swap, memory->swap))
		r = write_swap_v2(directory, memory, err);
	if (r == 0 && is_set(memory->has_limit, memory->limit))
		r = write_limit(directory, "memory.max", "limit", memory->limit, err);
	if (r == 0 && is_set(memory->has_reservation, memory->reservation))
		r = write_limit(directory, "memory.low", "reservation", memory->reservation, err);
	return r;
}

/* -- version 1 -------------------------------------------------------------------------------- */

static int write_v1(const char *directory, const char *file, const char *property, int64_t value,
		    struct error *err)
{
	int r = setting_write_number(directory, file, property, value < 0 ? -1 : value, err);

	if (r == -EBUSY)
		error_hint(err, "more than that is in use");
	return r;
}

static int write_memory_v1(const char *directory, int64_t limit, struct error *err)
{
	return limit ? write_v1(directory, "memory.limit_in_bytes", "limit", limit, err) : 0;
}

static int write_swap_v1(const char *directory, int64_t swap, struct error *err)
{
	if (swap == 0)
		return 0;
	if (swap < 0 && !setting_exists(directory, "memory.memsw.limit_in_bytes"))
		return 0;
	return write_v1(directory, "memory.memsw.limit_in_bytes", "swap", swap, err);
}

/* The kernel keeps memory <= memory and swap at each moment: the one that would break it goes
 * last. */
static int write_both_v1(const char *directory, const struct oci_memory *memory, struct error *err)
{
	int64_t limit = memory->limit, swap = memory->swap;
	uint64_t before = UINT64_MAX;
	int r;

	/* Unlimited memory with limited swap is no state that there could be. */
	if (limit < 0 && swap == 0)
		swap = -1;
	setting_read(directory, "memory.limit_in_bytes", &before);
	if (swap < 0 || (uint64_t)swap >= before) {
		r = write_swap_v1(directory, swap, err);
		return r < 0 ? r : write_memory_v1(directory, limit, err);
	}
	r = write_memory_v1(directory, limit, err);
	return r < 0 ? r : write_swap_v1(directory, swap, err);
}

static int memory_apply_v1(const char *directory, const struct oci_resources *resources,
			   struct error *err)
{
	const struct oci_memory *memory = resources->memory;
	int r = check_before_update(directory, "memory.usage_in_bytes", memory, err);

	if (r == 0)
		r = write_both_v1(directory, memory, err);
	if (r == 0 && is_set(memory->has_reservation, memory->reservation))
		r = write_v1(directory, "memory.soft_limit_in_bytes", "reservation",
			     memory->reservation, err);
	if (r == 0 && is_set(memory->has_kernel, memory->kernel))
		r = write_v1(directory, "memory.kmem.limit_in_bytes", "kernel", memory->kernel,
			     err);
	if (r == 0 && is_set(memory->has_kernel_tcp, memory->kernel_tcp))
		r = write_v1(directory, "memory.kmem.tcp.limit_in_bytes", "kernelTCP",
			     memory->kernel_tcp, err);
	if (r == 0 && memory->has_swappiness)
		r = setting_write_number(directory, "memory.swappiness", "swappiness",
					 (int64_t)memory->swappiness, err);
	if (r == 0 && memory->disable_oom_killer)
		r = setting_write(directory, "memory.oom_control", "disableOOMKiller", "1", err);
	return r;
}

const struct controller controller_memory = {
	.name = "memory",
	.property = "memory",
	.v1_file = "memory.limit_in_bytes",
	.asked = memory_asked,
	.check = memory_check,
	.apply_v2 = memory_apply_v2,
	.apply_v1 = memory_apply_v1,
};
