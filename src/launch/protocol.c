#include "launch/protocol.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "basic/cleanup.h"
#include "basic/log.h"
#include "basic/trace.h"

/* The messages' names in errors and traces. */
static const char *const names[MESSAGE_COUNT] = {
	[NO_MESSAGE] = "nothing",
	[MAP_IDS] = "map-ids",
	[INIT_IS] = "init-is",
	[MOVE_DEVICES] = "move-devices",
	[RUN_HOOKS] = "run-hooks",
	[TAKE_CONSOLE] = "take-console",
	[TAKE_LISTENER] = "take-listener",
	[GOES_ON_AS] = "goes-on-as",
	[READY] = "ready",
	[START] = "start",
	[EXECUTING] = "executing",
	[DONE] = "done",
	[FAILED] = "failed",
	[NOTE] = "note",
};

const char *message_name(enum message message)
{
	return message < MESSAGE_COUNT ? names[message] : "an unknown message";
}

/* What goes over the socket, one packet for each message: the head, and what belongs to it. */
struct packet {
	int64_t message; /* as wide as value, so that there are no unset bytes between them */
	int64_t value;
};

union fd_control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* A process that is gone is gone, whether that shows when it is spoken to or when it should answer. */
static int explain_send(const struct letter *letter, struct error *err)
{
	if (errno == EPIPE)
		return error_errno(err, ECONNRESET, "the other process ended without a word");
	return error_errno(err, errno, "send %s", message_name(letter->message));
}

static int send_packet(int socket, const struct letter *letter, const void *more, size_t size,
		       struct error *err)
{
	struct packet head = {.message = letter->message, .value = letter->value};
	struct iovec parts[] = {
		{.iov_base = &head, .iov_len = sizeof(head)},
		{.iov_base = (void *)(uintptr_t)more, .iov_len = size},
	};
	union fd_control control = {0};
	struct msghdr header = {.msg_iov = parts, .msg_iovlen = 2};

	/* Without a descriptor the plain call does: what a container's seccomp filter allows that is
	 * loaded already is sooner this one. */
	if (letter->fd < 0 && writev(socket, parts, 2) < 0)
		return explain_send(letter, err);
	if (letter->fd >= 0) {
		header.msg_control = control.bytes;
		header.msg_controllen = sizeof(control.bytes);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &letter->fd, sizeof(int));
	}
	if (letter->fd >= 0 && sendmsg(socket, &header, MSG_NOSIGNAL) < 0)
		return explain_send(letter, err);
	return 0;
}

int tell(int socket, enum message message, struct error *err)
{
	return tell_value(socket, message, 0, err);
}

int tell_value(int socket, enum message message, int64_t value, struct error *err)
{
	const struct letter letter = {.message = message, .value = value, .fd = -1};

	return send_packet(socket, &letter, NULL, 0, err);
}

void tell_note(int socket, int level, const char *text)
{
	const struct letter note = {.message = NOTE, .value = level, .fd = -1};
	struct error unheard = {0};

	(void)send_packet(socket, &note, text, strlen(text), &unheard);
}

void tell_failure(int socket, const struct error *err)
{
	const struct letter failed = {.message = FAILED, .fd = -1};
	struct error unheard = {0};

	/* If the other side is gone there is nobody left to tell. */
	(void)send_packet(socket, &failed, err, sizeof(*err), &unheard);
}

static int received_fd(struct msghdr *header)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(header);
	int fd = -1;

	if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(control), sizeof(int));
	return fd;
}

/* Takes over the error which the other side met. */
static int receive_failure(const struct error *failure, size_t length, struct error *err)
{
	if (length < sizeof(*failure) || failure->code <= 0)
		return error_errno(err, EPROTO, "receive the other process's error");
	*err = *failure;
	err->text[sizeof(err->text) - 1] = '\0';
	err->hint[sizeof(err->hint) - 1] = '\0';
	return -err->code;
}

enum { MOST_RECEIVE_TRIES = 3 };

