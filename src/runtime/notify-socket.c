#include "runtime/notify-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/log.h"
#include "basic/socket.h"
#include "linux/notify-mount.h"

enum {
	LONGEST_MESSAGE = 4096,
	MOST_MESSAGES = 64, /* at once: who never stops sending must not stop the runtime */
	BARRIER_MILLISECONDS = 30000,
	SEND_SECONDS = 5, /* a service manager that hangs must not make the runtime hang */
};

int notify_folder_make(int directory, struct error *err)
{
	/* The container's users pass through it, whatever the caller's umask. */
	if (mkdirat(directory, NOTIFY_FOLDER, 0755) < 0 ||
	    fchmodat(directory, NOTIFY_FOLDER, 0755, 0) < 0)
		return error_errno(err, errno, "make the directory of NOTIFY_SOCKET");
	return 0;
}

static int connect_outside(const char *address, struct error *err)
{
	struct timeval limit = {.tv_sec = SEND_SECONDS};
	int fd = socket_connect_datagram(address, err);

	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
		return fd;
	}
	error_in(err, "NOTIFY_SOCKET");
	return error_hint(err, "it is the caller's; unset it where nobody is to be told that the "
			       "container is ready");
}

int notify_proxy_begin(struct notify_proxy *proxy, int directory, bool wanted, const char *address,
		       struct error *err)
{
	*proxy = (struct notify_proxy){-1, -1, -1};
	if (!wanted || !address)
		return 0;
	proxy->outside = connect_outside(address, err);
	if (proxy->outside < 0)
		return proxy->outside;
	/* A descriptor of its own: the lock is that of the directory's. */
	proxy->folder =
		openat(directory, NOTIFY_FOLDER, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (proxy->folder < 0)
		return error_errno(err, errno, "open the directory of NOTIFY_SOCKET");
	unlinkat(proxy->folder, NOTIFY_SOCKET_NAME, 0); /* of a start that was killed */
	proxy->inside = socket_receive_at(proxy->folder, NOTIFY_SOCKET_NAME, err);
	return proxy->inside < 0 ? proxy->inside : 0;
}

/* Whether one of the message's lines is READY=1. */
static bool says_ready(char *message)
{
	char *rest = message;

	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
		if (strcmp(line, "READY=1") == 0)
			return true;
	return false;
}

/* Reads what is there; true when the program has said that it is ready.  Descriptors that came along are
 * closed by the kernel, as nobody asks for them. */
static bool read_messages(int inside)
{
	char message[LONGEST_MESSAGE + 1];
	ssize_t length;
	bool ready = false;

	for (int i = 0; i < MOST_MESSAGES; i++) {
		length = recv(inside, message, LONGEST_MESSAGE, MSG_DONTWAIT);
		if (length < 0)
			break;
		message[length] = '\0';
		ready = ready || says_ready(message);
	}
	return ready;
}

static void tell_ready(int outside, pid_t pid)
{
	char message[64];
	int length = snprintf(message, sizeof(message), "MAINPID=%d\nREADY=1", pid);

	if (send(outside, message, (size_t)length, MSG_NOSIGNAL) < 0)
		log_warning("NOTIFY_SOCKET: pass on that the container is ready: %s",
			    strerror(errno));
}

/* Returns when the other side has dealt with all that it was sent: it closes what comes with this. */
static void wait_for_barrier(int outside)
{
	struct error err = {0};
	struct pollfd watched;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	if (socket_send_fd(outside, ends[1], "BARRIER=1", &err) < 0)
		log_warning("NOTIFY_SOCKET: %s", err.text);
	close(ends[1]);
	watched = (struct pollfd){.fd = ends[0]};
	if (poll(&watched, 1, BARRIER_MILLISECONDS) == 0)
		log_warning("NOTIFY_SOCKET: whoever listens has not answered for %d seconds",
			    BARRIER_MILLISECONDS / 1000);
	close(ends[0]);
}

void notify_proxy_take(struct notify_proxy *proxy, pid_t pid)
{
	if (proxy->inside < 0 || !read_messages(proxy->inside))
		return;
	tell_ready(proxy->outside, pid);
	notify_proxy_end(proxy);
}

void notify_proxy_wait(struct notify_proxy *proxy, pid_t pid, int pidfd)
{
	struct pollfd watched[] = {{.fd = proxy->inside, .events = POLLIN},
				   {.fd = pidfd, .events = POLLIN}};
	bool ready = false;

	if (proxy->inside < 0)
		return;
	while (!ready) {
		if (poll(watched, 2, -1) < 0 && errno != EINTR)
			break;
		/* First what was said: its sender may have ended since. */
		ready = read_messages(proxy->inside);
		if (!ready && watched[1].revents) {
			log_warning("the container has ended without saying that it is ready");
			break;
		}
	}
	if (ready) {
		tell_ready(proxy->outside, pid);
		wait_for_barrier(proxy->outside);
	}
	notify_proxy_end(proxy);
}

void notify_proxy_end(struct notify_proxy *proxy)
{
	if (proxy->folder >= 0)
		unlinkat(proxy->folder, NOTIFY_SOCKET_NAME, 0);
	close_fd(&proxy->folder);
	close_fd(&proxy->inside);
	close_fd(&proxy->outside);
}
