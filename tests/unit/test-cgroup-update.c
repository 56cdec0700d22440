#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/file.h"
#include "cgroup/controller.h"
#include "cgroup/hierarchies.h"
#include "tree.h"
#include "unit.h"

/*
 * Ordinary files stand in for those of a cgroup of version 2.  They keep what stands behind what is written
 * over them, so old and new values have the same length; and a directory stands in for a file that cannot be
 * written.
 */

static struct error err;
static struct tree tree;
static struct oci_record_cgroup place;

static void begin(void)
{
	tree = tree_make();
	place = (struct oci_record_cgroup){.v2 = tree.path};
	tree_file(&tree, "cgroup.controllers", 0600, "cpu io memory pids rdma\n");
	tree_file(&tree, "memory.max", 0600, "1000\n");
	tree_file(&tree, "memory.current", 0600, "900\n");
	tree_file(&tree, "memory.high", 0600, "700\n");
	tree_file(&tree, "cpu.weight", 0600, "100\n");
	tree_file(&tree, "cpu.max.burst", 0600, "9000\n");
	tree_file(&tree, "rdma.max", 0600, "");
	tree_file(&tree, "io.max", 0600, "");
}

static void expect(const char *file, const char *content)
{
	char text[128];

	ck_assert_int_ge(file_read_small(tree.fd, file, text, sizeof(text)), 0);
	ck_assert_str_eq(text, content);
}

static void expect_update(const struct oci_resources *resources)
{
	if (limits_update(&place, resources, NULL, &err) < 0)
		ck_abort_msg("%s", err.text);
}

/* HERE stands for the cgroup's directory. */
static void expect_refused(const struct oci_resources *resources, const char *text)
{
	char found[ERROR_TEXT_SIZE];
	const char *from = err.text;
	size_t used = 0;

	ck_assert_int_lt(limits_update(&place, resources, NULL, &err), 0);
	while (*from && used < sizeof(found) - 8) {
		if (strncmp(from, tree.path, strlen(tree.path)) != 0) {
			found[used++] = *from++;
			continue;
		}
		used += (size_t)snprintf(found + used, 8, "HERE");
		from += strlen(tree.path);
	}
	found[used] = '\0';
	ck_assert_str_eq(found, text);
}

#define MEMORY(...) (&(const struct oci_resources){.memory = &(struct oci_memory){__VA_ARGS__}})
#define CPU(...)    (&(const struct oci_resources){.cpu = &(struct oci_cpu){__VA_ARGS__}})
#define UNIFIED(k, v) \
	(&(const struct oci_resources){.unified = &(struct oci_pair){k, v}, .unified_len = 1})

/* -- all or nothing ---------------------------------------------------------------------------- */

TEST(sets_what_is_named_and_leaves_the_rest)
{
	begin();
	expect_update(MEMORY(.has_limit = true, .limit = 2000));
	expect("memory.max", "2000\n");
	expect("cpu.weight", "100\n");
	expect("memory.high", "700\n");
	tree_remove(&tree);
}

TEST(goes_back_when_a_write_fails)
{
	struct oci_memory memory = {.has_limit = true, .limit = 2000};
	struct oci_cpu cpu = {.has_shares = true, .shares = 2048};
	struct oci_pids pids = {.has_limit = true, .limit = 5};
	const struct oci_resources resources = {.memory = &memory, .cpu = &cpu, .pids = &pids};

	begin();
	tree_directory(&tree, "pids.max", 0700);
	expect_refused(&resources, "nothing was changed: linux.resources.pids: limit: write 5 to "
				   "HERE/pids.max: is a directory");
	expect("memory.max", "1000\n");
	expect("cpu.weight", "100\n");
	tree_remove(&tree);
}

static int hear_nothing(const struct oci_record_cgroup *told, const struct oci_resources *resources,
			struct error *failure)
{
	/* What is told of is in force already. */
	ck_assert_ptr_eq(told, &place);
	ck_assert_int_eq(resources->memory->limit, 2000);
	expect("memory.max", "2000\n");
	return error_config(failure, "nobody listens");
}

TEST(goes_back_when_somebody_cannot_be_told)
{
	begin();
	ck_assert_int_lt(
		limits_update(&place, MEMORY(.has_limit = true, .limit = 2000), hear_nothing, &err),
		0);
	ck_assert_str_eq(err.text, "nothing was changed: nobody listens");
	expect("memory.max", "1000\n");
	tree_remove(&tree);
}

