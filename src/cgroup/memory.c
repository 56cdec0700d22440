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
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "basic/file.h"
#include "basic/log.h"
#include "cgroup/controller.h"
#include "cgroup/patience.h"

enum { MOST_WAIT_TO_FIT = 50 }; /* milliseconds */

static bool is_set(bool has, int64_t value)
{
	return has && value != 0;
}

static bool memory_asked(const struct oci_resources *resources)
{
	const struct oci_memory *memory = resources->memory;

	return memory &&
	       (is_set(memory->has_limit, memory->limit) ||
		is_set(memory->has_reservation, memory->reservation) ||
		is_set(memory->has_swap, memory->swap) ||
		is_set(memory->has_kernel, memory->kernel) ||
		is_set(memory->has_kernel_tcp, memory->kernel_tcp) || memory->has_swappiness ||
		memory->disable_oom_killer || memory->has_use_hierarchy);
}

static int refuse_lone_swap(struct error *err)
{
	error_config(err, "swap: there is no memory limit to add swap to");
	return error_hint(err, "set linux.resources.memory.limit as well");
}

static int refuse_small_swap(int64_t swap, uint64_t limit, struct error *err)
{
	error_config(err, "swap: %" PRId64 " is less than the memory limit, %" PRIu64, swap, limit);
	return error_hint(err, "swap is the sum of memory and swap");
}

static int memory_check(const struct oci_resources *resources, struct error *err)
{
	const struct oci_memory *memory = resources->memory;

	if (memory->limit < -1 || memory->reservation < -1 || memory->swap < -1 ||
	    memory->kernel < -1 || memory->kernel_tcp < -1) {
		error_config(err, "limit, reservation, swap, kernel and kernelTCP cannot be below "
				  "-1");
		return error_hint(err, "-1 is no limit");
	}
	if (memory->swap > 0 && memory->limit < 0)
		return refuse_lone_swap(err);
	if (memory->swap > 0 && memory->limit > 0 && memory->swap < memory->limit)
		return refuse_small_swap(memory->swap, (uint64_t)memory->limit, err);
	if (memory->has_swappiness && memory->swappiness > 100)
		return error_config(err, "swappiness: %" PRIu64 " is above 100",
				    memory->swappiness);
	return 0;
}

