/*
 * proa-systemd: the runtime's way to systemd, and the first process of a container's scope.
 *
 *	https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html
 *
 * A program of its own, because systemd's library can't be linked into a static one and takes longer to load
 * than a container to start: only who asks for the systemd manager pays.  The runtime hands it one socket,
 * as its standard input, and nothing else, neither environment nor files.
 *
 * systemd starts no scope without a process and ends one that has none left.  So the helper puts itself
 * there, and stays until the container's first process is in, too.  When the runtime is killed meanwhile, so
 * is the helper, the scope is empty, and systemd removes it: there is no moment in which one is left behind.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "systemd/bus.h"

/* A packet and who sent it. */
struct packet {
	char bytes[REQUEST_MOST_BYTES];
	size_t length;
	pid_t sender; /* as seen from here, whatever pid namespace it is in */
};

/* False at the end, or for what is no request at all. */
static bool receive(struct packet *packet)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control = {0};
	struct iovec part = {.iov_base = packet->bytes, .iov_len = sizeof(packet->bytes)};
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	const struct cmsghdr *message;
	struct ucred sender;
	ssize_t length;

	do
		length = recvmsg(STDIN_FILENO, &header, MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	message = CMSG_FIRSTHDR(&header);
	if (length <= 0 || (header.msg_flags & MSG_TRUNC) || !message ||
	    message->cmsg_type != SCM_CREDENTIALS)
		return false;
	memcpy(&sender, CMSG_DATA(message), sizeof(sender));
	packet->length = (size_t)length;
	packet->sender = sender.pid;
	return true;
}

static int do_request(struct link *link, const struct packet *packet, struct answer *answer)
{
	struct request_reader reader = {packet->bytes, packet->bytes + packet->length};
	const char *operation = request_next(&reader), *address = request_next(&reader);
	struct unit unit = {.name = request_next(&reader), .answer = answer};
	const char *cgroup;

	if (!unit.name)
		return error_errno(&answer->err, EPROTO, "read the request");
	if (link_open(link, address, &answer->err) < 0)
		return -answer->err.code;
	unit.properties = reader;
	if (strcmp(operation, REQUEST_START) == 0)
		return unit_start(link, &unit);
	if (strcmp(operation, REQUEST_SET) == 0)
		return unit_set(link, &unit);
	if (strcmp(operation, REQUEST_STOP) == 0)
		return unit_stop(link, &unit);
	if (strcmp(operation, REQUEST_CLEAR) == 0)
		return unit_clear(link, &unit);
	cgroup = request_next(&reader);
	if (strcmp(operation, REQUEST_ATTACH) == 0 && cgroup)
		return unit_attach(link, &unit, cgroup, packet->sender);
	return error_errno(&answer->err, EPROTO, "read the request");
}

int main(void)
{
	static struct packet packet;
	struct link link = {0};
	const int on = 1;

	/* Before the first look at the socket: a runtime that was gone earlier has closed it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (setsockopt(STDIN_FILENO, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return EXIT_FAILURE;
	while (receive(&packet)) {
		struct answer answer = {0};

		do_request(&link, &packet, &answer);
		if (send(STDIN_FILENO, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
