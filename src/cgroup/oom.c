/*
 * Who ran out of memory, and whose limit it was: see oom.h.
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
 *	https://docs.kernel.org/admin-guide/cgroup-v1/memory.html#oom-control
 *
 *				version 2			version 1
 *	processes killed	memory.events: oom_kill		memory.oom_control: oom_kill
 *	own limit, in vain	memory.events.local: oom	memory.failcnt, memory.memsw.failcnt
 *
 * Remembered before a container's first process is there, and asked when that was killed.
 */
#include "cgroup/oom.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "cgroup/controller.h"
#include "cgroup/figures.h"

enum { EVENTS_SIZE = 512, STAT_SIZE = 4096, AMOUNT_SIZE = 32 };

/* A counter in a file of lines, 0 if it has none; false: there is no such file. */
static bool read_counter(const char *directory, const char *file, const char *name, uint64_t *value)
{
	char path[PATH_MAX + 32], text[EVENTS_SIZE];

	*value = 0;
	snprintf(path, sizeof(path), "%s/%s", directory, file);
	if (file_read_small(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	(void)figure_find(text, name, value);
	return true;
}

static uint64_t count_killed(const struct oom_before *before)
{
	uint64_t count;

	read_counter(before->directory, before->v2 ? "memory.events" : "memory.oom_control",
		     "oom_kill", &count);
	return count;
}

/* How often the cgroup's own limit was the reason; false: it has none, as the root. */
static bool count_reached(const char *directory, bool v2, uint64_t *count)
{
	uint64_t swap = 0;

	if (v2)
		return read_counter(directory, "memory.events.local", "oom", count);
	if (setting_read(directory, "memory.failcnt", count) < 0)
		return false;
	/* Where memory and swap have one limit it is found there. */
	(void)setting_read(directory, "memory.memsw.failcnt", &swap);
	*count += swap;
	return true;
}

/* Cuts the last component off; false when there is none. */
static bool step_up(char path[PATH_MAX])
{
	char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return false;
	*slash = '\0';
	return true;
}

/* Where memory is counted, and how many were killed there until now. */
static void find_counter(const struct oci_record_cgroup *place, struct oom_before *before)
{
	const char *v2 = place->leaf ? place->leaf : place->v2;

	*before = (struct oom_before){.directory = v2, .v2 = true};
	if (v2 && read_counter(v2, "memory.events", "oom_kill", &before->killed))
		return;
	before->v2 = false;
	before->directory = cgroup_memory_v1(place);
	if (before->directory)
		before->killed = count_killed(before);
}

void oom_since_made(const struct oci_record_cgroup *place, struct oom_before *before)
{
	find_counter(place, before);
	before->killed = 0;
	before->own_alone = true;
	before->levels = 1;
}

/* Whether the cgroup or one above it has a limit: in version 1 one file tells. */
__attribute__((noinline)) static bool is_limited_v1(const char *directory)
{
	uint64_t memory = 0, both = UINT64_MAX;
	char path[PATH_MAX + 32], text[STAT_SIZE];

	snprintf(path, sizeof(path), "%s/memory.stat", directory);
	if (file_read_small(AT_FDCWD, path, text, sizeof(text)) < 0 ||
	    !figure_find(text, "hierarchical_memory_limit", &memory))
		return true;
	(void)figure_find(text, "hierarchical_memsw_limit", &both);
	return memory <= LARGEST_LIMIT_V1 || both <= LARGEST_LIMIT_V1;
}

void oom_remember(const struct oci_record_cgroup *place, struct oom_before *before)
{
	int most = OOM_MOST_LEVELS;
	char path[PATH_MAX];

	find_counter(place, before);
	if (!before->directory)
		return;
	/* Its own limits are still to be set. */
	if (!before->v2 && !is_limited_v1(before->directory))
		most = 1;
	snprintf(path, sizeof(path), "%s", before->directory);
	while (before->levels < most &&
	       count_reached(path, before->v2, &before->reached[before->levels])) {
		before->levels++;
		if (!step_up(path))
			break;
	}
}

bool oom_happened(const struct oom_before *before)
{
	return before->directory && count_killed(before) > before->killed;
}

/* Where memory and swap have one limit, newer kernels (6.18) count nothing in version 1.  But the cgroup is new, so
 * what it had at most, it had since. */
static bool was_full_v1(const char *directory)
{
	uint64_t limit = 0, peak = 0;

	return setting_read(directory, "memory.limit_in_bytes", &limit) == 0 &&
	       setting_read(directory, "memory.max_usage_in_bytes", &peak) == 0 && peak >= limit;
}

/* The path of the cgroup whose limit was reached since; false: of none, so it was the machine's. */
static bool find_culprit(const struct oom_before *before, char path[PATH_MAX])
{
	uint64_t now;

	snprintf(path, PATH_MAX, "%s", before->directory);
	for (int level = 0; level < before->levels; level++) {
		if (!count_reached(path, before->v2, &now))
			break;
		if (now > before->reached[level])
			return true;
		if (!step_up(path))
			break;
	}
	snprintf(path, PATH_MAX, "%s", before->directory);
	return !before->v2 && was_full_v1(path);
}

/* "4 MiB", "4.1 MiB", "100 bytes" */
static void write_amount(uint64_t bytes, char text[AMOUNT_SIZE])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	uint64_t unit = 1024;
	size_t i = 0;

	if (bytes < unit) {
		snprintf(text, AMOUNT_SIZE, "%u bytes", (unsigned int)bytes);
		return;
	}
	while (i < 3 && bytes / 1024 >= unit) {
		unit *= 1024;
		i++;
	}
	if (bytes % unit == 0)
		snprintf(text, AMOUNT_SIZE, "%lu %s", (unsigned long)(bytes / unit), units[i]);
	else
		snprintf(text, AMOUNT_SIZE, "%.1f %s", (double)bytes / (double)unit, units[i]);
}

static int blame(const char *path, bool v2, struct error *err)
{
	char limit_text[AMOUNT_SIZE] = "?", peak_text[AMOUNT_SIZE];
	uint64_t limit, peak;

	if (setting_read(path, v2 ? "memory.max" : "memory.limit_in_bytes", &limit) == 0)
		write_amount(limit, limit_text);
	if (setting_read(path, v2 ? "memory.peak" : "memory.max_usage_in_bytes", &peak) < 0)
		return error_config(err,
				    "container init was OOM-killed: memory limit %s of %s "
				    "reached",
				    limit_text, path);
	write_amount(peak, peak_text);
	return error_config(err,
			    "container init was OOM-killed: memory limit %s of %s reached, "
			    "peak %s",
			    limit_text, path, peak_text);
}

int oom_explain(const struct oom_before *before, struct error *err)
{
	char path[PATH_MAX];

	if (find_culprit(before, path)) {
		blame(path, before->v2, err);
		return error_hint(err, "memory limit too low?");
	}
	if (before->own_alone)
		return error_config(err,
				    "container init was OOM-killed: the memory limit of a "
				    "cgroup above its own was reached, or the machine's memory");
	error_config(err, "container init was OOM-killed: the machine ran out of memory");
	return error_hint(err, "no memory limit of its cgroup or of one above was reached");
}

/* -- being told of it ------------------------------------------------------------------------- */

/* False when the cgroup has gone. */
static bool read_killed(int fd, uint64_t *killed)
{
	char text[EVENTS_SIZE];
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);

	if (length < 0)
		return false;
	text[length] = '\0';
	(void)figure_find(text, "oom_kill", killed);
	return true;
}

