#include "cgroup/oom.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "cgroup-files.h"

static struct oom_before before;

static void put_v2(const char *directory, const char *kills, const char *own)
{
	put(directory, "memory.events", arena_printf(&arena, "oom 9\noom_kill %s\n", kills));
	put(directory, "memory.events.local", arena_printf(&arena, "max 5\noom %s\n", own));
}

/* The container's cgroup in another with a limit. */
static struct oci_record_cgroup make_v2(void)
{
	struct oci_record_cgroup place = {0};
	const char *above;

	begin_files();
	above = folder("above");
	place.v2 = folder("above/ctr");
	put_v2(above, "100", "7");
	put(above, "memory.max", "8388608\n");
	put(above, "memory.peak", "8388608\n");
	put_v2(place.v2, "0", "0");
	put(place.v2, "memory.max", "4194304\n");
	put(place.v2, "memory.peak", "4299161\n");
	return place;
}

/* "TOP" in the text stands for the directory of the test. */
static void expect(const char *text, const char *hint)
{
	const char *path = strstr(text, "TOP");

	ck_assert(oom_happened(&before));
	oom_explain(&before, &err);
	if (path)
		text = arena_printf(&arena, "%.*s%s%s", (int)(path - text), text, top,
				    path + strlen("TOP"));
	ck_assert_str_eq(err.text, text);
	ck_assert_str_eq(err.hint, hint);
}

TEST(names_the_containers_own_limit)
{
	const struct oci_record_cgroup place = make_v2();

	oom_remember(&place, &before);
	ck_assert(!oom_happened(&before));
	put_v2(place.v2, "1", "1");
	expect("container init was OOM-killed: memory limit 4 MiB of TOP/above/ctr reached, peak "
	       "4.1 MiB",
	       "memory limit too low?");
	/* Kernels before 5.19 keep no peak. */
	unlinkat(AT_FDCWD, arena_printf(&arena, "%s/memory.peak", place.v2), 0);
	expect("container init was OOM-killed: memory limit 4 MiB of TOP/above/ctr reached",
	       "memory limit too low?");
	end_files();
}

TEST(names_the_limit_of_a_cgroup_above)
{
	const struct oci_record_cgroup place = make_v2();

	oom_remember(&place, &before);
	put_v2(place.v2, "1", "0");
	put_v2(folder("above"), "101", "8");
	expect("container init was OOM-killed: memory limit 8 MiB of TOP/above reached, peak 8 MiB",
	       "memory limit too low?");
	end_files();
}

TEST(tells_when_it_was_nobodys_limit)
{
	const struct oci_record_cgroup place = make_v2();

	oom_remember(&place, &before);
	put_v2(place.v2, "1", "0");
	expect("container init was OOM-killed: the machine ran out of memory",
	       "no memory limit of its cgroup or of one above was reached");
	end_files();
}

TEST(who_was_not_there_knows_of_its_own_cgroup_alone)
{
	const struct oci_record_cgroup place = make_v2();

	oom_since_made(&place, &before);
	ck_assert(!oom_happened(&before));
	put_v2(place.v2, "1", "0");
	expect("container init was OOM-killed: the memory limit of a cgroup above its own was "
	       "reached, "
	       "or the machine's memory",
	       "");
	put_v2(place.v2, "1", "1");
	expect("container init was OOM-killed: memory limit 4 MiB of TOP/above/ctr reached, peak "
	       "4.1 MiB",
	       "memory limit too low?");
	end_files();
}

