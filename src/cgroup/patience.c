/*
 * Bounded waiting: see patience.h.
 *
 * The kernel tells by cgroup.events that the last process has gone, but only in version 2; in
 * version 1 there is nothing to wait on, and looking again is all that can be done.
 */
#include "cgroup/patience.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "basic/cleanup.h"

enum { LONGEST_STEP = 64 };

static int milliseconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int)((now.tv_sec & 0xfffff) * 1000 + now.tv_nsec / 1000000);
}

bool patience_wait(struct patience *patience, int dir)
{
	autoclose int events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	struct pollfd change = {.fd = events, .events = POLLPRI};
	int before = milliseconds_now(), waited;
	char text[256] = "";

	if (patience->left <= 0)
		return false;
	/* Only what changes after it was read wakes poll(2). */
	if (events >= 0 && read(events, text, sizeof(text) - 1) > 0 && strstr(text, "populated 0"))
		change.fd = -1;
	poll(&change, 1, patience->step);
	waited = milliseconds_now() - before;
	/* A millisecond counts even if it was not full, so that it ends whatever happens. */
	patience->left -= waited > 0 ? waited : 1;
	patience->step = patience->step < LONGEST_STEP ? 2 * patience->step : LONGEST_STEP;
	return true;
}
