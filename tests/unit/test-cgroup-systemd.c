#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/file.h"
#include "cgroup/systemd.h"
#include "unit.h"
#include "words.h"

/* What the manager "systemd" reckons and finds, without any systemd. */

static struct error err;
static struct arena arena;
static struct request request;

static void begin(void)
{
	arena_release(&arena);
	err = (struct error){0};
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
}

/* -- limits as properties ----------------------------------------------------------------------- */

static struct scope_limits now = {
	.memory = UINT64_MAX, .cpu_quota = UINT64_MAX, .cpu_period = 100000};

static void expect(const struct oci_resources *resources, const char *words)
{
	if (scope_properties(resources, &now, &request, &err) < 0)
		ck_abort_msg("%s", err.text);
	ck_assert_str_eq(take_words(&request), words);
}

static void expect_memory(struct oci_memory memory, const char *words)
{
	expect(&(struct oci_resources){.memory = &memory}, words);
}

TEST(asks_for_nothing_where_nothing_is_limited)
{
	expect(NULL, "");
	expect(&(struct oci_resources){0}, "");
	expect_memory((struct oci_memory){.has_limit = true, .has_swap = true}, "");
}

TEST(makes_memory_and_swap_two_things)
{
	expect_memory((struct oci_memory){.limit = 4096, .reservation = 1024, .swap = 8192},
		      "must MemoryMax t 1 4096 must MemoryLow t 1 1024 may MemorySwapMax t 1 4096");
	expect_memory((struct oci_memory){.limit = 4096, .swap = 4096},
		      "must MemoryMax t 1 4096 may MemorySwapMax t 1 0");
	expect_memory((struct oci_memory){.limit = -1, .swap = -1},
		      "must MemoryMax t 1 18446744073709551615 "
		      "may MemorySwapMax t 1 18446744073709551615");
	/* as an update: the limit is there already */
	now.memory = 1000;
	expect_memory((struct oci_memory){.swap = 3000}, "may MemorySwapMax t 1 2000");
	now.memory = UINT64_MAX;
	/* no sum of anything: the files tell what is wrong with it */
	expect_memory((struct oci_memory){.swap = 3000}, "");
}

TEST(takes_a_limit_of_no_processes_for_one)
{
	struct oci_pids pids = {.has_limit = true};
	const struct oci_resources resources = {.pids = &pids};

	expect(&resources, "must TasksMax t 1 1");
	pids.limit = 20;
	expect(&resources, "must TasksMax t 1 20");
	pids.limit = -1;
	expect(&resources, "must TasksMax t 1 18446744073709551615");
	pids.has_limit = false;
	expect(&resources, "");
}

static void expect_cpu(struct oci_cpu cpu, const char *words)
{
	expect(&(struct oci_resources){.cpu = &cpu}, words);
}

TEST(rounds_quotas_up_to_ten_milliseconds_a_second)
{
	expect_cpu((struct oci_cpu){.quota = 50000, .period = 100000},
		   "must CPUQuotaPerSecUSec t 1 500000 may CPUQuotaPeriodUSec t 1 100000");
	expect_cpu((struct oci_cpu){.quota = 12345, .period = 50000},
		   "must CPUQuotaPerSecUSec t 1 250000 may CPUQuotaPeriodUSec t 1 50000");
	expect_cpu((struct oci_cpu){.quota = 1000, .period = 1000000},
		   "must CPUQuotaPerSecUSec t 1 10000 may CPUQuotaPeriodUSec t 1 1000000");
	expect_cpu((struct oci_cpu){.quota = -1, .period = 100000},
		   "must CPUQuotaPerSecUSec t 1 18446744073709551615 "
		   "may CPUQuotaPeriodUSec t 1 100000");
	/* what is not given is as it was */
	expect_cpu((struct oci_cpu){.quota = 200000},
		   "must CPUQuotaPerSecUSec t 1 2000000 may CPUQuotaPeriodUSec t 1 100000");
	now.cpu_quota = 30000;
	expect_cpu((struct oci_cpu){.period = 60000},
		   "must CPUQuotaPerSecUSec t 1 500000 may CPUQuotaPeriodUSec t 1 60000");
	now.cpu_quota = UINT64_MAX;
}