TEST(names_the_limit_of_version_1)
{
	const char *directories[1], *above;
	const struct oci_record_cgroup place = {.directories = directories, .directories_len = 1};

	begin_files();
	above = folder("above");
	directories[0] = folder("above/ctr");
	put(above, "memory.failcnt", "50\n");
	put(above, "memory.memsw.failcnt", "50\n");
	put(above, "memory.limit_in_bytes", "1000\n");
	put(above, "memory.max_usage_in_bytes", "1000\n");
	put(directories[0], "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
	put(directories[0], "memory.failcnt", "0\n");
	put(directories[0], "memory.limit_in_bytes", "524288\n");
	put(directories[0], "memory.max_usage_in_bytes", "524288\n");
	oom_remember(&place, &before);
	ck_assert(!oom_happened(&before));
	put(directories[0], "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
	put(above, "memory.memsw.failcnt", "51\n");
	expect("container init was OOM-killed: memory limit 1000 bytes of TOP/above reached, peak "
	       "1000 "
	       "bytes",
	       "memory limit too low?");
	put(directories[0], "memory.failcnt", "1\n");
	expect("container init was OOM-killed: memory limit 512 KiB of TOP/above/ctr reached, peak "
	       "512 "
	       "KiB",
	       "memory limit too low?");
	end_files();
}

TEST(a_version_1_that_does_not_count_was_full)
{
	const char *directories[1];
	const struct oci_record_cgroup place = {.directories = directories, .directories_len = 1};

	begin_files();
	directories[0] = folder("ctr");
	put(directories[0], "memory.oom_control", "oom_kill 0\n");
	put(directories[0], "memory.failcnt", "0\n");
	put(directories[0], "memory.limit_in_bytes", "524288\n");
	put(directories[0], "memory.max_usage_in_bytes", "520192\n");
	oom_remember(&place, &before);
	put(directories[0], "memory.oom_control", "oom_kill 1\n");
	expect("container init was OOM-killed: the machine ran out of memory",
	       "no memory limit of its cgroup or of one above was reached");
	put(directories[0], "memory.max_usage_in_bytes", "524288\n");
	err = (struct error){0};
	expect("container init was OOM-killed: memory limit 512 KiB of TOP/ctr reached, peak 512 "
	       "KiB",
	       "memory limit too low?");
	end_files();
}

/* Where a file of its own tells whether any of those above has a limit. */
static void have_limits_above(const char *memory, const char *both)
{
	const char *directories[1], *above;
	const struct oci_record_cgroup place = {.directories = directories, .directories_len = 1};

	begin_files();
	above = folder("above");
	directories[0] = folder("above/ctr");
	put(above, "memory.failcnt", "50\n");
	put(above, "memory.limit_in_bytes", "9223372036854771712\n");
	put(directories[0], "memory.oom_control", "oom_kill 0\n");
	put(directories[0], "memory.failcnt", "3\n");
	put(directories[0], "memory.stat",
	    arena_printf(&arena,
			 "cache 0\nhierarchical_memory_limit %s\nhierarchical_memsw_limit %s\n",
			 memory, both));
	oom_remember(&place, &before);
	put(directories[0], "memory.oom_control", "oom_kill 1\n");
	put(above, "memory.failcnt", "51\n");
}

TEST(looks_above_only_where_there_is_a_limit_of_version_1)
{
	static const char none[] = "9223372036854771712", some[] = "8388608";

	have_limits_above(none, none);
	expect("container init was OOM-killed: the machine ran out of memory",
	       "no memory limit of its cgroup or of one above was reached");
	end_files();
	have_limits_above(some, none);
	ck_assert_int_eq(oom_explain(&before, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "/above reached"));
	end_files();
	have_limits_above(none, some);
	ck_assert_int_eq(oom_explain(&before, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "/above reached"));
	end_files();
}

TEST(nothing_happens_where_nothing_counts_memory)
{
	const struct oci_record_cgroup none = {.v2 = "/nowhere/at/all"};
	struct oom_watch watch;

	oom_remember(&none, &before);
	ck_assert(!oom_happened(&before));
	oom_watch_begin(&none, &watch);
	ck_assert_int_eq(watch.fd, -1);
	ck_assert(!oom_watch_take(&watch));
	oom_watch_end(&watch);
}

TEST(a_watch_tells_what_is_new)
{
	const struct oci_record_cgroup place = make_v2();
	struct oom_watch watch;

	put_v2(place.v2, "3", "0");
	oom_watch_begin(&place, &watch);
	ck_assert_int_ge(watch.fd, 0);
	ck_assert_int_eq(oom_watch_events(&watch), POLLPRI);
	ck_assert(!oom_watch_take(&watch));
	put_v2(place.v2, "5", "0");
	ck_assert(oom_watch_take(&watch));
	ck_assert(!oom_watch_take(&watch));
	oom_watch_end(&watch);
	end_files();
}

RUN_TESTS("oom", names_the_containers_own_limit, names_the_limit_of_a_cgroup_above,
	  tells_when_it_was_nobodys_limit, who_was_not_there_knows_of_its_own_cgroup_alone,
	  names_the_limit_of_version_1, a_version_1_that_does_not_count_was_full,
	  looks_above_only_where_there_is_a_limit_of_version_1,
	  nothing_happens_where_nothing_counts_memory, a_watch_tells_what_is_new)
