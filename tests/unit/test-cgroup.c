#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/file.h"
#include "basic/syscalls.h"
#include "cgroup/controller.h"
#include "cgroups.h"

/* -- life ------------------------------------------------------------------------------------- */

TEST(makes_enters_and_removes_a_cgroup_in_every_hierarchy)
{
	pid_t pid, *pids;
	size_t count;
	char path[64], text[4096], *line;

	if (!can_make_cgroups())
		return;
	make_place("a/b");
	pid = start(sleep_for_ever);
	succeed(cgroup_processes(&place, &arena, &pids, &count, &err));
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(pids[0], pid);

	/* Every hierarchy with controllers, and all that we made: none is forgotten. */
	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	ck_assert_int_gt(file_read_small(AT_FDCWD, path, text, sizeof(text)), 0);
	count = 0;
	for (line = text; (line = strstr(line, "/a/b\n")) != NULL; line++)
		count++;
	ck_assert_uint_eq(count, place.directories_len + (place.v2 != NULL));

	remove_place();
	ck_assert_int_eq(WTERMSIG(wait_for(pid)), SIGKILL);
	/* Again: gone is fine. */
	succeed(cgroup_kill(&place, &err));
	succeed(cgroup_remove(&place, &err));
	succeed(cgroup_processes(&place, &arena, &pids, &count, &err));
	ck_assert_uint_eq(count, 0);
	ck_assert(!cgroup_frozen(&place));
	make_place("a");
	remove_place();
	close_test();
}

TEST(enters_by_itself)
{
	char text[4096], *line;
	size_t count = 0;
	pid_t pid;

	if (!can_make_cgroups())
		return;
	make_place("self");
	pid = fork();
	if (pid == 0) {
		succeed(cgroup_enter(&place, 0, false, &err));
		ck_assert_int_gt(file_read_small(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text)),
				 0);
		for (line = text; (line = strstr(line, "/self\n")) != NULL; line++)
			count++;
		ck_assert_uint_eq(count, place.directories_len + (place.v2 != NULL));
		_exit(0);
	}
	ck_assert_int_eq(wait_for(pid), 0);
	remove_place();
	close_test();
}

TEST(starts_a_process_inside_a_new_cgroup)
{
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
	int fd;
	pid_t pid;

	if (!can_make_cgroups())
		return;
	make_place("clone");
	fd = cgroup_clone_fd(&place);
	if (fd >= 0) {
		args.cgroup = (uint64_t)fd;
		pid = sys_clone3(&args);
		if (pid == 0)
			_exit(0);
		ck_assert_int_eq(wait_for(pid), 0);
		close(fd);
	}
	remove_place();
	close_test();
}

TEST(puts_processes_into_the_leaf_and_removes_it_too)
{
	char leaf[512], text[4096];
	struct stat status;
	pid_t pid;
	int fd;

	if (!can_make_cgroups())
		return;
	make_place("leaf");
	if (!place.v2) {
		printf("skipped: there is no version 2\n");
	} else {
		snprintf(leaf, sizeof(leaf), "%s/inner", place.v2);
		place.leaf = leaf;
		succeed(cgroup_create(&place, &err));
		fd = cgroup_clone_fd(&place);
		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
		close(fd);
		pid = start(sleep_for_ever);
		snprintf(text, sizeof(text), "/proc/%d/cgroup", pid);
		ck_assert_int_gt(file_read_small(AT_FDCWD, text, text, sizeof(text)), 0);
		ck_assert_ptr_nonnull(strstr(text, "/leaf/inner\n"));
		if (geteuid() == 0) {
			succeed(cgroup_delegate(&place, 65534, 65533, &err));
			ck_assert_int_eq(stat(leaf, &status), 0);
			ck_assert_uint_eq(status.st_uid, 65534);
			ck_assert_uint_eq(status.st_gid, 65533);
			snprintf(text, sizeof(text), "%s/cgroup.events", leaf);
			ck_assert_int_eq(stat(text, &status), 0);
			ck_assert_uint_eq(status.st_uid, 0);
		}
		succeed(cgroup_kill(&place, &err));
		wait_for(pid);
	}
	remove_place();
	close_test();
}

/* On some kernels whatever is born into a cgroup after cgroup.kill is killed as well. */
TEST(makes_a_cgroup_anew_that_was_killed_and_left)
{
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
	int fd;
	pid_t pid;

	if (!can_make_cgroups())
		return;
	make_place("left");
	succeed(cgroup_kill(&place, &err));
	succeed(cgroup_create(&place, &err));
	fd = cgroup_clone_fd(&place);
	if (fd >= 0) {
		args.cgroup = (uint64_t)fd;
		pid = sys_clone3(&args);
		if (pid == 0)
			_exit(0);
		ck_assert_int_eq(wait_for(pid), 0);
		close(fd);
	}
	remove_place();
	close_test();
}

TEST(refuses_a_cgroup_with_strangers_and_leaves_them_alone)
{
	char path[80];
	pid_t stranger;

	if (!can_make_cgroups())
		return;
	make_place("taken/below");
	stranger = start(sleep_for_ever);
	snprintf(path, sizeof(path), "%s/taken", base);
	succeed(plan(path, "x"));
	ck_assert_int_eq(cgroup_create(&place, &err), -EINVAL);
	ck_assert_ptr_nonnull(
		strstr(err.text, "container's cgroup is not empty: 1 process(es) found in /"));
	ck_assert_int_eq(kill(stranger, 0), 0);

	make_place("other");
	remove_place();
	make_place("taken/none");
	remove_place();
	snprintf(path, sizeof(path), "%s/taken", base);
	succeed(plan(path, "x"));
	remove_place();
	ck_assert_int_eq(WTERMSIG(wait_for(stranger)), SIGKILL);
	close_test();
}