TEST(writes_nothing_when_anything_can_be_seen_to_be_wrong)
{
	struct oci_memory memory = {.has_limit = true, .limit = 2000};
	struct oci_hugepage_limit huge = {"2MB", 5};
	struct oci_cpu cpu = {.has_shares = true, .shares = 2048};
	struct oci_resources resources = {
		.memory = &memory, .cpu = &cpu, .hugepage_limits = &huge, .hugepage_limits_len = 1};

	begin();
	expect_refused(&resources, "linux.resources.hugepageLimits: HERE/cgroup.controllers lacks "
				   "the hugetlb controller");
	resources.hugepage_limits_len = 0;
	memory = (struct oci_memory){.has_limit = true,
				     .limit = 800,
				     .has_check_before_update = true,
				     .check_before_update = true};
	expect_refused(&resources,
		       "linux.resources.memory: limit: 800 is less than the 900 bytes in use");
	expect("cpu.weight", "100\n");
	tree_remove(&tree);
}

TEST(tells_that_the_cgroup_is_gone)
{
	struct oci_pids pids = {.has_limit = true, .limit = 5};
	const struct oci_resources resources = {.pids = &pids};
	const struct target target = {"/nowhere", NULL};

	ck_assert_int_eq(controller_pids.apply_v2(&target, &resources, &err), -EINVAL);
	ck_assert_str_eq(err.text, "limit: cgroup /nowhere is gone");
}

/* -- values that depend on others -------------------------------------------------------------- */

TEST(reckons_swap_from_the_limit_that_is_there)
{
	begin();
	tree_file(&tree, "memory.swap.max", 0600, "555\n");
	expect_update(MEMORY(.has_swap = true, .swap = 1200));
	expect("memory.swap.max", "200\n");
	expect_refused(MEMORY(.has_swap = true, .swap = 999),
		       "linux.resources.memory: swap: 999 is less than the memory limit, 1000");
	expect_update(MEMORY(.has_limit = true, .limit = -1));
	expect("memory.swap.max", "max\n");
	expect_refused(MEMORY(.has_limit = true, .limit = -1, .has_swap = true, .swap = 7),
		       "linux.resources.memory: swap: there is no memory limit to add swap to");
	tree_remove(&tree);
}

TEST(explains_which_limit_of_version_1_is_in_the_way)
{
	const struct target target = {tree.path, NULL};

	tree = tree_make();
	tree_file(&tree, "memory.limit_in_bytes", 0600, "1000\n");
	tree_file(&tree, "memory.memsw.limit_in_bytes", 0600, "2000\n");
	ck_assert_int_eq(
		controller_memory.look(&target, MEMORY(.has_limit = true, .limit = 3000), &err),
		-EINVAL);
	ck_assert_str_eq(err.text, "limit: 3000 is more than the limit of memory and swap, 2000");
	ck_assert_str_eq(err.hint, "set linux.resources.memory.swap as well");
	ck_assert_int_eq(
		controller_memory.look(&target, MEMORY(.has_swap = true, .swap = 500), &err),
		-EINVAL);
	ck_assert_str_eq(err.text, "swap: 500 is less than the memory limit, 1000");
	tree_remove(&tree);
}

TEST(refuses_times_that_contradict_each_other)
{
	begin();
	expect_refused(CPU(.has_quota = true, .quota = 5000, .has_burst = true, .burst = 6000),
		       "linux.resources.cpu: burst: 6000 is more than the quota, 5000");
	expect_refused(CPU(.has_quota = true, .quota = 999),
		       "linux.resources.cpu: quota: 999 is below 1000");
	expect_refused(CPU(.has_period = true, .period = 1000001),
		       "linux.resources.cpu: period: 1000001 is above 1000000");
	expect_refused(CPU(.has_realtime_period = true, .realtime_period = 5,
			   .has_realtime_runtime = true, .realtime_runtime = 6),
		       "linux.resources.cpu: realtimeRuntime: 6 is more than realtimePeriod, 5");
	expect_refused(CPU(.has_idle = true, .idle = 2),
		       "linux.resources.cpu: idle: 2 is neither 0 nor 1");
	expect_refused(CPU(.cpus = "0-"),
		       "linux.resources.cpu: cpus: \"0-\" is not a list of numbers");
	expect_refused(CPU(.cpus = "3-1"),
		       "linux.resources.cpu: cpus: \"3-1\": 3-1 ends before it begins");
	tree_remove(&tree);
}