TEST(converts_shares_and_idle)
{
	expect_cpu((struct oci_cpu){.shares = 1024}, "must CPUWeight t 1 100");
	expect_cpu((struct oci_cpu){.shares = 1024, .has_idle = true, .idle = 1},
		   "must CPUWeight t 1 0");
	expect_cpu((struct oci_cpu){.shares = 512, .has_idle = true}, "must CPUWeight t 1 59");
}

TEST(makes_lists_to_bits)
{
	expect_cpu((struct oci_cpu){.cpus = "0", .mems = "0-1"},
		   "may AllowedCPUs ay 1 01 may AllowedMemoryNodes ay 1 03");
	expect_cpu((struct oci_cpu){.cpus = "1-2,9,70"}, "may AllowedCPUs ay 1 060200000000000040");
	expect_cpu((struct oci_cpu){.cpus = "", .mems = ""}, "");
	ck_assert_int_eq(
		scope_properties(&(struct oci_resources){.cpu = &(struct oci_cpu){.mems = "x"}},
				 &now, &request, &err),
		-EINVAL);
	ck_assert_str_eq(err.text, "linux.resources.cpu.mems: \"x\" is not a list of numbers");
	take_words(&request);
}

TEST(names_block_devices_by_number)
{
	struct oci_weight_device weights[] = {{.major = 8, .minor = 0, .weight = 1000},
					      {.major = 8, .minor = 16}};
	struct oci_throttle_device rates[] = {{.major = 8, .minor = 0, .rate = 77},
					      {.major = 9, .minor = 1}};
	struct oci_block_io io = {
		.weight = 10,
		.weight_device = weights,
		.weight_device_len = 2,
		.throttle_read_bps_device = rates,
		.throttle_read_bps_device_len = 2,
		.throttle_write_iops_device = rates,
		.throttle_write_iops_device_len = 1,
	};

	expect(&(struct oci_resources){.block_io = &io},
	       "may IOWeight t 1 1 may IODeviceWeight a(st) 2 /dev/block/8:0 10000 "
	       "may IOReadBandwidthMax a(st) 4 /dev/block/8:0 77 "
	       "/dev/block/9:1 18446744073709551615 may IOWriteIOPSMax a(st) 2 /dev/block/8:0 77");
}

TEST(puts_the_files_of_version_2_last)
{
	struct oci_memory memory = {.limit = 4096};
	struct oci_pair unified[] = {
		{"memory.max", "max"},	     {"memory.high", "1000"},  {"pids.max", "0"},
		{"cpu.max", "5000 10000"},   {"cpu.max", "max"},       {"cpu.max", "5000 0"},
		{"io.weight", "default 20"}, {"cpuset.cpus", "1"},     {"memory.oom.group", "1"},
		{"cpu.weight", "idle"},	     {"io.max", "8:0 rbps=1"},
	};

	expect(&(struct oci_resources){.memory = &memory,
				       .unified = unified,
				       .unified_len = sizeof(unified) / sizeof(unified[0])},
	       "must MemoryMax t 1 4096 may MemoryMax t 1 18446744073709551615 "
	       "may MemoryHigh t 1 1000 may TasksMax t 1 1 "
	       "must CPUQuotaPerSecUSec t 1 500000 may CPUQuotaPeriodUSec t 1 10000 "
	       "must CPUQuotaPerSecUSec t 1 18446744073709551615 "
	       "may CPUQuotaPeriodUSec t 1 100000 may IOWeight t 1 20 may AllowedCPUs ay 1 02");
}

/* -- devices ------------------------------------------------------------------------------------ */

#define DRIVERS                                                                  \
	"Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n136 pts\n" \
	"254 own\n\nBlock devices:\n  8 sd\n253 device-mapper\n"
#define POLICY(policy) "must DevicePolicy s 1 " policy " must DeviceAllow a(ss) 0"
#define USUAL                                                                       \
	"char-* m block-* m /dev/char/1:3 rwm /dev/char/1:5 rwm /dev/char/1:7 rwm " \
	"/dev/char/1:8 rwm /dev/char/1:9 rwm /dev/char/5:0 rwm /dev/char/5:1 rwm "  \
	"/dev/char/5:2 rwm char-pts rwm /dev/char/10:200 rwm"

static void expect_devices(struct oci_device_rule *rules, size_t count, const char *words)
{
	const struct oci_resources resources = {.devices = rules, .devices_len = count};

	ck_assert_int_eq(scope_devices(&resources, DRIVERS, &request, &err), 0);
	ck_assert_str_eq(take_words(&request), words);
}

