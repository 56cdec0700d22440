/*
 * For the tests that make real cgroups, all below one of their own in each hierarchy that is
 * mounted, and start processes in them.  Where no cgroups can be made they say so and pass.
 */
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup/cgroup.h"
#include "cgroup/hierarchies.h"
#include "unit.h"

static struct arena arena;
static struct error err;
static struct oci_record_cgroup place;
static char base[32]; /* "/proa-unit-PID" */

/* What a parent cgroup is to the tests: made by them, and removed at the end with its children. */
static inline void open_test(void)
{
	snprintf(base, sizeof(base), "/proa-unit-%d", getpid());
	err = (struct error){0};
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
}

/* Whether there is any hierarchy to place a cgroup in. */
static inline bool can_place(void)
{
	struct hierarchies found;

	open_test();
	ck_assert_int_eq(hierarchies_find(&arena, &found, &err), 0);
	if (found.count > 0)
		return true;
	printf("skipped: no cgroup hierarchy is mounted here\n");
	arena_release(&arena);
	return false;
}

static inline int plan(const char *path, const char *id)
{
	const struct cgroup_wish wish = {.id = id, .cgroups_path = path};

	return cgroup_plan(&wish, &arena, &place, &err);
}

/* Takes base, the directory above the place, away as well. */
static inline void close_test(void)
{
	char above[512];

	for (size_t i = 0; i <= place.directories_len; i++) {
		const char *directory = i < place.directories_len ? place.directories[i] : place.v2;

		if (!directory || !strstr(directory, base))
			continue;
		snprintf(above, sizeof(above), "%.*s%s", (int)(strstr(directory, base) - directory),
			 directory, base);
		rmdir(above);
	}
	arena_release(&arena);
}

/* Whether this user may make cgroups here; says so if not. */
static inline bool can_make_cgroups(void)
{
	char path[80];

	open_test();
	snprintf(path, sizeof(path), "%s/probe", base);
	if (plan(path, "x") == 0 && cgroup_create(&place, &err) == 0) {
		ck_assert_int_eq(cgroup_remove(&place, &err), 0);
		return true;
	}
	printf("skipped: no cgroups can be made here: %s\n", err.text);
	close_test();
	return false;
}

static inline void make_place(const char *name)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	if (plan(path, "x") < 0 || cgroup_create(&place, &err) < 0)
		ck_abort_msg("%s: %s", err.text, err.hint);
}

static inline void succeed(int r)
{
	if (r < 0)
		ck_abort_msg("%s: %s", err.text, err.hint);
}

/* Starts a process in the place which runs body and exits with what that returns. */
static inline pid_t start(int (*body)(void))
{
	int gate[2];
	char byte = 0;
	pid_t pid;

	ck_assert_int_eq(pipe2(gate, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(gate[1]);
		_exit(read(gate[0], &byte, 1) == 1 ? body() : 99);
	}
	succeed(cgroup_enter(&place, pid, false, &err));
	ck_assert_int_eq(write(gate[1], &byte, 1), 1);
	close(gate[0]);
	close(gate[1]);
	return pid;
}

static inline int wait_for(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static inline __attribute__((noreturn)) int sleep_for_ever(void)
{
	for (;;)
		pause();
}

static inline void remove_place(void)
{
	succeed(cgroup_kill(&place, &err));
	succeed(cgroup_remove(&place, &err));
	for (size_t i = 0; i < place.directories_len; i++)
		ck_assert_int_eq(access(place.directories[i], F_OK), -1);
	if (place.v2)
		ck_assert_int_eq(access(place.v2, F_OK), -1);
}