TEST(refuses_numbers_that_mean_nothing)
{
	struct oci_pids pids = {.has_limit = true, .limit = -2};
	struct oci_throttle_device throttle = {-1, 0, 5};
	struct oci_block_io io = {.throttle_write_iops_device = &throttle,
				  .throttle_write_iops_device_len = 1};

	begin();
	expect_refused(&(struct oci_resources){.pids = &pids},
		       "linux.resources.pids: limit: -2 is below -1");
	expect_refused(&(struct oci_resources){.block_io = &io},
		       "linux.resources.blockIO: throttleWriteIOPSDevice[0]: no device has the "
		       "number -1:0");
	expect_refused(MEMORY(.has_limit = true, .limit = -2),
		       "linux.resources.memory: limit, reservation, swap, kernel and kernelTCP "
		       "cannot be below -1");
	tree_remove(&tree);
}

/* -- rdma and network -------------------------------------------------------------------------- */

TEST(writes_the_rdma_limits_that_are_given)
{
	struct oci_rdma_entry entry = {.key = "mlx4_0",
				       .value = {.has_hca_handles = true, .hca_handles = 2}};
	const struct oci_resources resources = {.rdma = &entry, .rdma_len = 1};

	begin();
	expect_update(&resources);
	expect("rdma.max", "mlx4_0 hca_handle=2");
	entry.value = (struct oci_rdma){.has_hca_handles = true,
					.hca_handles = 3,
					.has_hca_objects = true,
					.hca_objects = 2000};
	expect_update(&resources);
	expect("rdma.max", "mlx4_0 hca_handle=3 hca_object=2000");
	entry.value = (struct oci_rdma){0};
	expect_refused(&resources,
		       "linux.resources.rdma: mlx4_0: neither hcaHandles nor hcaObjects "
		       "is given");
	entry.key = "a b";
	expect_refused(&resources, "linux.resources.rdma: \"a b\" is no name of a device");
	tree_remove(&tree);
}

TEST(marks_packets_in_version_1_alone)
{
	struct oci_interface_priority priority = {"lo", 5};
	struct oci_network network = {.has_class_id = true,
				      .class_id = 1048577,
				      .priorities = &priority,
				      .priorities_len = 1};
	const struct oci_resources resources = {.network = &network};
	const char *directories[] = {tree.path};

	begin();
	expect_refused(&resources,
		       "linux.resources.network: classID: cgroup version 2 cannot do this");
	tree_file(&tree, "net_cls.classid", 0600, "");
	tree_file(&tree, "net_prio.ifpriomap", 0600, "");
	place.directories = directories;
	place.directories_len = 1;
	expect_update(&resources);
	expect("net_cls.classid", "1048577");
	expect("net_prio.ifpriomap", "lo 5");
	priority.name = "a b";
	expect_refused(&resources,
		       "linux.resources.network: priorities[0].name: \"a b\" is no name "
		       "of a network device");
	network = (struct oci_network){.has_class_id = true};
	ck_assert_ptr_null(limits_asked(&resources));
	tree_remove(&tree);
}

/* -- unified ----------------------------------------------------------------------------------- */

TEST(writes_files_by_their_names_after_all_else)
{
	struct oci_memory memory = {.has_limit = true, .limit = 2000};
	struct oci_pair pairs[] = {{"memory.max", "3000"}, {"memory.high", "800"}};
	const struct oci_resources resources = {
		.memory = &memory, .unified = pairs, .unified_len = 2};

	begin();
	expect_update(&resources);
	expect("memory.max", "3000\n");
	expect("memory.high", "800\n");
	expect_update(UNIFIED("io.max", "8:0 rbps=1\n\n8:1 rbps=23\n"));
	expect("io.max", "8:1 rbps=23");
	tree_file(&tree, "cpuset.cpus", 0600, "1");
	expect_update(UNIFIED("cpuset.cpus", ""));
	expect("cpuset.cpus", "\n");
	expect_refused(UNIFIED("memory.high", "\n"),
		       "linux.resources.unified[\"memory.high\"]: the value is empty");
	tree_remove(&tree);
}

