#include "cgroup/statistics.h"

#include <errno.h>

#include "cgroup-files.h"
#include "libocispec/encode.h"

static void expect(const struct oci_record_cgroup *place, const char *expected)
{
	struct oci_statistics statistics;

	ck_assert_int_eq(cgroup_statistics(place, &arena, &statistics, &err), 0);
	ck_assert_str_eq(oci_encode(&oci_statistics_object, &statistics, &arena, OCI_COMPACT),
			 expected);
}

TEST(tells_what_version_2_counts)
{
	struct oci_record_cgroup place = {0};

	begin_files();
	place.v2 = folder("v2");
	put(place.v2, "cpu.stat",
	    "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 4\n"
	    "nr_throttled 3\nthrottled_usec 2\n");
	put(place.v2, "cpu.pressure", "some avg10=0.01 avg60=0.00 avg300=0.00 total=9\n");
	put(place.v2, "cpuset.cpus.effective", "0-1,3\n");
	put(place.v2, "cpuset.mems.effective", "0\n");
	put(place.v2, "pids.current", "3\n");
	put(place.v2, "pids.max", "20\n");
	expect(&place,
	       "{\"cpu\":{\"usage\":{\"total\":30000,\"kernel\":10000,\"user\":20000},"
	       "\"throttling\":{\"periods\":4,\"throttledPeriods\":3,\"throttledTime\":2000},"
	       "\"psi\":{\"some\":{\"avg10\":0.01,\"avg60\":0.00,\"avg300\":0.00,\"total\":9}}},"
	       "\"cpuset\":{\"cpus\":[0,1,3],\"mems\":[0]},"
	       "\"pids\":{\"current\":3,\"limit\":20}}");
	end_files();
}

TEST(tells_memory_of_version_2_with_swap_added)
{
	struct oci_record_cgroup place = {0};

	begin_files();
	place.v2 = folder("v2");
	put(place.v2, "memory.current", "4096\n");
	put(place.v2, "memory.max", "8192\n");
	put(place.v2, "memory.stat", "anon 1000\nfile 96\n");
	expect(&place, "{\"memory\":{\"cache\":96,\"usage\":{\"limit\":8192,\"usage\":4096},"
		       "\"raw\":{\"anon\":1000,\"file\":96}}}");
	put(place.v2, "memory.peak", "5000\n");
	put(place.v2, "memory.events", "low 0\nhigh 0\nmax 7\noom 0\noom_kill 0\n");
	put(place.v2, "memory.swap.current", "100\n");
	put(place.v2, "memory.swap.max", "1000\n");
	put(place.v2, "memory.pressure", "full avg10=0.00 avg60=0.00 avg300=0.00 total=1\n");
	expect(&place,
	       "{\"memory\":{\"cache\":96,"
	       "\"usage\":{\"limit\":8192,\"usage\":4096,\"max\":5000,\"failcnt\":7},"
	       "\"swap\":{\"limit\":9192,\"usage\":4196},\"raw\":{\"anon\":1000,\"file\":96},"
	       "\"psi\":{\"full\":{\"avg10\":0.00,\"avg60\":0.00,\"avg300\":0.00,\"total\":1}}}}");
	put(place.v2, "memory.max", "max\n");
	put(place.v2, "memory.events", "");
	unlinkat(AT_FDCWD, arena_printf(&arena, "%s/memory.pressure", place.v2), 0);
	expect(&place, "{\"memory\":{\"cache\":96,"
		       "\"usage\":{\"limit\":18446744073709551615,\"usage\":4096,\"max\":5000},"
		       "\"swap\":{\"limit\":18446744073709551615,\"usage\":4196},"
		       "\"raw\":{\"anon\":1000,\"file\":96}}}");
	end_files();
}

TEST(tells_block_devices_and_huge_pages_of_version_2)
{
	struct oci_record_cgroup place = {0};

	begin_files();
	place.v2 = folder("v2");
	put(place.v2, "io.stat",
	    "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n"
	    "253:16 \n254:1 rbytes=7 rios=8");
	put(place.v2, "hugetlb.2MB.current", "4194304\n");
	put(place.v2, "hugetlb.2MB.rsvd.current", "0\n");
	put(place.v2, "hugetlb.2MB.events", "max 2\n");
	expect(&place, "{\"blkio\":{\"ioServiceBytesRecursive\":["
		       "{\"major\":8,\"minor\":0,\"op\":\"Read\",\"value\":1},"
		       "{\"major\":8,\"minor\":0,\"op\":\"Write\",\"value\":2},"
		       "{\"major\":8,\"minor\":0,\"op\":\"Discard\",\"value\":5},"
		       "{\"major\":254,\"minor\":1,\"op\":\"Read\",\"value\":7}],"
		       "\"ioServicedRecursive\":["
		       "{\"major\":8,\"minor\":0,\"op\":\"Read\",\"value\":3},"
		       "{\"major\":8,\"minor\":0,\"op\":\"Write\",\"value\":4},"
		       "{\"major\":8,\"minor\":0,\"op\":\"Discard\",\"value\":6},"
		       "{\"major\":254,\"minor\":1,\"op\":\"Read\",\"value\":8}]},"
		       "\"hugetlb\":{\"2MB\":{\"usage\":4194304,\"failcnt\":2}}}");
	end_files();
}

