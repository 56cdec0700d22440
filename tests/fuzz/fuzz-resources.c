/*
 * linux.resources: any text.  What can be applied is applied, to folders whose files take and tell anything,
 * one as version 1 of cgroups has it and one as version 2.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup/controller.h"
#include "fuzz.h"

static const char *const files[] = {
	"cgroup.controllers",
	"cgroup.subtree_control",
	"cpu.idle",
	"cpu.max",
	"cpu.max.burst",
	"cpu.weight",
	"cpu.weight.nice",
	"cpuset.cpus",
	"cpuset.mems",
	"cpuset.cpus.effective",
	"cpuset.mems.effective",
	"io.bfq.weight",
	"io.max",
	"io.weight",
	"memory.current",
	"memory.high",
	"memory.low",
	"memory.max",
	"memory.oom.group",
	"memory.swap.max",
	"pids.max",
	"hugetlb.2MB.max",
	"blkio.leaf_weight",
	"blkio.leaf_weight_device",
	"blkio.throttle.read_bps_device",
	"blkio.throttle.read_iops_device",
	"blkio.throttle.write_bps_device",
	"blkio.throttle.write_iops_device",
	"blkio.weight",
	"blkio.weight_device",
	"cpu.cfs_burst_us",
	"cpu.cfs_period_us",
	"cpu.cfs_quota_us",
	"cpu.rt_period_us",
	"cpu.rt_runtime_us",
	"cpu.shares",
	"hugetlb.2MB.limit_in_bytes",
	"memory.kmem.limit_in_bytes",
	"memory.kmem.tcp.limit_in_bytes",
	"memory.limit_in_bytes",
	"memory.memsw.limit_in_bytes",
	"memory.oom_control",
	"memory.soft_limit_in_bytes",
	"memory.swappiness",
	"memory.usage_in_bytes",
};

static char folder[64] = "/tmp/proa-fuzz-XXXXXX";
static bool made; /* the folder's name does not tell: it may end in X, too */

static void remove_folder(void)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		unlink(path);
	}
	rmdir(folder);
}

/* Links to /dev/null take whatever is written, and tell nothing. */
static void make_folder(void)
{
	char path[PATH_MAX];
	FILE *controllers;

	EXPECT(mkdtemp(folder));
	made = true;
	atexit(remove_folder);
	for (size_t i = 1; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		EXPECT(symlink("/dev/null", path) == 0);
	}
	snprintf(path, sizeof(path), "%s/%s", folder, files[0]);
	controllers = fopen(path, "we");
	EXPECT(controllers && fputs("cpuset cpu io memory hugetlb pids\n", controllers) >= 0);
	fclose(controllers);
}

static int attempt(struct input input, struct arena *arena, struct error *err)
{
	const char *directories[] = {folder, NULL};
	const struct oci_record_cgroup v1 = {
		.manager = "cgroupfs", .directories = directories, .directories_len = 1};
	const struct oci_record_cgroup v2 = {.manager = "cgroupfs", .v2 = folder};
	struct oci_linux properties = {0};
	struct oci_root root = {.path = "rootfs"};
	const struct oci_config config = {
		.oci_version = "1.2.0", .root = &root, .linux = &properties};
	void *resources;
	int r = fuzz_decode(&oci_resources_object, input, arena, &resources, err);

	if (r == 0)
		r = fuzz_round_trip(&oci_resources_object, resources, arena, err);
	properties.resources = resources;
	if (r == 0)
		r = fuzz_check_config(&config, arena, err);
	if (r < 0)
		return r;
	r = limits_apply(&v1, resources, err);
	if (r < 0)
		expect_error(err, r);
	return limits_apply(&v2, resources, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!made)
		make_folder();
	fuzz_with_arena(attempt, data, size);
	return 0;
}
