/*
 * "pause" and "resume": see cgroup.h.
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html, cgroup.freeze and cgroup.events
 *	https://docs.kernel.org/admin-guide/cgroup-v1/freezer-subsystem.html
 *
 * What is frozen holds for all cgroups below, too.  What a container has frozen in its own cgroups stays frozen
 * when it is thawed.  On a machine with both versions the second is used, in which frozen processes can be
 * killed; thawed is whatever is frozen, whoever did it.
 *
 * Nothing of it is recorded: the cgroup itself says whether it is frozen, so whoever is killed in between leaves
 * nothing but a paused container.
 */
#include "cgroup/freezer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/clock.h"
#include "basic/file.h"
#include "cgroup/controller.h"
#include "cgroup/directory.h"
#include "cgroup/figures.h"
#include "cgroup/tree.h"

enum {
	HOLD_WAIT = 2000,	 /* milliseconds: who only wants to signal does not wait longer */
	ROUNDS_BEFORE_THAW = 50, /* of a millisecond each */
};

static int write_state(const char *directory, const char *file, const char *value,
		       struct error *err)
{
	char path[PATH_MAX + 32];
	int r;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	r = file_write(AT_FDCWD, path, value);
	if (r == -EACCES || r == -EPERM)
		return error_config(err, "uid %u may not write to %s", (unsigned int)geteuid(),
				    path);
	if (tree_gone(-r))
		return error_config(err, "the cgroup %s is gone", directory);
	return r < 0 ? error_errno(err, -r, "write %s to %s", value, path) : 0;
}

/* -- version 2 -------------------------------------------------------------------------------- */

static bool says_frozen(int events)
{
	char text[256];
	ssize_t length = pread(events, text, sizeof(text) - 1, 0);
	uint64_t frozen = 0;

	text[length > 0 ? length : 0] = '\0';
	return figure_find(text, "frozen", &frozen) && frozen == 1;
}

/* Whether all had stopped before the deadline. */
static int freeze_v2(const char *directory, uint64_t deadline, struct error *err)
{
	char path[PATH_MAX + 32];
	autoclose int events = -1;

	snprintf(path, sizeof(path), "%s/cgroup.events", directory);
	events = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (write_state(directory, "cgroup.freeze", "1", err) < 0)
		return -err->code;
	while (!says_frozen(events)) {
		struct pollfd change = {.fd = events, .events = POLLPRI};
		uint64_t now = clock_milliseconds();

		if (now >= deadline)
			return 0;
		poll(&change, 1, (int)(deadline - now));
	}
	return 1;
}

/* -- version 1 -------------------------------------------------------------------------------- */

static bool is_frozen_v1(const char *directory)
{
	char path[PATH_MAX + 32], state[16];

	snprintf(path, sizeof(path), "%s/freezer.state", directory);
	return file_read_small(AT_FDCWD, path, state, sizeof(state)) > 0 &&
	       strncmp(state, "FROZEN", 6) == 0;
}

static void nap(void)
{
	const struct timespec millisecond = {.tv_nsec = 1000000};

	nanosleep(&millisecond, NULL);
}

/* Nothing tells when it has happened.  Processes that wait for one another in the kernel can keep it at FREEZING
 * for ever; to write FROZEN again, and now and then to let them run for a moment, helps. */
static int freeze_v1(const char *directory, uint64_t deadline, struct error *err)
{
	for (int round = 1;; round++) {
		if (write_state(directory, "freezer.state", "FROZEN", err) < 0)
			return -err->code;
		if (is_frozen_v1(directory))
			return 1;
		if (clock_milliseconds() >= deadline)
			return 0;
		if (round % ROUNDS_BEFORE_THAW == 0 &&
		    write_state(directory, "freezer.state", "THAWED", err) < 0)
			return -err->code;
		nap();
	}
}

static int thaw_here(int dir, void *context, struct error *err)
{
	(void)context, (void)err;
	file_write(dir, "freezer.state", "THAWED");
	return 0;
}

int freezer_thaw_tree(const char *directory, struct error *err)
{
	return tree_visit(directory, thaw_here, NULL, err);
}

/* -- whichever there is ----------------------------------------------------------------------- */

/* Returns 1 when all have stopped, 0 when time is up. */
static int freeze_within(const struct oci_record_cgroup *place, int milliseconds, struct error *err)
{
	uint64_t deadline = clock_milliseconds() + (uint64_t)milliseconds;
	const char *v1;

	if (cgroup_none(place, err) < 0)
		return -err->code;
	if (place->v2 && setting_exists(place->v2, "cgroup.freeze"))
		return freeze_v2(place->v2, deadline, err);
	v1 = limits_v1_directory(place, "freezer.state");
	if (v1)
		return freeze_v1(v1, deadline, err);
	error_config(err, "the container's cgroups cannot be frozen");
	return error_hint(err, "it takes cgroup version 2, or the freezer of version 1");
}

static int thaw(const struct oci_record_cgroup *place, struct error *err)
{
	const char *v1;
	int r = 0;

	if (cgroup_none(place, err) < 0)
		return -err->code;
	if (place->v2 && directory_frozen_v2(place->v2))
		r = write_state(place->v2, "cgroup.freeze", "0", err);
	v1 = limits_v1_directory(place, "freezer.state");
	if (r == 0 && v1 && directory_frozen_v1(v1))
		r = write_state(v1, "freezer.state", "THAWED", err);
	return r;
}

int freezer_freeze(const struct oci_record_cgroup *place, int milliseconds, struct error *err)
{
	struct error failure = {0}, unheard = {0};
	int r = freeze_within(place, milliseconds, &failure);

	if (r > 0)
		return 0;
	if (r == 0) {
		error_config(&failure, "not all processes of cgroup %s have stopped in time",
			     place->v2 ? place->v2 : place->path);
		failure.code = ETIMEDOUT;
		error_hint(&failure, "a process in it is busy in the kernel; it was thawed again");
	}
	if (place)
		(void)thaw(place, &unheard);
	*err = failure;
	return -err->code;
}

int cgroup_freeze(const struct oci_record_cgroup *place, bool freeze, struct error *err)
{
	return freeze ? freezer_freeze(place, FREEZER_MOST_WAIT, err) : thaw(place, err);
}

bool cgroup_hold(const struct oci_record_cgroup *place)
{
	struct error unheard = {0};

	/* Those that have not stopped yet can no longer fork. */
	return freeze_within(place, HOLD_WAIT, &unheard) >= 0;
}