TEST(takes_away_what_it_made_when_it_fails)
{
	char path[80], blocked[512];
	const char *v1;
	pid_t stranger;

	if (!can_make_cgroups())
		return;
	/* Only one hierarchy has a stranger: the others' directories are new each time. */
	make_place("half");
	v1 = place.directories_len ? place.directories[place.directories_len - 1] : place.v2;
	snprintf(blocked, sizeof(blocked), "%s/cgroup.procs", v1);
	stranger = fork();
	if (stranger == 0)
		sleep_for_ever();
	snprintf(path, sizeof(path), "%d", stranger);
	ck_assert_int_eq(file_write(AT_FDCWD, blocked, path), 0);
	for (size_t i = 0; i + 1 < place.directories_len; i++)
		ck_assert_int_eq(rmdir(place.directories[i]), 0);

	ck_assert_int_eq(cgroup_create(&place, &err), -EINVAL);
	for (size_t i = 0; i + 1 < place.directories_len; i++)
		ck_assert_int_eq(access(place.directories[i], F_OK), -1);
	ck_assert_int_eq(access(v1, F_OK), 0);
	kill(stranger, SIGKILL);
	wait_for(stranger);
	remove_place();
	close_test();
}

static void freeze(void)
{
	const char *v1 = limits_v1_directory(&place, "freezer.state");

	if (v1)
		ck_assert_int_eq(setting_write(v1, "freezer.state", "x", "FROZEN", &err), 0);
	if (place.v2)
		ck_assert_int_eq(setting_write(place.v2, "cgroup.freeze", "x", "1", &err), 0);
}

TEST(refuses_a_frozen_cgroup)
{
	if (!can_make_cgroups())
		return;
	make_place("frozen");
	freeze();
	ck_assert(cgroup_frozen(&place));
	ck_assert_int_eq(cgroup_create(&place, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "container's cgroup unexpectedly frozen: /"));
	remove_place();
	close_test();
}

TEST(kills_what_is_frozen_and_what_lies_below)
{
	struct oci_record_cgroup outer;
	pid_t pids[20];

	if (!can_make_cgroups())
		return;
	make_place("tree");
	outer = place;
	for (int i = 0; i < 10; i++)
		pids[i] = start(sleep_for_ever);
	make_place("tree/below/far/down");
	for (int i = 10; i < 20; i++)
		pids[i] = start(sleep_for_ever);
	freeze();
	place = outer;
	freeze();
	remove_place();
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(WTERMSIG(wait_for(pids[i])), SIGKILL);
	close_test();
}

/* As on a kernel without cgroup.kill, and in version 1. */
TEST(kills_many_one_by_one)
{
	pid_t pids[300];

	if (!can_make_cgroups())
		return;
	make_place("many");
	place.v2 = place.directories_len ? NULL : place.v2;
	for (int i = 0; i < 300; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			sleep_for_ever();
	}
	for (size_t i = 0; i < place.directories_len; i++)
		for (int j = 0; j < 300; j++) {
			char pid[16];

			snprintf(pid, sizeof(pid), "%d", pids[j]);
			if (strstr(place.directories[i], "freezer"))
				succeed(setting_write(place.directories[i], "cgroup.procs", "x",
						      pid, &err));
		}
	if (place.v2)
		for (int j = 0; j < 300; j++)
			succeed(cgroup_enter(&place, pids[j], false, &err));
	freeze();
	succeed(cgroup_kill(&place, &err));
	for (int i = 0; i < 300; i++)
		ck_assert_int_eq(WTERMSIG(wait_for(pids[i])), SIGKILL);
	remove_place();
	make_place("many");
	remove_place();
	close_test();
}

TEST(says_who_is_in_the_way_of_removal)
{
	char hint[80];
	pid_t pid;

	if (!can_make_cgroups())
		return;
	make_place("busy");
	pid = start(sleep_for_ever);
	ck_assert_int_eq(cgroup_remove(&place, &err), -EBUSY);
	ck_assert_ptr_nonnull(strstr(err.text, "remove cgroup /"));
	ck_assert_ptr_nonnull(strstr(err.text, "/busy: device or resource busy"));
	snprintf(hint, sizeof(hint), "1 process(es) are still in it: %d", pid);
	ck_assert_str_eq(err.hint, hint);
	remove_place();
	wait_for(pid);
	close_test();
}

RUN_TESTS("cgroup", makes_enters_and_removes_a_cgroup_in_every_hierarchy, enters_by_itself,
	  starts_a_process_inside_a_new_cgroup, puts_processes_into_the_leaf_and_removes_it_too,
	  makes_a_cgroup_anew_that_was_killed_and_left,
	  refuses_a_cgroup_with_strangers_and_leaves_them_alone,
	  takes_away_what_it_made_when_it_fails, refuses_a_frozen_cgroup,
	  kills_what_is_frozen_and_what_lies_below, kills_many_one_by_one,
	  says_who_is_in_the_way_of_removal)
