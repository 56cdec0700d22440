#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/file.h"
#include "cgroup/controller.h"
#include "cgroup/cpu.h"
#include "cgroup/subtree.h"
#include "unit.h"

/*
 * What is written to which file, seen in a directory of ordinary files: so version 2 is tested on a
 * machine that has version 1, and the other way round.
 */

static char directory[32];
static const struct target target = {directory, NULL};
static struct error err;

/* Makes the directory with these files, empty; the last is NULL. */
static void make_files(const char *const *files)
{
	char path[128];

	strcpy(directory, "/tmp/proa-unit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	for (; *files; files++) {
		snprintf(path, sizeof(path), "%s/%s", directory, *files);
		close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
}

#define FILES(...) make_files((const char *const[]){__VA_ARGS__, NULL})

/* Compares and removes a file. */
static void expect(const char *file, const char *content)
{
	char path[128], text[128];

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	ck_assert_int_ge(file_read_small(AT_FDCWD, path, text, sizeof(text)), 0);
	ck_assert_str_eq(text, content);
	unlink(path);
}

static void close_files(void)
{
	ck_assert_int_eq(rmdir(directory), 0);
}

static void succeed(int r)
{
	if (r < 0)
		ck_abort_msg("%s", err.text);
}

static void apply_v2(const struct controller *controller, const struct oci_resources *resources)
{
	if (controller->apply_v2(&target, resources, &err) < 0)
		ck_abort_msg("%s", err.text);
}

static void apply_v1(const struct controller *controller, const struct oci_resources *resources)
{
	if (controller->apply_v1(&target, resources, &err) < 0)
		ck_abort_msg("%s", err.text);
}

#define MEMORY(...) (&(const struct oci_resources){.memory = &(struct oci_memory){__VA_ARGS__}})
#define CPU(...)    (&(const struct oci_resources){.cpu = &(struct oci_cpu){__VA_ARGS__}})

TEST(writes_memory_and_swap_apart_in_version_2)
{
	FILES("memory.max", "memory.swap.max", "memory.low");
	apply_v2(&controller_memory,
		 MEMORY(.has_limit = true, .limit = 1000, .has_swap = true, .swap = 1500,
			.has_reservation = true, .reservation = 500));
	expect("memory.max", "1000");
	expect("memory.swap.max", "500");
	expect("memory.low", "500");
	close_files();
}

TEST(writes_no_limit_as_a_word_in_version_2)
{
	FILES("memory.max", "memory.swap.max");
	apply_v2(&controller_memory,
		 MEMORY(.has_limit = true, .limit = -1, .has_swap = true, .swap = -1));
	expect("memory.max", "max");
	expect("memory.swap.max", "max");
	close_files();
}

TEST(takes_zero_for_memory_that_was_not_given)
{
	const struct oci_resources *resources =
		MEMORY(.has_limit = true, .has_swap = true, .has_reservation = true,
		       .has_kernel = true, .has_disable_oom_killer = true);

	ck_assert(!controller_memory.asked(resources));
	ck_assert_ptr_null(limits_asked(resources));
	FILES("memory.max", "memory.swap.max");
	apply_v2(&controller_memory, MEMORY(.has_limit = true, .limit = 7, .has_swap = true));
	expect("memory.max", "7");
	expect("memory.swap.max", "");
	close_files();
}

TEST(refuses_swap_that_cannot_be_told_from_memory)
{
	FILES("memory.max", "memory.swap.max");
	succeed(setting_write(directory, "memory.max", "x", "max", &err));
	ck_assert_int_eq(controller_memory.look(&target, MEMORY(.has_swap = true, .swap = 5), &err),
			 -EINVAL);
	ck_assert_str_eq(err.text, "swap: there is no memory limit to add swap to");
	expect("memory.max", "max");
	expect("memory.swap.max", "");
	close_files();
	ck_assert_int_eq(
		limits_check(MEMORY(.has_limit = true, .limit = 6, .has_swap = true, .swap = 5),
			     &err),
		-EINVAL);
	ck_assert_str_eq(err.text,
			 "linux.resources.memory: swap: 5 is less than the memory limit, 6");
}

static void expect_not_in_v2(const struct controller *controller,
			     const struct oci_resources *resources, const char *text)
{
	ck_assert(controller->asked(resources));
	ck_assert_int_eq(controller->check_v2(resources, &err), -EINVAL);
	ck_assert_str_eq(err.text, text);
}

TEST(refuses_what_version_2_does_not_have)
{
	struct oci_block_io io = {.has_leaf_weight = true, .leaf_weight = 20};
	struct oci_interface_priority priority = {"lo", 1};
	struct oci_network network = {
		.has_class_id = true, .class_id = 1, .priorities = &priority, .priorities_len = 1};

	expect_not_in_v2(&controller_memory, MEMORY(.has_swappiness = true, .swappiness = 10),
			 "swappiness: cgroup version 2 cannot do this");
	expect_not_in_v2(&controller_memory,
			 MEMORY(.has_disable_oom_killer = true, .disable_oom_killer = true),
			 "disableOOMKiller: cgroup version 2 cannot do this");
	expect_not_in_v2(&controller_memory, MEMORY(.has_use_hierarchy = true),
			 "useHierarchy: false: cgroup version 2 cannot do this");
	expect_not_in_v2(&controller_cpu, CPU(.has_realtime_runtime = true, .realtime_runtime = 5),
			 "realtimeRuntime and realtimePeriod: cgroup version 2 cannot do this");
	expect_not_in_v2(&controller_block_io, &(struct oci_resources){.block_io = &io},
			 "leafWeight: cgroup version 2 cannot do this");
	expect_not_in_v2(&controller_net_cls, &(struct oci_resources){.network = &network},
			 "classID: cgroup version 2 cannot do this");
	expect_not_in_v2(&controller_net_prio, &(struct oci_resources){.network = &network},
			 "priorities: cgroup version 2 cannot do this");
}

TEST(writes_memory_in_version_1)
{
	FILES("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.soft_limit_in_bytes",
	      "memory.swappiness", "memory.oom_control");
	apply_v1(&controller_memory,
		 MEMORY(.has_limit = true, .limit = 1000, .has_swap = true, .swap = 1500,
			.has_reservation = true, .reservation = 500, .has_swappiness = true,
			.swappiness = 0, .has_disable_oom_killer = true,
			.disable_oom_killer = true));
	expect("memory.limit_in_bytes", "1000");
	expect("memory.memsw.limit_in_bytes", "1500");
	expect("memory.soft_limit_in_bytes", "500");
	expect("memory.swappiness", "0");
	expect("memory.oom_control", "1");
	close_files();
}

TEST(lifts_the_limit_on_swap_with_that_on_memory_in_version_1)
{
	FILES("memory.limit_in_bytes", "memory.memsw.limit_in_bytes");
	apply_v1(&controller_memory, MEMORY(.has_limit = true, .limit = -1));
	expect("memory.limit_in_bytes", "-1");
	expect("memory.memsw.limit_in_bytes", "-1");
	close_files();
}

/* Values on which the runtimes and Kubernetes have agreed. */
TEST(turns_shares_into_weights)
{
	static const struct {
		uint64_t shares, weight;
	} pairs[] = {
		{0, 1},	      {2, 1},	       {10, 4},		{50, 10},    {100, 17},
		{256, 35},    {512, 59},       {1024, 100},	{2048, 174}, {4096, 303},
		{10240, 639}, {262144, 10000}, {300000, 10000},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		ck_assert_uint_eq(cpu_weight(pairs[i].shares), pairs[i].weight);
}

TEST(writes_the_processors_limits_in_version_2)
{
	FILES("cpu.weight", "cpu.max", "cpu.max.burst", "cpu.idle");
	apply_v2(&controller_cpu,
		 CPU(.has_shares = true, .shares = 1024, .has_quota = true, .quota = 50000,
		     .has_period = true, .period = 200000, .has_burst = true, .burst = 100));
	expect("cpu.weight", "100");
	expect("cpu.max", "50000 200000");
	expect("cpu.max.burst", "100");
	expect("cpu.idle", "");
	close_files();
}

TEST(leaves_quota_or_period_as_it_is)
{
	FILES("cpu.max");
	apply_v2(&controller_cpu, CPU(.has_quota = true, .quota = -1));
	expect("cpu.max", "max");
	close_files();
	FILES("cpu.max");
	apply_v2(&controller_cpu, CPU(.has_quota = true, .has_period = true, .period = 200000));
	expect("cpu.max", "max 200000");
	close_files();
}

TEST(writes_the_processors_limits_in_version_1)
{
	FILES("cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.cfs_burst_us",
	      "cpu.rt_runtime_us", "cpu.rt_period_us", "cpu.idle");
	apply_v1(&controller_cpu,
		 CPU(.has_shares = true, .shares = 1024, .has_quota = true, .quota = -1,
		     .has_period = true, .period = 200000, .has_idle = true, .idle = 1,
		     .has_realtime_runtime = true, .realtime_runtime = 950));
	expect("cpu.shares", "1024");
	expect("cpu.cfs_quota_us", "-1");
	expect("cpu.cfs_period_us", "200000");
	expect("cpu.cfs_burst_us", "");
	expect("cpu.rt_runtime_us", "950");
	expect("cpu.rt_period_us", "");
	expect("cpu.idle", "1");
	close_files();
}

TEST(refuses_lists_of_processors_that_are_none)
{
	ck_assert_int_eq(limits_check(CPU(.cpus = "0-3\n4"), &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "linux.resources.cpu: cpus: \"0-3\n4\" is not a list of numbers");
	ck_assert_int_eq(limits_check(CPU(.cpus = "0-3,7", .mems = "0"), &err), 0);
}

TEST(writes_the_limit_of_processes)
{
	struct oci_pids pids = {.has_limit = true, .limit = 0};
	const struct oci_resources resources = {.pids = &pids};

	FILES("pids.max");
	apply_v2(&controller_pids, &resources);
	expect("pids.max", "0");
	close_files();
	FILES("pids.max");
	pids.limit = -1;
	apply_v1(&controller_pids, &resources);
	expect("pids.max", "max");
	close_files();
	pids.has_limit = false;
	ck_assert(!controller_pids.asked(&resources));
}

TEST(writes_block_io_in_version_2)
{
	struct oci_throttle_device read = {8, 0, 1000}, write = {8, 16, 0};
	struct oci_block_io io = {
		.has_weight = true,
		.weight = 1000,
		.throttle_read_bps_device = &read,
		.throttle_read_bps_device_len = 1,
	};
	const struct oci_resources resources = {.block_io = &io};

	FILES("io.weight", "io.max");
	apply_v2(&controller_block_io, &resources);
	expect("io.weight", "10000");
	expect("io.max", "8:0 rbps=1000");
	close_files();
	io = (struct oci_block_io){
		.has_weight = true,
		.weight = 10,
		.throttle_write_iops_device = &write,
		.throttle_write_iops_device_len = 1,
	};
	FILES("io.bfq.weight", "io.max");
	apply_v2(&controller_block_io, &resources);
	expect("io.bfq.weight", "10");
	expect("io.max", "8:16 wiops=max");
	close_files();
}

TEST(writes_block_io_in_version_1)
{
	struct oci_weight_device weight = {.major = 8, .has_weight = true, .weight = 20};
	struct oci_throttle_device read = {8, 0, 1000};
	struct oci_block_io io = {
		.has_weight = true,
		.weight = 500,
		.weight_device = &weight,
		.weight_device_len = 1,
		.throttle_read_iops_device = &read,
		.throttle_read_iops_device_len = 1,
	};
	const struct oci_resources resources = {.block_io = &io};

	FILES("blkio.bfq.weight", "blkio.bfq.weight_device", "blkio.throttle.read_iops_device");
	apply_v1(&controller_block_io, &resources);
	expect("blkio.bfq.weight", "500");
	expect("blkio.bfq.weight_device", "8:0 20");
	expect("blkio.throttle.read_iops_device", "8:0 1000");
	close_files();
	weight.weight = 5;
	ck_assert_int_eq(limits_check(&resources, &err), -EINVAL);
	ck_assert_str_eq(err.text, "linux.resources.blockIO: weightDevice[0]: weight: 5 is not "
				   "between 10 and 1000");
}

TEST(writes_huge_page_limits_with_their_reservations)
{
	struct oci_hugepage_limit limit = {"2MB", 4096};
	const struct oci_resources resources = {.hugepage_limits = &limit,
						.hugepage_limits_len = 1};

	FILES("hugetlb.2MB.max", "hugetlb.2MB.rsvd.max");
	apply_v2(&controller_hugetlb, &resources);
	expect("hugetlb.2MB.max", "4096");
	expect("hugetlb.2MB.rsvd.max", "4096");
	close_files();
	FILES("hugetlb.2MB.limit_in_bytes");
	apply_v1(&controller_hugetlb, &resources);
	expect("hugetlb.2MB.limit_in_bytes", "4096");
	close_files();
}

TEST(tells_of_a_file_that_the_kernel_does_not_have)
{
	struct oci_pids pids = {.has_limit = true, .limit = 3};
	const struct oci_resources resources = {.pids = &pids};
	char text[128];

	FILES("x");
	ck_assert_int_eq(controller_pids.apply_v2(&target, &resources, &err), -EINVAL);
	snprintf(text, sizeof(text), "limit: the kernel has no %s/pids.max to write 3 to",
		 directory);
	ck_assert_str_eq(err.text, text);
	expect("x", "");
	close_files();
}

TEST(names_the_controller_that_is_missing)
{
	struct oci_pids pids = {.has_limit = true, .limit = 3};
	const struct oci_resources resources = {.pids = &pids};
	const struct oci_record_cgroup place = {.v2 = directory};
	char text[128];

	FILES("cgroup.controllers");
	ck_assert_int_eq(limits_apply(&place, &resources, &err), -EINVAL);
	snprintf(text, sizeof(text),
		 "linux.resources.pids: %s/cgroup.controllers lacks the pids controller",
		 directory);
	ck_assert_str_eq(err.text, text);
	expect("cgroup.controllers", "");
	close_files();
}

TEST(names_the_cgroup_that_keeps_a_controller_to_itself)
{
	struct oci_pids pids = {.has_limit = true, .limit = 3};
	const struct oci_resources resources = {.pids = &pids};
	char inner[64], file[96], text[128];
	const struct oci_record_cgroup place = {.v2 = inner};

	FILES("cgroup.controllers");
	snprintf(inner, sizeof(inner), "%s/in", directory);
	snprintf(file, sizeof(file), "%s/cgroup.controllers", inner);
	ck_assert_int_eq(mkdir(inner, 0700), 0);
	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	snprintf(text, sizeof(text), "%s/cgroup.controllers", directory);
	ck_assert_int_eq(file_write(AT_FDCWD, text, "cpuset pids\n"), 0);

	ck_assert_int_eq(limits_apply(&place, &resources, &err), -EINVAL);
	snprintf(text, sizeof(text),
		 "linux.resources.pids: the cgroup %s cannot hand on the pids controller",
		 directory);
	ck_assert_str_eq(err.text, text);
	unlink(file);
	rmdir(inner);
	expect("cgroup.controllers", "cpuset pids\n");
	close_files();
}

/* The kernel would let it hand on pids, and then refuse every process below it. */
TEST(does_not_turn_a_cgroup_with_processes_threaded)
{
	char inner[64], inner_file[96], file[96], text[SUBTREE_SIZE];

	FILES("cgroup.controllers", "cgroup.type", "cgroup.procs", "cgroup.subtree_control");
	snprintf(inner, sizeof(inner), "%s/in", directory);
	snprintf(inner_file, sizeof(inner_file), "%s/cgroup.controllers", inner);
	ck_assert_int_eq(mkdir(inner, 0700), 0);
	close(open(inner_file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	snprintf(file, sizeof(file), "%s/cgroup.controllers", directory);
	ck_assert_int_eq(file_write(AT_FDCWD, file, "cpu pids\n"), 0);
	snprintf(file, sizeof(file), "%s/cgroup.procs", directory);
	ck_assert_int_eq(file_write(AT_FDCWD, file, "1\n"), 0);

	subtree_enable(inner);
	subtree_read(directory, "cgroup.subtree_control", text);
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(subtree_explain(inner, "pids", &err), -EINVAL);
	snprintf(text, sizeof(text), "the cgroup %s cannot hand on the pids controller", directory);
	ck_assert_str_eq(err.text, text);
	ck_assert_str_eq(err.hint, "there are processes in it: in version 2 a cgroup has either "
				   "processes or controllers for those below it");
	unlink(inner_file);
	rmdir(inner);
	expect("cgroup.subtree_control", "");
	expect("cgroup.type", "");
	expect("cgroup.controllers", "cpu pids\n");
	expect("cgroup.procs", "1\n");
	close_files();
}

TEST(finds_whole_words_among_controllers)
{
	ck_assert(subtree_has("cpuset cpu io", "cpu"));
	ck_assert(!subtree_has("cpuset io", "cpu"));
	ck_assert(subtree_has("pids", "pids"));
	ck_assert(!subtree_has("", "pids"));
}

RUN_TESTS("cgroup-limits", writes_memory_and_swap_apart_in_version_2,
	  writes_no_limit_as_a_word_in_version_2, takes_zero_for_memory_that_was_not_given,
	  refuses_swap_that_cannot_be_told_from_memory, refuses_what_version_2_does_not_have,
	  writes_memory_in_version_1, lifts_the_limit_on_swap_with_that_on_memory_in_version_1,
	  turns_shares_into_weights, writes_the_processors_limits_in_version_2,
	  leaves_quota_or_period_as_it_is, writes_the_processors_limits_in_version_1,
	  refuses_lists_of_processors_that_are_none, writes_the_limit_of_processes,
	  writes_block_io_in_version_2, writes_block_io_in_version_1,
	  writes_huge_page_limits_with_their_reservations,
	  tells_of_a_file_that_the_kernel_does_not_have, names_the_controller_that_is_missing,
	  names_the_cgroup_that_keeps_a_controller_to_itself,
	  does_not_turn_a_cgroup_with_processes_threaded, finds_whole_words_among_controllers)
