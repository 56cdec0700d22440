#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/file.h"
#include "cgroup/controller.h"
#include "cgroups.h"

/* -- limits ----------------------------------------------------------------------------------- */

static bool has_controller(const char *v1_file, const char *v2_file)
{
	return (v1_file && limits_v1_directory(&place, v1_file)) ||
	       (place.v2 && setting_exists(place.v2, v2_file));
}

static int eat_memory(void)
{
	const size_t size = 64 * 1024 * 1024;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return 1;
	memset(memory, 1, size);
	return 0;
}

TEST(ends_a_process_that_eats_more_memory_than_allowed)
{
	struct oci_memory memory = {
		.has_limit = true, .limit = 16 << 20, .has_swap = true, .swap = 16 << 20};
	struct oci_resources resources = {.memory = &memory};

	if (!can_make_cgroups())
		return;
	make_place("memory");
	if (has_controller("memory.limit_in_bytes", "memory.max")) {
		succeed(cgroup_limit(&place, &resources, &err));
		ck_assert_int_eq(WTERMSIG(wait_for(start(eat_memory))), SIGKILL);
		/* And up again, then to no limit. */
		memory.limit = memory.swap = 256 << 20;
		succeed(cgroup_limit(&place, &resources, &err));
		ck_assert_int_eq(wait_for(start(eat_memory)), 0);
		memory.limit = -1;
		memory.swap = 0;
		succeed(cgroup_limit(&place, &resources, &err));
		memory.limit = memory.swap = 128 << 20;
		succeed(cgroup_limit(&place, &resources, &err));
		ck_assert_int_eq(wait_for(start(eat_memory)), 0);
	} else {
		ck_assert_int_eq(cgroup_limit(&place, &resources, &err), -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.text, "linux.resources.memory: "));
		ck_assert_ptr_nonnull(strstr(err.text, "the memory controller"));
	}
	remove_place();
	close_test();
}

static int fork_twice(void)
{
	pid_t pid = fork();

	if (pid == 0)
		sleep_for_ever();
	return pid < 0 && errno == EAGAIN ? 42 : 0;
}

TEST(stops_a_fork_beyond_the_limit_of_processes)
{
	struct oci_pids pids = {.has_limit = true, .limit = 1};
	struct oci_resources resources = {.pids = &pids};
	char text[16];

	if (!can_make_cgroups())
		return;
	make_place("pids");
	if (has_controller("pids.max", "pids.max")) {
		succeed(cgroup_limit(&place, &resources, &err));
		ck_assert_int_eq(WEXITSTATUS(wait_for(start(fork_twice))), 42);
		pids.limit = -1;
		succeed(cgroup_limit(&place, &resources, &err));
		if (limits_v1_directory(&place, "pids.max")) {
			char path[512];

			snprintf(path, sizeof(path), "%s/pids.max",
				 limits_v1_directory(&place, "pids.max"));
			file_read_small(AT_FDCWD, path, text, sizeof(text));
			ck_assert_str_eq(text, "max\n");
		}
	}
	remove_place();
	close_test();
}

TEST(sets_the_limits_of_the_processor)
{
	struct oci_cpu cpu = {
		.has_shares = true,
		.shares = 512,
		.has_quota = true,
		.quota = 50000,
		.has_period = true,
		.period = 100000,
		.has_burst = true,
		.burst = 10000,
		.cpus = "0",
		.mems = "0",
	};
	struct oci_resources resources = {.cpu = &cpu};
	uint64_t value;
	const char *v1;

	if (!can_make_cgroups())
		return;
	make_place("cpu");
	v1 = limits_v1_directory(&place, "cpu.shares");
	if (v1 && limits_v1_directory(&place, "cpuset.cpus")) {
		succeed(cgroup_limit(&place, &resources, &err));
		ck_assert_int_eq(setting_read(v1, "cpu.shares", &value), 0);
		ck_assert_uint_eq(value, 512);
		ck_assert_int_eq(setting_read(v1, "cpu.cfs_quota_us", &value), 0);
		ck_assert_uint_eq(value, 50000);
		ck_assert_int_eq(setting_read(v1, "cpu.cfs_burst_us", &value), 0);
		ck_assert_uint_eq(value, 10000);
		cpu.period = 10;
		ck_assert_int_eq(cgroup_limit(&place, &resources, &err), -EINVAL);
		ck_assert_str_eq(err.text, "linux.resources.cpu: period: 10 is below 1000");
	}
	remove_place();
	close_test();
}

TEST(names_the_limit_that_the_kernel_refuses)
{
	struct oci_cpu cpu = {.cpus = "4000"};
	struct oci_resources resources = {.cpu = &cpu};

	if (!can_make_cgroups())
		return;
	make_place("refused");
	if (has_controller("cpuset.cpus", "cpuset.cpus")) {
		ck_assert_int_lt(cgroup_limit(&place, &resources, &err), 0);
		ck_assert_ptr_nonnull(
			strstr(err.text, "linux.resources.cpu: cpus: write 4000 to /"));
	}
	remove_place();
	close_test();
}

