#include "cgroup/freezer.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "basic/file.h"
#include "basic/process.h"
#include "cgroup/controller.h"
#include "cgroups.h"

/* -- in real cgroups -------------------------------------------------------------------------- */

static __attribute__((noreturn)) int count_for_ever(void)
{
	for (;;)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* How often it has been woken so far. */
static long switches(pid_t pid)
{
	char path[64], text[4096];
	const char *line;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	ck_assert_int_gt(file_read_small(AT_FDCWD, path, text, sizeof(text)), 0);
	line = strstr(text, "\nvoluntary_ctxt_switches:");
	return strtol(line + strlen("\nvoluntary_ctxt_switches:"), NULL, 10);
}

static bool runs_within(pid_t pid, int rounds)
{
	long before = switches(pid);

	while (rounds-- > 0 && switches(pid) <= before + 5)
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	return switches(pid) > before + 5;
}

/* It has seconds if it should, and a moment if it should not. */
static bool runs(pid_t pid)
{
	return runs_within(pid, 500);
}

static bool stands_still(pid_t pid)
{
	return !runs_within(pid, 5);
}

static bool can_freeze(void)
{
	if (limits_v1_directory(&place, "freezer.state") ||
	    (place.v2 && setting_exists(place.v2, "cgroup.freeze")))
		return true;
	printf("skipped: nothing can be frozen here\n");
	remove_place();
	close_test();
	return false;
}

static void freeze_and_thaw(void)
{
	pid_t pid = start(count_for_ever);

	ck_assert(runs(pid));
	succeed(cgroup_freeze(&place, true, &err));
	ck_assert(cgroup_frozen(&place));
	ck_assert(stands_still(pid));
	succeed(cgroup_freeze(&place, true, &err));
	succeed(cgroup_freeze(&place, false, &err));
	ck_assert(!cgroup_frozen(&place));
	ck_assert(runs(pid));
	succeed(cgroup_freeze(&place, false, &err));
	ck_assert(cgroup_hold(&place));
	ck_assert(stands_still(pid));
	/* What is frozen can be killed. */
	succeed(cgroup_kill(&place, &err));
	ck_assert_int_eq(WTERMSIG(wait_for(pid)), SIGKILL);
}

TEST(freezes_and_thaws)
{
	if (!can_make_cgroups())
		return;
	make_place("freezer");
	if (!can_freeze())
		return;
	freeze_and_thaw();
	remove_place();
	close_test();
}

/* Where both versions are, the second is used; this is the first. */
TEST(freezes_and_thaws_with_version_1_alone)
{
	const char *v2;

	if (!can_make_cgroups())
		return;
	make_place("freezer");
	if (!can_freeze())
		return;
	v2 = place.v2;
	place.v2 = NULL;
	if (limits_v1_directory(&place, "freezer.state"))
		freeze_and_thaw();
	else
		printf("skipped: there is no freezer of version 1\n");
	place.v2 = v2;
	remove_place();
	close_test();
}

/* A cgroup that is made anew is another one, whatever is in it. */
TEST(knows_its_own_cgroup_by_its_number)
{
	pid_t pid;

	if (!can_make_cgroups())
		return;
	make_place("number");
	if (!place.has_events) {
		printf("skipped: version 2 is not all that there is, or its files have no "
		       "numbers\n");
		remove_place();
		close_test();
		return;
	}
	ck_assert(!cgroup_at_work(&place));
	place.made = true;
	ck_assert(!cgroup_at_work(&place));
	pid = start(count_for_ever);
	ck_assert(cgroup_at_work(&place));
	succeed(cgroup_kill(&place, &err));
	wait_for(pid);
	ck_assert(!cgroup_at_work(&place));
	ck_assert_int_eq(rmdir(place.v2), 0);
	ck_assert(!cgroup_at_work(&place));
	ck_assert_int_eq(mkdir(place.v2, 0755), 0);
	pid = start(count_for_ever);
	/* Only root gets at it by its number. */
	ck_assert_int_eq(cgroup_at_work(&place), geteuid() != 0);
	place.events = 0;
	ck_assert(cgroup_at_work(&place));
	succeed(cgroup_kill(&place, &err));
	wait_for(pid);
	remove_place();
	close_test();
}

/* -- in files that do as they like ------------------------------------------------------------ */

static char fake[] = "/tmp/proa-freezer-XXXXXX";

static void put(const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", fake, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	dprintf(fd, "%s", text);
	close(fd);
}

static void expect_content(const char *name, const char *expected)
{
	char path[128], text[64];

	snprintf(path, sizeof(path), "%s/%s", fake, name);
	file_read_small(AT_FDCWD, path, text, sizeof(text));
	ck_assert_str_eq(text, expected);
}

static void remove_fake(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", fake);
	ck_assert_int_eq(system(command), 0);
}

TEST(thaws_again_what_does_not_stop)
{
	const struct oci_record_cgroup v2 = {.v2 = fake};
	char expected[128];

	ck_assert_ptr_nonnull(mkdtemp(fake));
	put("cgroup.freeze", "0");
	put("cgroup.events", "populated 1\nfrozen 0\n");
	ck_assert_int_eq(freezer_freeze(&v2, 50, &err), -ETIMEDOUT);
	snprintf(expected, sizeof(expected), "not all processes of cgroup %s have stopped in time",
		 fake);
	ck_assert_str_eq(err.text, expected);
	ck_assert_str_eq(err.hint, "a process in it is busy in the kernel; it was thawed again");
	expect_content("cgroup.freeze", "0");
	put("cgroup.events", "populated 1\nfrozen 1\n");
	ck_assert_int_eq(freezer_freeze(&v2, 50, &err), 0);
	expect_content("cgroup.freeze", "1");
	remove_fake();
}

TEST(knows_by_one_look_that_there_is_work_in_it)
{
	struct oci_record_cgroup v2 = {.v2 = fake, .made = true};
	const char *directory = "/nowhere";

	ck_assert_ptr_nonnull(mkdtemp(fake));
	ck_assert(!cgroup_at_work(&v2));
	put("cgroup.events", "populated 1\nfrozen 0\n");
	ck_assert(cgroup_at_work(&v2));
	put("cgroup.events", "populated 1\nfrozen 0\nothers 1\n");
	ck_assert(cgroup_at_work(&v2));
	put("cgroup.events", "populated 1\nfrozen 1\n");
	ck_assert(!cgroup_at_work(&v2));
	put("cgroup.events", "populated 0\nfrozen 0\n");
	ck_assert(!cgroup_at_work(&v2));
	/* Before Linux 5.2. */
	put("cgroup.events", "populated 1\n");
	ck_assert(!cgroup_at_work(&v2));
	put("cgroup.events", "populated 1\nfrozen 0\n");
	v2.made = false;
	ck_assert(!cgroup_at_work(&v2));
	v2.made = true;
	/* The freezer may be that of version 1. */
	v2.directories = &directory;
	v2.directories_len = 1;
	ck_assert(!cgroup_at_work(&v2));
	remove_fake();
}

TEST(tells_what_is_in_the_way)
{
	const struct oci_record_cgroup nowhere = {.v2 = "/nowhere/at/all"};
	const struct oci_record_cgroup disabled = {.manager = "disabled"};

	ck_assert_int_eq(cgroup_freeze(&nowhere, true, &err), -EINVAL);
	ck_assert_str_eq(err.text, "the container's cgroups cannot be frozen");
	ck_assert_int_eq(cgroup_freeze(&disabled, true, &err), -EINVAL);
	ck_assert_str_eq(err.text, "the container has no cgroup of its own");
	ck_assert_int_eq(cgroup_freeze(&disabled, false, &err), -EINVAL);
	ck_assert_int_eq(cgroup_freeze(NULL, true, &err), -EINVAL);
	ck_assert(!cgroup_hold(&disabled));
}

RUN_TESTS("freezer", knows_its_own_cgroup_by_its_number, freezes_and_thaws,
	  freezes_and_thaws_with_version_1_alone, thaws_again_what_does_not_stop,
	  knows_by_one_look_that_there_is_work_in_it, tells_what_is_in_the_way)