/* Receives one packet; what follows its head is put into *more, which is ended by a NUL. */
static int receive_packet(int socket, struct letter *letter, struct error *more, size_t *length,
			  struct error *err)
{
	struct packet head;
	struct iovec parts[] = {
		{.iov_base = &head, .iov_len = sizeof(head)},
		{.iov_base = more, .iov_len = sizeof(*more)},
	};
	union fd_control control = {0};
	struct msghdr header = {
		.msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_LEN(sizeof(int)), /* room for one, and not for a second */
	};
	autoclose int fd = -1;
	ssize_t count;
	int tries = 0;

	/* Who may not hear an answer that has been given would end when the other side counts on it. */
	do
		count = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
	while (count < 0 && (errno == EINTR || (errno != EAGAIN && errno != ECONNRESET &&
						++tries < MOST_RECEIVE_TRIES)));
	/* A socket that has a limit to waiting says so like one that does not wait. */
	if (count < 0 && errno == EAGAIN)
		return error_errno(err, ETIME, "wait for the other process");
	fd = received_fd(&header);
	if (count < 0 && errno != ECONNRESET)
		return error_errno(err, errno, "receive a message");
	if (count <= 0)
		return error_errno(err, ECONNRESET, "the other process ended without a word");
	if ((size_t)count < sizeof(head))
		return error_errno(err, EPROTO, "receive a message of %zd bytes", count);
	*letter = (struct letter){
		.message = (enum message)head.message,
		.value = head.value,
		.fd = take_fd(&fd),
	};
	*length = (size_t)count - sizeof(head);
	return 0;
}

/* Gives a NOTE's text to this process's log. */
static void pass_on(const struct letter *note, char *text, size_t length)
{
	text[length < sizeof(struct error) ? length : sizeof(struct error) - 1] = '\0';
	if (note->value == LOG_LEVEL_WARNING)
		log_warning("%s", text);
	else
		log_debug("%s", text);
}

int receive(int socket, struct letter *letter, struct error *err)
{
	struct error more;
	size_t length = 0;
	int r;

	do {
		r = receive_packet(socket, letter, &more, &length, err);
		if (r < 0)
			return r;
		if (letter->message == NOTE)
			pass_on(letter, (char *)&more, length);
		if (letter->message == NOTE || letter->message == FAILED)
			close_fd(&letter->fd);
	} while (letter->message == NOTE);
	return letter->message == FAILED ? receive_failure(&more, length, err) : 0;
}

int ask(int socket, const struct letter *request, struct error *err)
{
	struct letter done = {.fd = -1};
	int r;

	r = send_packet(socket, request, NULL, 0, err);
	if (r == 0)
		r = receive(socket, &done, err);
	if (r < 0)
		return r;
	close_fd(&done.fd);
	if (done.message != DONE)
		return error_errno(err, EPROTO, "%s was answered with %s",
				   message_name(request->message), message_name(done.message));
	return 0;
}

int answer_done(const struct conversation *conversation, struct error *err)
{
	return tell(conversation->socket, DONE, err);
}

/* Answers one request, which the other side is told of when it fails. */
static int answer_one(const struct conversation *conversation, enum message after,
		      enum message until, enum message *answered, struct error *err)
{
	struct letter request = {.fd = -1};
	answer_function *answer;
	int r;

	r = receive(conversation->socket, &request, err);
	trace_phase("wait for a message");
	if (r < 0)
		return r;
	if (request.message <= after || request.message > until) {
		r = error_errno(err, EPROTO, "%s came after %s", message_name(request.message),
				message_name(after));
	} else {
		answer = conversation->answers[request.message];
		r = answer ? answer(conversation->context, &request, err) : 0;
	}
	close_fd(&request.fd);
	if (r < 0)
		tell_failure(conversation->socket, err);
	else if (r != SAID_DONE && request.message != READY)
		r = answer_done(conversation, err);
	*answered = request.message;
	trace_phase(message_name(request.message));
	return r < 0 ? r : 0;
}

int answer_requests(const struct conversation *conversation, enum message after, enum message until,
		    struct error *err)
{
	enum message last = after;

	while (last != until) {
		int r = answer_one(conversation, last, until, &last, err);

		if (r < 0)
			return r;
	}
	return 0;
}
