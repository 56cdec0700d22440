#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <time.h>

#include "child.h"
#include "linux/section.h"
#include "linux/time-offsets.h"
#include "unit.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static struct error err;
static struct oci_namespace namespace;
static struct oci_linux properties;
static const struct oci_config config = {.linux = &properties};

/* A config with one offset, and a time namespace: "" for a new one, NULL for none. */
static const struct oci_config *with_offset(const char *clock, uint32_t nanosecs, const char *path)
{
	static struct oci_time_offset_entry offset;

	namespace = (struct oci_namespace){.type = "time", .path = path};
	offset = (struct oci_time_offset_entry){
		.key = clock,
		.value = {.secs = 86400 * 365, .nanosecs = nanosecs},
	};
	properties = (struct oci_linux){
		.namespaces = &namespace,
		.namespaces_len = path ? 1 : 0,
		.time_offsets = &offset,
		.time_offsets_len = 1,
	};
	return &config;
}

static int validate(const struct oci_config *what)
{
	return section_time_offsets.validate(what, &err);
}

TEST(accepts_both_clocks_in_a_new_namespace)
{
	ck_assert_int_eq(validate(with_offset("monotonic", 999999999, "")), 0);
	ck_assert_int_eq(validate(with_offset("boottime", 0, "")), 0);
	ck_assert_int_eq(validate(&(struct oci_config){0}), 0);
}

TEST(rejects_another_clock)
{
	ck_assert_int_eq(validate(with_offset("realtime", 0, "")), -EINVAL);
	ck_assert_str_eq(err.text, "linux.timeOffsets: unknown clock \"realtime\"");
	ck_assert_str_eq(err.hint, "the clocks are monotonic and boottime");
}

TEST(rejects_a_second_of_nanoseconds)
{
	ck_assert_int_eq(validate(with_offset("monotonic", 1000000000, "")), -EINVAL);
	ck_assert_str_eq(err.text, "linux.timeOffsets.monotonic.nanosecs: 1000000000 is a second "
				   "or more");
}

TEST(rejects_offsets_for_the_clocks_of_others)
{
	ck_assert_int_eq(validate(with_offset("monotonic", 0, NULL)), -EINVAL);
	ck_assert_str_eq(err.text, "linux.timeOffsets: the container has no new time namespace");
	ck_assert_int_eq(validate(with_offset("monotonic", 0, "/proc/1/ns/time")), -EINVAL);
}

static int read_clock(void *context, struct error *e)
{
	struct timespec *now = context;

	(void)e;
	clock_gettime(CLOCK_MONOTONIC, now);
	return now->tv_sec > 86400 * 365;
}

static int write_offsets(void *context, struct error *e)
{
	struct timespec now;

	skip_unless(unshare(CLONE_NEWTIME) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWTIME) == 0);
	if (time_offsets_write(context, e) < 0)
		return -e->code;
	return in_child(read_clock, &now, e);
}

TEST(sets_the_clock_of_the_next_child)
{
	struct container container = {
		.config = with_offset("monotonic", 5, ""),
		.proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	};
	int r = in_child(write_offsets, &container, &err);

	ck_assert_msg(r == 1 || r == CHILD_SKIPPED, "%d: %s", r, err.text);
}

RUN_TESTS("time-offsets", accepts_both_clocks_in_a_new_namespace, rejects_another_clock,
	  rejects_a_second_of_nanoseconds, rejects_offsets_for_the_clocks_of_others,
	  sets_the_clock_of_the_next_child)