static struct oci_device_rule rule(bool allow, const char *type, int64_t major, int64_t minor)
{
	return (struct oci_device_rule){
		.allow = allow,
		.type = type,
		.has_major = major >= 0,
		.major = major,
		.has_minor = minor >= 0,
		.minor = minor,
		.access = "rw",
	};
}

TEST(allows_devices_by_number_and_driver)
{
	struct oci_device_rule rules[] = {rule(true, "b", 8, -1), rule(true, "c", 1, 11),
					  rule(true, "a", -1, -1)};

	expect_devices(rules, 0, POLICY("strict") " must DeviceAllow a(ss) 24 " USUAL);
	expect_devices(rules, 2,
		       POLICY("strict") " must DeviceAllow a(ss) 28 " USUAL
					" block-sd rw /dev/char/1:11 rw");
	expect_devices(rules, 3,
		       POLICY("strict") " must DeviceAllow a(ss) 32 " USUAL
					" block-sd rw /dev/char/1:11 rw char-* rw block-* rw");
	/* nothing can be behind a number that no driver has */
	rules[0] = rule(true, "c", 99, -1);
	expect_devices(rules, 1, POLICY("strict") " must DeviceAllow a(ss) 24 " USUAL);
}

TEST(leaves_other_rules_to_the_program)
{
	struct oci_device_rule all = {.allow = true};
	struct oci_device_rule denial = rule(false, "c", 10, 200);
	struct oci_device_rule minor = rule(true, "c", -1, 3);

	expect_devices(&all, 1, POLICY("auto"));
	expect_devices(&denial, 1, POLICY("auto"));
	expect_devices(&minor, 1, POLICY("auto"));
}

/* -- where the scope is ------------------------------------------------------------------------- */

static struct oci_record_scope scope = {.unit = "libpod-a.scope", .slice = "a-b.slice"};
static struct oci_record_cgroup place;

static void forget_place(void)
{
	begin();
	place = (struct oci_record_cgroup){.systemd = &scope};
}

#define V1(name, path)                                                            \
	{                                                                         \
		.controllers = name, .mount = "/sys/fs/cgroup/" name, .own = path \
	}

static struct hierarchy v2(const char *mount, const char *own)
{
	return (struct hierarchy){.v2 = true, .controllers = "", .mount = mount, .own = own};
}

TEST(finds_a_scope_of_version_2_where_its_process_is)
{
	const struct hierarchies found = {
		.list = {v2("/sys/fs/cgroup", "/x/a.slice/a-b.slice/libpod-a.scope")},
		.count = 1,
		.mode = CGROUP_V2,
	};

	forget_place();
	ck_assert_int_eq(scope_predict(&found, &arena, &place, &err), 0);
	ck_assert_ptr_null(place.path);
	ck_assert_int_eq(scope_locate(&found, &arena, &place, &err), 0);
	ck_assert_str_eq(place.v2, "/sys/fs/cgroup/x/a.slice/a-b.slice/libpod-a.scope");
	ck_assert_str_eq(place.path, "/x/a.slice/a-b.slice/libpod-a.scope");
	ck_assert_uint_eq(place.directories_len, 0);
}

static void expect_lost(const char *own, const char *why)
{
	const struct hierarchies found = {
		.list = {v2("/sys/fs/cgroup", own)}, .count = 1, .mode = CGROUP_V2};

	forget_place();
	ck_assert_int_eq(scope_locate(&found, &arena, &place, &err), -EINVAL);
	ck_assert_str_eq(err.text, why);
}

TEST(tells_when_the_process_is_not_in_the_scope)
{
	expect_lost("/user.slice",
		    "systemd made libpod-a.scope, but its process is in /user.slice");
	expect_lost("/libpod-a.scope/x",
		    "systemd made libpod-a.scope, but its process is in /libpod-a.scope/x");
	expect_lost(NULL, "the cgroup of libpod-a.scope cannot be seen from here");
	ck_assert_str_eq(err.hint, "this is another cgroup namespace than systemd's");
}