TEST(tells_what_version_1_counts)
{
	const char *directories[4];
	struct oci_record_cgroup place = {.directories = directories, .directories_len = 4};

	begin_files();
	directories[0] = folder("cpuacct");
	put(directories[0], "cpuacct.usage", "30\n");
	put(directories[0], "cpuacct.usage_user", "20\n");
	put(directories[0], "cpuacct.usage_sys", "10\n");
	put(directories[0], "cpuacct.usage_percpu", "11 19 \n");
	directories[1] = folder("cpu");
	put(directories[1], "cpu.shares", "1024\n");
	put(directories[1], "cpu.stat", "nr_periods 4\nnr_throttled 3\nthrottled_time 2\n");
	directories[2] = folder("cpuset");
	put(directories[2], "cpuset.cpus", "1\n");
	put(directories[2], "cpuset.mem_hardwall", "1\n");
	put(directories[2], "cpuset.sched_relax_domain_level", "-1\n");
	directories[3] = folder("pids");
	put(directories[3], "pids.current", "3\n");
	put(directories[3], "pids.max", "max\n");
	expect(&place,
	       "{\"cpu\":{\"usage\":{\"total\":30,\"percpu\":[11,19],\"kernel\":10,\"user\":20},"
	       "\"throttling\":{\"periods\":4,\"throttledPeriods\":3,\"throttledTime\":2}},"
	       "\"cpuset\":{\"cpus\":[1],\"mem_hardwall\":1,\"sched_relax_domain_level\":-1},"
	       "\"pids\":{\"current\":3}}");
	end_files();
}

TEST(tells_memory_and_devices_of_version_1)
{
	const char *directories[3];
	struct oci_record_cgroup place = {.directories = directories, .directories_len = 3};

	begin_files();
	directories[0] = folder("memory");
	put(directories[0], "memory.usage_in_bytes", "1\n");
	put(directories[0], "memory.limit_in_bytes", "9223372036854771712\n");
	put(directories[0], "memory.max_usage_in_bytes", "2\n");
	put(directories[0], "memory.failcnt", "3\n");
	put(directories[0], "memory.kmem.tcp.usage_in_bytes", "4\n");
	put(directories[0], "memory.stat", "cache 1\ntotal_cache 5\n");
	directories[1] = folder("blkio");
	put(directories[1], "blkio.reset_stats", "");
	put(directories[1], "blkio.bfq.io_serviced_recursive", "Total 0\n");
	put(directories[1], "blkio.throttle.io_serviced_recursive",
	    "8:0 Read 6\n8:0 Total 6\nTotal 6\n");
	put(directories[1], "blkio.bfq.time_recursive", "8:0 77\n");
	directories[2] = folder("hugetlb");
	put(directories[2], "hugetlb.2MB.limit_in_bytes", "0\n");
	put(directories[2], "hugetlb.2MB.usage_in_bytes", "0\n");
	put(directories[2], "hugetlb.2MB.max_usage_in_bytes", "8\n");
	put(directories[2], "hugetlb.2MB.failcnt", "9\n");
	expect(&place,
	       "{\"memory\":{\"cache\":5,\"usage\":{\"limit\":9223372036854771712,\"usage\":1,"
	       "\"max\":2,\"failcnt\":3},\"kernelTCP\":{\"usage\":4},"
	       "\"raw\":{\"cache\":1,\"total_cache\":5}},"
	       "\"blkio\":{\"ioServicedRecursive\":["
	       "{\"major\":8,\"minor\":0,\"op\":\"Read\",\"value\":6},"
	       "{\"major\":8,\"minor\":0,\"op\":\"Total\",\"value\":6}],"
	       "\"ioTimeRecursive\":[{\"major\":8,\"minor\":0,\"value\":77}]},"
	       "\"hugetlb\":{\"2MB\":{\"usage\":0,\"max\":8,\"failcnt\":9}}}");
	end_files();
}

TEST(leaves_everything_out_when_the_cgroup_is_gone)
{
	struct oci_record_cgroup place = {.v2 = "/nowhere/at/all"};

	begin_files();
	expect(&place, "{}");
	end_files();
}

TEST(refuses_a_container_without_a_cgroup)
{
	const struct oci_record_cgroup disabled = {.manager = "disabled"};
	struct oci_statistics statistics;

	begin_files();
	ck_assert_int_eq(cgroup_statistics(&disabled, &arena, &statistics, &err), -EINVAL);
	ck_assert_str_eq(err.text, "the container has no cgroup of its own");
	ck_assert_str_eq(err.hint,
			 "it was made with --cgroup-manager disabled, or by a user to whom "
			 "no cgroup is delegated");
	ck_assert_int_eq(cgroup_statistics(NULL, &arena, &statistics, &err), -EINVAL);
	end_files();
}

RUN_TESTS("statistics", tells_what_version_2_counts, tells_memory_of_version_2_with_swap_added,
	  tells_block_devices_and_huge_pages_of_version_2, tells_what_version_1_counts,
	  tells_memory_and_devices_of_version_1, leaves_everything_out_when_the_cgroup_is_gone,
	  refuses_a_container_without_a_cgroup)