TEST(limits_huge_pages)
{
	struct oci_hugepage_limit limit = {.page_size = "2MB", .limit = 4 << 20};
	struct oci_resources resources = {.hugepage_limits = &limit, .hugepage_limits_len = 1};
	uint64_t value;

	if (!can_make_cgroups())
		return;
	make_place("huge");
	if (place.v2 && setting_exists(place.v2, "hugetlb.2MB.max")) {
		succeed(cgroup_limit(&place, &resources, &err));
		ck_assert_int_eq(setting_read(place.v2, "hugetlb.2MB.max", &value), 0);
		ck_assert_uint_eq(value, 4 << 20);
		ck_assert_int_eq(setting_read(place.v2, "hugetlb.2MB.rsvd.max", &value), 0);
		ck_assert_uint_eq(value, 4 << 20);
	}
	limit.page_size = "../2MB";
	ck_assert_int_eq(cgroup_limit(&place, &resources, &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "linux.resources.hugepageLimits: [0].pageSize: \"../2MB\" is not "
			 "a page size");
	remove_place();
	close_test();
}

/* -- devices ---------------------------------------------------------------------------------- */

/* The errno of opening a device for this, or 0. */
static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int open_devices(void)
{
	if (try_open("/dev/null", O_RDWR) || try_open("/dev/urandom", O_RDONLY))
		return 1;
	if (try_open("/dev/kmsg", O_RDONLY) != EPERM)
		return 2;
	return 0;
}

static int open_kmsg(void)
{
	if (try_open("/dev/kmsg", O_RDONLY) != 0)
		return 1;
	if (try_open("/dev/kmsg", O_WRONLY) != EPERM)
		return 2;
	return try_open("/dev/null", O_RDWR) == 0 ? 0 : 3;
}

static int open_all(void)
{
	return try_open("/dev/kmsg", O_RDWR) ? 1 : 0;
}

static int open_null_denied(void)
{
	return try_open("/dev/null", O_RDWR) == EPERM && try_open("/dev/null", O_RDONLY) == 0 ? 0
											      : 1;
}

static void expect_devices(struct oci_device_rule *rules, size_t count, int (*body)(void))
{
	struct oci_resources resources = {.devices = rules, .devices_len = count};

	make_place("devices");
	succeed(cgroup_limit(&place, rules ? &resources : NULL, &err));
	ck_assert_int_eq(WEXITSTATUS(wait_for(start(body))), 0);
	remove_place();
	if (!place.v2 || place.directories_len == 0)
		return;
	/* The same with version 2 alone, where a program decides, of which nothing is to be seen before. */
	make_place("devices");
	place.directories_len = 0;
	cgroup_limit_ahead(&place, rules ? &resources : NULL);
	ck_assert_int_eq(WEXITSTATUS(wait_for(start(open_all))), 0);
	succeed(cgroup_limit(&place, rules ? &resources : NULL, &err));
	ck_assert_int_eq(WEXITSTATUS(wait_for(start(body))), 0);
	succeed(plan(place.path, "x"));
	remove_place();
}

static bool is_host_root(void)
{
	struct stat status;

	return geteuid() == 0 && stat("/proc/self/ns/user", &status) == 0 &&
	       status.st_ino == 0xEFFFFFFD;
}

TEST(allows_the_devices_that_the_rules_name)
{
	struct oci_device_rule deny = {.access = "rwm"};
	struct oci_device_rule kmsg[] = {
		{.access = "rwm"},
		{.allow = true,
		 .type = "c",
		 .major = 1,
		 .has_major = true,
		 .minor = 11,
		 .has_minor = true,
		 .access = "r"},
		{.allow = true,
		 .type = "c",
		 .major = 1,
		 .has_major = true,
		 .minor = 11,
		 .has_minor = true,
		 .access = "w"},
		{.allow = false,
		 .type = "c",
		 .major = 1,
		 .has_major = true,
		 .minor = 11,
		 .has_minor = true,
		 .access = "w"},
	};
	struct oci_device_rule all = {.allow = true, .type = "a", .access = "rwm"};
	struct oci_device_rule null[] = {
		{.access = "rwm"},
		{.allow = false,
		 .type = "c",
		 .major = 1,
		 .has_major = true,
		 .minor = 3,
		 .has_minor = true,
		 .access = "w"},
	};

	if (!can_make_cgroups())
		return;
	if (!is_host_root()) {
		printf("skipped: only root of the machine can restrict devices\n");
	} else {
		expect_devices(NULL, 0, open_devices);
		expect_devices(&deny, 1, open_devices);
		expect_devices(kmsg, 4, open_kmsg);
		expect_devices(&all, 1, open_all);
		expect_devices(null, 2, open_null_denied);
	}
	close_test();
}

RUN_TESTS("cgroup-kernel", ends_a_process_that_eats_more_memory_than_allowed,
	  stops_a_fork_beyond_the_limit_of_processes, sets_the_limits_of_the_processor,
	  names_the_limit_that_the_kernel_refuses, limits_huge_pages,
	  allows_the_devices_that_the_rules_name)
