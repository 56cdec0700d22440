/* See closing.h. */
#include "basic/closing.h"

#include <stdbool.h>

#include "basic/cleanup.h"
#include "basic/syscalls.h"

enum { MOST = 16 }; /* more would save nothing, and a process may have a limit */

static struct {
	bool together;
	int fds[MOST]; /* in the order in which they were opened: most are neighbours */
	int count;
} waiting;

/* Closes the first of these and the neighbours behind it; returns how many. */
static int close_run(const int *fds, int count)
{
	int length = 1;

	while (length < count && fds[length] == fds[0] + length)
		length++;
	if (sys_close_range((unsigned int)fds[0], (unsigned int)fds[length - 1], 0) < 0)
		for (int i = 0; i < length; i++)
			close(fds[i]);
	return length;
}

static void close_waiting(void)
{
	for (int done = 0; done < waiting.count;)
		done += close_run(waiting.fds + done, waiting.count - done);
	waiting.count = 0;
}

void close_later(int *fd)
{
	int saved = errno;

	if (!waiting.together || *fd < 0) {
		close_fd(fd);
		return;
	}
	waiting.fds[waiting.count++] = take_fd(fd);
	if (waiting.count == MOST)
		close_waiting();
	errno = saved;
}

void closing_together(void)
{
	waiting.together = true;
}

void closing_done(void)
{
	close_waiting();
	waiting.together = false;
}