TEST(knows_a_name_that_systemd_has_escaped)
{
	const struct hierarchies found = {
		.list = {v2("/c", "/memory.slice/_memory.scope")}, .count = 1, .mode = CGROUP_V2};

	forget_place();
	scope.unit = "memory.scope";
	ck_assert_int_eq(scope_locate(&found, &arena, &place, &err), 0);
	ck_assert_str_eq(place.v2, "/c/memory.slice/_memory.scope");
	scope.unit = "libpod-a.scope";
}

static void expect_everywhere(const char *path)
{
	char directory[128];

	ck_assert_str_eq(place.path, path);
	ck_assert_uint_eq(place.directories_len, 3);
	snprintf(directory, sizeof(directory), "/sys/fs/cgroup/freezer%s", path);
	ck_assert_str_eq(place.directories[0], directory);
	snprintf(directory, sizeof(directory), "/sys/fs/cgroup/memory%s", path);
	ck_assert_str_eq(place.directories[1], directory);
	snprintf(directory, sizeof(directory), "/sys/fs/cgroup/name=systemd%s", path);
	ck_assert_str_eq(place.directories[2], directory);
}

/* The manager is where /proc/1/cgroup says. */
static void predict(const char *manager, enum cgroup_mode mode)
{
	const struct hierarchies found = {
		.list = {V1("freezer", "/"), V1("memory", manager), V1("name=systemd", manager),
			 v2("/sys/fs/cgroup/unified", manager)},
		.count = mode == CGROUP_HYBRID ? 4 : 3,
		.mode = mode,
	};

	ck_assert_int_eq(scope_predict(&found, &arena, &place, &err), 0);
}

TEST(takes_the_same_path_in_all_hierarchies_of_version_1)
{
	forget_place();
	predict("/init.scope", CGROUP_V1);
	expect_everywhere("/a.slice/a-b.slice/libpod-a.scope");
	forget_place();
	predict("", CGROUP_V1);
	expect_everywhere("/a.slice/a-b.slice/libpod-a.scope");
	/* a systemd in a container */
	forget_place();
	predict("/lxc/c/init.scope", CGROUP_HYBRID);
	expect_everywhere("/lxc/c/a.slice/a-b.slice/libpod-a.scope");
	ck_assert_ptr_null(place.v2);
}

TEST(finds_a_scope_of_version_1)
{
	const char *path = "/a.slice/a-b.slice/libpod-a.scope";
	struct hierarchies found = {
		.list = {V1("freezer", ""), V1("memory", path), V1("name=systemd", path),
			 v2("/sys/fs/cgroup/unified", path)},
		.count = 4,
		.mode = CGROUP_HYBRID,
	};

	forget_place();
	predict("/init.scope", CGROUP_HYBRID);
	ck_assert_int_eq(scope_locate(&found, &arena, &place, &err), 0);
	expect_everywhere(path);
	ck_assert_str_eq(place.v2, "/sys/fs/cgroup/unified/a.slice/a-b.slice/libpod-a.scope");
	found.list[2].own = "/elsewhere/libpod-a.scope";
	ck_assert_int_eq(scope_locate(&found, &arena, &place, &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "systemd put libpod-a.scope in /elsewhere/libpod-a.scope, and not in "
			 "/a.slice/a-b.slice/libpod-a.scope");
}

TEST(takes_only_what_a_users_systemd_has)
{
	const char *path = "/user.slice/libpod-a.scope";
	const struct hierarchies found = {
		.list = {V1("freezer", ""), V1("memory", "/user.slice"), V1("name=systemd", path)},
		.count = 3,
		.mode = CGROUP_V1,
	};

	forget_place();
	ck_assert_int_eq(scope_locate(&found, &arena, &place, &err), 0);
	ck_assert_uint_eq(place.directories_len, 1);
	ck_assert_str_eq(place.directories[0],
			 "/sys/fs/cgroup/name=systemd/user.slice/libpod-a.scope");
}

/* -- where systemd is --------------------------------------------------------------------------- */

TEST(knows_whom_the_root_of_a_user_namespace_is_outside)
{
	static const char map[] = "         0       1000          1\n"
				  "         1     100000      65536\n";

	ck_assert_uint_eq(systemd_outer_uid(map, 0), 1000);
	ck_assert_uint_eq(systemd_outer_uid(map, 5), 100004);
	ck_assert_uint_eq(systemd_outer_uid(map, 70000), 70000);
	ck_assert_uint_eq(systemd_outer_uid("", 7), 7);
}

static const char *address;

static int find(bool user)
{
	begin();
	return systemd_bus_find(user, &arena, &address, &err);
}

TEST(takes_the_address_that_is_given)
{
	setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/a/b;unix:abstract=c", 1);
	ck_assert_int_eq(find(true), 0);
	ck_assert_str_eq(address, "unix:path=/a/b;unix:abstract=c");
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/c", 1);
	ck_assert_int_eq(find(false), 0);
	ck_assert_str_eq(address, "unix:path=/c");
}

/* "unixexec:" has the library start a program */
TEST(refuses_an_address_that_is_no_socket)
{
	static const char *const addresses[] = {"unixexec:path=/bin/sh", "tcp:host=a,port=1",
						"unix:path=/a;unixexec:path=/b", "/run/bus",
						"unix:path=/a;"};
	char text[128];

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		setenv("DBUS_SESSION_BUS_ADDRESS", addresses[i], 1);
		ck_assert_int_eq(find(true), -EINVAL);
		snprintf(text, sizeof(text),
			 "DBUS_SESSION_BUS_ADDRESS: \"%s\" is not the address of a socket",
			 addresses[i]);
		ck_assert_str_eq(err.text, text);
		ck_assert_str_eq(err.hint, "it begins with \"unix:\"");
	}
}

