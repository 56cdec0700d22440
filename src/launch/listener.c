/*
 * The listener of a seccomp filter: from init, who loads the filter, to the agent.
 *
 *	seccomp_unotify(2), pidfd_getfd(2)
 *
 *	init                                      runtime
 *	----                                      -------
 *	TAKE_LISTENER: number, a piece of memory  connects to the agent
 *	                          <-------------- DONE
 *	loads the filter                          asks again and again whether the descriptor
 *	looks at the memory                       "number" of init is a listener; takes it,
 *	                                          gives it to the agent,
 *	goes on                                   writes to the memory
 *
 * From the filter on any system call of init's may be one that waits for the agent, or kills.  So init says
 * before how its listener is going to be called, and until the agent has it, it calls nothing but looks at
 * memory that it shares with the runtime.  That is for a moment: the agent is connected to before.
 */
#include "launch/listener.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/clock.h"
#include "basic/socket.h"
#include "linux/seccomp-listener.h"

enum {
	PAUSE_NANOSECONDS = 50000, /* about what it takes to load a filter */
	LONGEST_MILLISECONDS = 10000,
};

/* What init says instead: why the filter could not be loaded, or nothing, because it was killed. */
static int hear_why(int socket, struct error *err)
{
	struct letter letter = {.fd = -1};
	int r = receive(socket, &letter, err);

	close_fd(&letter.fd);
	if (r < 0)
		return r;
	return error_errno(err, EPROTO, "%s came instead of the listener",
			   message_name(letter.message));
}

static int cannot_fetch(struct error *err)
{
	error_errno(err, errno, "linux.seccomp: take the listener from the container's init");
	if (err->code == EPERM)
		error_hint(err, "pidfd_getfd(2) takes CAP_SYS_PTRACE");
	return -err->code;
}

static int fetch(int socket, int pidfd, int number, struct error *err)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NANOSECONDS};
	uint64_t deadline = clock_milliseconds() + LONGEST_MILLISECONDS;

	for (;;) {
		struct pollfd wait = {.fd = socket, .events = POLLIN};
		int fd = seccomp_listener_fetch(pidfd, number);

		if (fd >= 0)
			return fd;
		/* ESRCH: it is dead, and its socket tells. */
		if (errno != EBADF && errno != ESRCH)
			return cannot_fetch(err);
		if (ppoll(&wait, 1, &pause, NULL) > 0)
			return hear_why(socket, err);
		if (clock_milliseconds() > deadline)
			return error_errno(err, ETIMEDOUT,
					   "linux.seccomp: wait for the filter to be loaded");
	}
}

static int hand_over(int socket, int agent, const struct listener_errand *errand,
		     const struct letter *request, struct error *err)
{
	const uint32_t handed_over = 1;
	autoclose int listener = fetch(socket, errand->pidfd, (int)request->value, err);

	if (listener < 0)
		return listener;
	if (socket_send_fd(agent, listener, errand->state, err) < 0)
		return error_in(err, "linux.seccomp: the agent at %s", errand->agent);
	if (pwrite(request->fd, &handed_over, sizeof(handed_over), 0) < 0)
		return error_errno(err, errno, "linux.seccomp: let the container's init go on");
	return 0;
}

int listener_take(int socket, const struct listener_errand *errand, const struct letter *request,
		  struct error *err)
{
	autoclose int agent = -1;
	int r;

	if (!errand->agent || request->fd < 0)
		return error_errno(err, EPROTO, "linux.seccomp: take the listener");
	agent = socket_connect(errand->agent, err);
	if (agent < 0)
		return error_in(err, "linux.seccomp: the listener's agent");
	r = tell(socket, DONE, err);
	return r == 0 ? hand_over(socket, agent, errand, request, err) : r;
}
