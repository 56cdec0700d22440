/*
 * proa-init: the program that becomes the container.
 *
 * The runtime clones it and executes it from a sealed copy in memory, so that nothing in the container
 * can reach the file that the host executes (CVE-2019-5736, and through the page cache: CVE-2022-0847).
 * It is small, knows no JSON and allocates nothing: it maps the plan at its address and goes down one
 * table, launch/order-init.c.
 *
 *	proa-init PLAN		PLAN is the number of the plan's file descriptor
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/large.h"
#include "basic/log.h"
#include "basic/syscalls.h"
#include "basic/trace.h"
#include "launch/image.h"
#include "launch/init-steps.h"
#include "launch/order.h"
#include "launch/protocol.h"
#include "launch/stage.h"
#include "linux/container.h"

static void note(enum log_level level, const char *message, void *context)
{
	tell_note(init_voice(context), level, message);
}

static bool applies(const struct row *row, const struct container *container)
{
	return row->when == ALWAYS || (row->when == WITH_ROOT_HOOKS) == container->root_hooks;
}

static long microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Which makes init, and is not the container's. */
static bool is_stage(const struct container *container)
{
	return container->staged && !container->exec;
}

static int apply_all(struct container *container, struct error *err)
{
	for (const struct row *row = container->exec ? exec_order : apply_order; row->step; row++) {
		long begun;
		int r;

		if (!applies(row, container))
			continue;
		begun = log_debug_enabled() ? microseconds() : 0;
		r = row->step->apply(container, err);
		if (r < 0)
			return r;
		trace_phase(row->step->name);
		if (log_debug_enabled())
			log_debug("init: %s: %ld us", row->step->name, microseconds() - begun);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct container *container;
	static struct error err LARGE; /* most often never touched */
	void *plan = NULL;
	int fd = argc == 2 ? atoi(argv[1]) : -1;
	int r = 0;

	/* There is nobody to tell before the plan says where. */
	if (fd < 3 || arena_map(fd, &plan, &err) < 0)
		return EXIT_FAILURE;
	close_fd(&fd);
	container = plan;
	r = trace_join(container->trace, is_stage(container) ? TRACE_STAGE : TRACE_INIT, &err);
	trace_phase("execute proa-init");
	/* They came through one exec and are not to come through the next. */
	if (r == 0 && sys_close_range(3 + container->preserve_fds, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		r = error_errno(&err, errno, "keep descriptors from what is executed next");
	/* By this name a container that waits is told from one that runs. */
	if (r == 0 && prctl(PR_SET_NAME, INIT_NAME, 0, 0, 0) < 0)
		r = error_errno(&err, errno, "name the process");
	umask(022); /* what is made in the container is not the caller's alone */
	log_set_level(container->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING);
	log_set_sink(note, container);
	if (!container->staged || container->exec)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (r == 0 && is_stage(container))
		r = stage_run(container, &err);
	if (r == 0) {
		/* The caller's terminal is not the container's to control, or to type into. */
		setsid();
		r = apply_all(container, &err);
	}
	if (r == 0)
		return EXIT_SUCCESS;
	tell_failure(init_voice(container), &err);
	return EXIT_FAILURE;
}