TEST(looks_in_the_runtime_directory)
{
	char directory[] = "/tmp/proa-unit b-XXXXXX", path[64], text[256];

	unsetenv("DBUS_SESSION_BUS_ADDRESS");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	setenv("XDG_RUNTIME_DIR", directory, 1);
	ck_assert_int_eq(find(true), -EINVAL);
	snprintf(text, sizeof(text),
		 "the user has no systemd: neither %s/bus nor %s/systemd/private exists", directory,
		 directory);
	ck_assert_str_eq(err.text, text);
	snprintf(path, sizeof(path), "%s/systemd", directory);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/systemd/private", directory);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	ck_assert_int_eq(find(true), 0);
	snprintf(text, sizeof(text), "unix:path=/tmp/proa-unit%%20b-%s/systemd/private",
		 directory + strlen("/tmp/proa-unit b-"));
	ck_assert_str_eq(address, text);
	snprintf(text, sizeof(text), "%s/bus", directory);
	close(open(text, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	ck_assert_int_eq(find(true), 0);
	ck_assert_str_eq(address + strlen(address) - 4, "/bus");
	unlink(text);
	unlink(path);
	snprintf(path, sizeof(path), "%s/systemd", directory);
	rmdir(path);
	rmdir(directory);
}

/* As engines pass it to some commands. */
TEST(takes_an_empty_runtime_directory_for_none)
{
	char map[4096], text[160];

	file_read_small(AT_FDCWD, "/proc/self/uid_map", map, sizeof(map));
	unsetenv("DBUS_SESSION_BUS_ADDRESS");
	setenv("XDG_RUNTIME_DIR", "", 1);
	begin();
	snprintf(text, sizeof(text), "/run/user/%u/systemd/transient",
		 (unsigned int)systemd_outer_uid(map, geteuid()));
	ck_assert_str_eq(systemd_transient_directory(true, &arena), text);
	ck_assert_str_eq(systemd_transient_directory(false, &arena), "/run/systemd/transient");
}

RUN_TESTS("cgroup-systemd", asks_for_nothing_where_nothing_is_limited,
	  makes_memory_and_swap_two_things, takes_a_limit_of_no_processes_for_one,
	  rounds_quotas_up_to_ten_milliseconds_a_second, converts_shares_and_idle,
	  makes_lists_to_bits, names_block_devices_by_number, puts_the_files_of_version_2_last,
	  allows_devices_by_number_and_driver, leaves_other_rules_to_the_program,
	  finds_a_scope_of_version_2_where_its_process_is,
	  tells_when_the_process_is_not_in_the_scope, knows_a_name_that_systemd_has_escaped,
	  takes_the_same_path_in_all_hierarchies_of_version_1, finds_a_scope_of_version_1,
	  takes_only_what_a_users_systemd_has, knows_whom_the_root_of_a_user_namespace_is_outside,
	  takes_the_address_that_is_given, refuses_an_address_that_is_no_socket,
	  looks_in_the_runtime_directory, takes_an_empty_runtime_directory_for_none)