TEST(refuses_names_that_are_no_limits)
{
	static const char *const words[] = {"memory",	     "",     ".max", "memory.",
					    "../memory.max", "a/b.c"};
	static const char *const core[] = {"cgroup.procs", "cgroup.kill", "cgroup.freeze",
					   "cgroup.type", "cgroup.subtree_control"};
	char text[128];

	begin();
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		snprintf(text, sizeof(text),
			 "linux.resources.unified[\"%s\"]: it must be in the form "
			 "CONTROLLER.PARAMETER",
			 words[i]);
		expect_refused(UNIFIED(words[i], "1"), text);
	}
	for (size_t i = 0; i < sizeof(core) / sizeof(core[0]); i++) {
		snprintf(text, sizeof(text), "linux.resources.unified[\"%s\"]: it is not a limit",
			 core[i]);
		expect_refused(UNIFIED(core[i], "1"), text);
	}
	tree_file(&tree, "cgroup.max.depth", 0600, "");
	expect_update(UNIFIED("cgroup.max.depth", "3"));
	expect("cgroup.max.depth", "3");
	tree_remove(&tree);
}

TEST(tells_files_that_are_missing_from_controllers_that_are)
{
	begin();
	expect_refused(
		UNIFIED("memory.nonsense", "1"),
		"linux.resources.unified[\"memory.nonsense\"]: the kernel has no such file in "
		"HERE");
	expect_refused(UNIFIED("misc.max", "1"),
		       "linux.resources.unified[\"misc.max\"]: HERE/cgroup.controllers lacks the "
		       "misc controller");
	place.v2 = NULL;
	expect_refused(UNIFIED("memory.high", "1"),
		       "linux.resources.unified: there is no version 2 of cgroups here");
	tree_remove(&tree);
}

/* -- before anything is made ------------------------------------------------------------------- */

TEST(foresees_what_the_hierarchies_cannot_do)
{
	const struct hierarchies v1 = {.list = {{.controllers = "blkio"}}, .count = 1};
	struct hierarchies none = {.count = 0};
	struct oci_block_io io = {.has_weight = true, .weight = 20};
	const struct oci_resources weight = {.block_io = &io};
	const char *directories[] = {"/nowhere"};
	char below[256];

	begin();
	snprintf(below, sizeof(below), "%s/not/there/yet", tree.path);
	place.v2 = below;
	ck_assert_int_eq(limits_foresee(&place, &none, MEMORY(.has_limit = true, .limit = 5), &err),
			 0);
	ck_assert_int_eq(limits_foresee(&place, &none,
					MEMORY(.has_swappiness = true, .swappiness = 5), &err),
			 -EINVAL);
	ck_assert_str_eq(err.text,
			 "linux.resources.memory: swappiness: cgroup version 2 cannot do this");
	ck_assert_int_eq(limits_foresee(&place, &none, CPU(.cpus = "0"), &err), -EINVAL);
	snprintf(below, sizeof(below),
		 "linux.resources.cpu: %s/cgroup.controllers lacks the cpuset controller",
		 tree.path);
	ck_assert_str_eq(err.text, below);
	place = (struct oci_record_cgroup){.directories = directories, .directories_len = 1};
	ck_assert_int_eq(limits_foresee(&place, &v1, &weight, &err), 0);
	ck_assert_int_eq(limits_foresee(&place, &none, &weight, &err), -EINVAL);
	ck_assert_str_eq(err.text, "linux.resources.blockIO: the container's cgroups do not have "
				   "the io controller");
	ck_assert_int_eq(limits_foresee(&place, &v1, UNIFIED("io.max", "1"), &err), -EINVAL);
	ck_assert_int_eq(limits_foresee(&place, &v1, NULL, &err), 0);
	tree_remove(&tree);
}

RUN_TESTS("cgroup-update", sets_what_is_named_and_leaves_the_rest, goes_back_when_a_write_fails,
	  goes_back_when_somebody_cannot_be_told,
	  writes_nothing_when_anything_can_be_seen_to_be_wrong, tells_that_the_cgroup_is_gone,
	  reckons_swap_from_the_limit_that_is_there,
	  explains_which_limit_of_version_1_is_in_the_way, refuses_times_that_contradict_each_other,
	  refuses_numbers_that_mean_nothing, writes_the_rdma_limits_that_are_given,
	  marks_packets_in_version_1_alone, writes_files_by_their_names_after_all_else,
	  refuses_names_that_are_no_limits, tells_files_that_are_missing_from_controllers_that_are,
	  foresees_what_the_hierarchies_cannot_do)