/* An eventfd, to which the kernel adds 1 at each OOM, and 1 when the cgroup is removed. */
static int ask_to_be_told(int dir, int counters)
{
	autoclose int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	char text[64];

	snprintf(text, sizeof(text), "%d %d", event, counters);
	if (event < 0 || file_write(dir, "cgroup.event_control", text) < 0)
		return -1;
	return take_fd(&event);
}

static void watch_v1(const char *directory, struct oom_watch *watch)
{
	autoclose int dir = openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	watch->counters = openat(dir, "memory.oom_control", O_RDONLY | O_CLOEXEC);
	if (watch->counters >= 0)
		watch->fd = ask_to_be_told(dir, watch->counters);
}

void oom_watch_begin(const struct oci_record_cgroup *place, struct oom_watch *watch)
{
	autoclose int dir = -1;
	const char *v1;

	*watch = (struct oom_watch){.fd = -1, .counters = -1};
	if (place->v2)
		dir = openat(AT_FDCWD, place->v2, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	watch->fd = openat(dir, "memory.events", O_RDONLY | O_CLOEXEC);
	v1 = watch->fd < 0 ? cgroup_memory_v1(place) : NULL;
	if (v1)
		watch_v1(v1, watch);
	else if (watch->fd >= 0)
		(void)read_killed(watch->fd, &watch->killed);
}

void oom_watch_end(struct oom_watch *watch)
{
	close_fd(&watch->fd);
	close_fd(&watch->counters);
}

short oom_watch_events(const struct oom_watch *watch)
{
	return watch->counters >= 0 ? POLLIN : POLLPRI;
}

/* Its end is no OOM: the file answers with an error then. */
static bool take_v1(const struct oom_watch *watch)
{
	eventfd_t notices = 0;
	char byte;

	if (eventfd_read(watch->fd, &notices) < 0)
		return false;
	if (pread(watch->counters, &byte, 1, 0) < 0)
		notices--;
	return notices > 0;
}

bool oom_watch_take(struct oom_watch *watch)
{
	uint64_t killed = 0;

	if (watch->counters >= 0)
		return watch->fd >= 0 && take_v1(watch);
	if (watch->fd < 0)
		return false;
	/* poll(2) would return at once for ever. */
	if (!read_killed(watch->fd, &killed))
		oom_watch_end(watch);
	if (killed <= watch->killed)
		return false;
	watch->killed = killed;
	return true;
}