/* The users of engines still ask for them; newer kernels have neither. */
static void warn_of_kernel_limits(const struct oci_memory *memory)
{
	if (is_set(memory->has_kernel, memory->kernel))
		log_warning("linux.resources.memory.kernel is not applied: the kernel counts that "
			    "memory within limit");
	if (is_set(memory->has_kernel_tcp, memory->kernel_tcp))
		log_warning("linux.resources.memory.kernelTCP is not applied: the kernel counts "
			    "that memory within limit");
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

/* -- version 2 -------------------------------------------------------------------------------- */

static int memory_check_v2(const struct oci_resources *resources, struct error *err)
{
	const struct oci_memory *memory = resources->memory;

	if (memory->has_swappiness)
		return setting_unknown("swappiness", "2", err);
	if (memory->disable_oom_killer)
		return setting_unknown("disableOOMKiller", "2", err);
	if (memory->has_use_hierarchy && !memory->use_hierarchy)
		return setting_unknown("useHierarchy: false", "2", err);
	return 0;
}

/* The limit that swap is above: the new one, or the one there is. */
static uint64_t limit_to_be(const struct target *target, const char *file,
			    const struct oci_memory *memory)
{
	uint64_t limit;

	if (is_set(memory->has_limit, memory->limit))
		return memory->limit < 0 ? UINT64_MAX : (uint64_t)memory->limit;
	return setting_read(target->directory, file, &limit) < 0 ? UINT64_MAX : limit;
}

static int look_at_swap_v2(const struct target *target, const struct oci_memory *memory,
			   struct error *err)
{
	uint64_t limit;

	if (memory->swap <= 0)
		return 0;
	limit = limit_to_be(target, "memory.max", memory);
	if (limit == UINT64_MAX)
		return refuse_lone_swap(err);
	return (uint64_t)memory->swap < limit ? refuse_small_swap(memory->swap, limit, err) : 0;
}

static int write_limit(const struct target *target, const char *file, const char *property,
		       int64_t value, struct error *err)
{
	if (value < 0)
		return target_write(target, file, property, V2_NO_LIMIT, err);
	return target_write_number(target, file, property, value, err);
}

static int write_swap_v2(const struct target *target, const struct oci_memory *memory,
			 struct error *err)
{
	/* As in version 1, no limit on memory is none on swap, unless there is a word about it. */
	int64_t swap = memory->swap ? memory->swap : memory->limit;

	if (memory->swap > 0)
		swap -= (int64_t)limit_to_be(target, "memory.max", memory);
	else if (swap >= 0)
		return 0;
	/* A kernel without swap has no file; none, and no limit on it, is what there is then. */
	if (swap <= 0 && !setting_exists(target->directory, "memory.swap.max"))
		return 0;
	return write_limit(target, "memory.swap.max", "swap", swap, err);
}

static int memory_apply_v2(const struct target *target, const struct oci_resources *resources,
			   struct error *err)
{
	const struct oci_memory *memory = resources->memory;
	int r;

	warn_of_kernel_limits(memory);
	/* Swap first: its new limit may have to make room for what the new memory limit drives
	 * out. */
	r = write_swap_v2(target, memory, err);
	if (r == 0 && is_set(memory->has_limit, memory->limit))
		r = write_limit(target, "memory.max", "limit", memory->limit, err);
	if (r == 0 && is_set(memory->has_reservation, memory->reservation))
		r = write_limit(target, "memory.low", "reservation", memory->reservation, err);
	return r;
}

/* -- version 1 -------------------------------------------------------------------------------- */

/* Memory is never above memory and swap: the kernel refuses what would make it so, and says no more than
 * that. */
static int look_at_swap_v1(const struct target *target, const struct oci_memory *memory,
			   struct error *err)
{
	uint64_t limit = limit_to_be(target, "memory.limit_in_bytes", memory), swap;

	if (memory->swap > 0 && limit > LARGEST_LIMIT_V1)
		return refuse_lone_swap(err);
	if (memory->swap > 0 && (uint64_t)memory->swap < limit)
		return refuse_small_swap(memory->swap, limit, err);
	if (memory->swap != 0 || memory->limit <= 0 ||
	    setting_read(target->directory, "memory.memsw.limit_in_bytes", &swap) < 0 ||
	    (uint64_t)memory->limit <= swap)
		return 0;
	error_config(err, "limit: %" PRId64 " is more than the limit of memory and swap, %" PRIu64,
		     memory->limit, swap);
	return error_hint(err, "set linux.resources.memory.swap as well");
}

/* To each processor on which something is charged the kernel lends up to 64 pages at once, and calls them back
 * without waiting: what is in use seems to be more for a moment, even if it is next to nothing. */
static int write_v1(const struct target *target, const char *file, const char *property,
		    int64_t value, struct error *err)
{
	struct patience patience = PATIENCE(MOST_WAIT_TO_FIT);
	struct error failure = {0};
	int r;

	do
		r = target_write_number(target, file, property, value < 0 ? -1 : value, &failure);
	while (r == -EBUSY && patience_wait(&patience, -1));
	if (r == 0)
		return 0;
	*err = failure;
	return r == -EBUSY ? error_hint(err, "more than that is in use") : r;
}

static int write_memory_v1(const struct target *target, int64_t limit, struct error *err)
{
	return limit ? write_v1(target, "memory.limit_in_bytes", "limit", limit, err) : 0;
}

static int write_swap_v1(const struct target *target, int64_t swap, struct error *err)
{
	if (swap == 0)
		return 0;
	if (swap < 0 && !setting_exists(target->directory, "memory.memsw.limit_in_bytes"))
		return 0;
	return write_v1(target, "memory.memsw.limit_in_bytes", "swap", swap, err);
}

/* The kernel keeps memory <= memory and swap at each moment: the one that would break it goes
 * last. */
static int write_both_v1(const struct target *target, const struct oci_memory *memory,
			 struct error *err)
{
	int64_t limit = memory->limit, swap = memory->swap;
	uint64_t before = UINT64_MAX;
	int r;

	/* Unlimited memory with limited swap is no state that there could be. */
	if (limit < 0 && swap == 0)
		swap = -1;
	setting_read(target->directory, "memory.limit_in_bytes", &before);
	if (swap < 0 || (uint64_t)swap >= before) {
		r = write_swap_v1(target, swap, err);
		return r < 0 ? r : write_memory_v1(target, limit, err);
	}
	r = write_memory_v1(target, limit, err);
	return r < 0 ? r : write_swap_v1(target, swap, err);
}

/* The kernel knows nothing but hierarchies since Linux 5.11. */
static int write_hierarchy_v1(const struct target *target, const struct oci_memory *memory,
			      struct error *err)
{
	uint64_t now = 1;

	setting_read(target->directory, "memory.use_hierarchy", &now);
	if (!memory->has_use_hierarchy || memory->use_hierarchy == (now == 1))
		return 0;
	return target_write_number(target, "memory.use_hierarchy", "useHierarchy",
				   memory->use_hierarchy, err);
}

/* Newer kernels have left some of these files out. */
static int write_kernel_v1(const struct target *target, const struct oci_memory *memory,
			   struct error *err)
{
	struct oci_memory left = *memory;
	int r = 0;

	if (is_set(memory->has_kernel, memory->kernel) &&
	    setting_exists(target->directory, "memory.kmem.limit_in_bytes")) {
		r = write_v1(target, "memory.kmem.limit_in_bytes", "kernel", memory->kernel, err);
		left.kernel = 0;
	}
	if (r == 0 && is_set(memory->has_kernel_tcp, memory->kernel_tcp) &&
	    setting_exists(target->directory, "memory.kmem.tcp.limit_in_bytes")) {
		r = write_v1(target, "memory.kmem.tcp.limit_in_bytes", "kernelTCP",
			     memory->kernel_tcp, err);
		left.kernel_tcp = 0;
	}
	if (r == 0)
		warn_of_kernel_limits(&left);
	return r;
}

static int write_oom_v1(const struct target *target, bool disable, struct error *err)
{
	char text[SETTING_SIZE] = "";
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/memory.oom_control", target->directory);
	if (!disable && (file_read_small(AT_FDCWD, path, text, sizeof(text)) < 0 ||
			 strncmp(text, "oom_kill_disable 1", 18) != 0))
		return 0;
	return target_write_number(target, "memory.oom_control", "disableOOMKiller", disable, err);
}

static int memory_apply_v1(const struct target *target, const struct oci_resources *resources,
			   struct error *err)
{
	const struct oci_memory *memory = resources->memory;
	int r = write_hierarchy_v1(target, memory, err);

	if (r == 0)
		r = write_both_v1(target, memory, err);
	if (r == 0 && is_set(memory->has_reservation, memory->reservation))
		r = write_v1(target, "memory.soft_limit_in_bytes", "reservation",
			     memory->reservation, err);
	if (r == 0)
		r = write_kernel_v1(target, memory, err);
	if (r == 0 && memory->has_swappiness)
		r = target_write_number(target, "memory.swappiness", "swappiness",
					(int64_t)memory->swappiness, err);
	/* Engines write false for what the user did not set; it takes back what is there. */
	if (r == 0 && memory->has_disable_oom_killer)
		r = write_oom_v1(target, memory->disable_oom_killer, err);
	return r;
}

/* -- both ------------------------------------------------------------------------------------- */

static int memory_look(const struct target *target, const struct oci_resources *resources,
		       struct error *err)
{
	const struct oci_memory *memory = resources->memory;
	bool v2 = setting_exists(target->directory, "memory.max");
	int r = check_before_update(target->directory,
				    v2 ? "memory.current" : "memory.usage_in_bytes", memory, err);

	if (r < 0)
		return r;
	return v2 ? look_at_swap_v2(target, memory, err) : look_at_swap_v1(target, memory, err);
}

const struct controller controller_memory = {
	.name = "memory",
	.property = "memory",
	.v1_file = "memory.limit_in_bytes",
	.asked = memory_asked,
	.check = memory_check,
	.check_v2 = memory_check_v2,
	.look = memory_look,
	.apply_v2 = memory_apply_v2,
	.apply_v1 = memory_apply_v1,
};
