#include "criu/call.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "basic/cleanup.h"
#include "basic/large.h"
#include "basic/log.h"
#include "basic/signals.h"
#include "basic/socket.h"
#include "basic/syscalls.h"
#include "criu/protobuf.h"

#define SOCKET_COMES "s" /* what the child says with it */
#define USUAL_PATH   "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum {
	SOCKET = 3, /* CRIU's numbers */
	FIRST_PASSED,
	SCRATCH = 64, /* above all that are passed */
	MOST_ANSWER = 64 * 1024,
	OLDEST_MAJOR = 3,  /* the first that takes a container's pid namespace from elsewhere, */
	OLDEST_MINOR = 15, /* and tells of an error by itself */
};

/* The fields of criu_req, criu_resp and what is in them. */
enum {
	REQUEST_TASK = 1,
	REQUEST_OPTIONS = 2,
	REQUEST_HEEDED = 3,
	REQUEST_FEATURES = 5,
	ANSWER_TASK = 1,
	ANSWER_SUCCESS = 2,
	ANSWER_NOTICE = 5,
	ANSWER_ERRNO = 7,
	ANSWER_FEATURES = 8,
	ANSWER_VERSION = 10,
	NOTICE_WHAT = 1,
	NOTICE_PID = 2,
	VERSION_MAJOR = 1,
	VERSION_MINOR = 2,
	VERSION_SUBLEVEL = 4,
	FEATURE_MEMORY = 1,
	FEATURE_LAZY = 2,
	TASK_NOTICE = 6,
	LONGEST_NOTICE = 64,
};

int criu_pass(struct criu_call *call, int fd)
{
	if (call->passed_len == CRIU_MOST_PASSED)
		return -1;
	call->passed[call->passed_len] = fd;
	return FIRST_PASSED + call->passed_len++;
}

union fd_control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* -- the child --------------------------------------------------------------------------------- */

/* Moves the descriptors to the numbers that CRIU has them by, by way of numbers that are nobody's.  What CRIU's own
 * helpers write is not the container's output. */
static int place_descriptors(const struct criu_call *call, int socket)
{
	int moved[CRIU_MOST_PASSED + 1];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int moved_null = null < 0 ? -1 : fcntl(null, F_DUPFD_CLOEXEC, SCRATCH);

	if (moved_null < 0)
		return -errno;

	for (int i = 0; i <= call->passed_len; i++) {
		moved[i] = fcntl(i ? call->passed[i - 1] : socket, F_DUPFD_CLOEXEC, SCRATCH);
		if (moved[i] < 0)
			return -errno;
	}
	for (int i = 0; i <= call->passed_len; i++)
		if (dup2(moved[i], SOCKET + i) < 0)
			return -errno;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(moved_null, fd) < 0)
			return -errno;
	if (sys_close_range((unsigned int)(FIRST_PASSED + call->passed_len), ~0U,
			    CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	return 0;
}

/* CRIU finds the directories that it is to work in by the pid of whoever has made its socket: itself. */
static int make_socket(int way, struct error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, errno, "make a socket");
	if (socket_send_fd(way, ends[0], SOCKET_COMES, err) < 0)
		return error_in(err, "hand over CRIU's socket");
	close_fd(&ends[0]);
	return ends[1];
}

static int begin_child(const struct criu_call *call, int way, struct error *err)
{
	int socket, r;

	/* What CRIU has begun it undoes when its caller is gone: the socket's end tells it. */
	signals_reset(EVERY_SIGNAL);
	if (call->begin && call->begin(call->context, err) < 0)
		return -err->code;
	if (!getenv("PATH") && setenv("PATH", USUAL_PATH, 1) < 0)
		return error_errno(err, errno, "prepare CRIU's environment");
	socket = make_socket(way, err);
	if (socket < 0)
		return socket;
	r = place_descriptors(call, socket);
	if (r < 0)
		return error_errno(err, -r, "hand descriptors over to CRIU");
	return 0;
}

/* Becomes CRIU; why it does not is sent over the way that its socket goes. */
static _Noreturn void become_criu(const struct criu_call *call, int way)
{
	static struct error err LARGE;
	int moved = fcntl(way, F_DUPFD_CLOEXEC, 2 * SCRATCH), r;

	if (moved < 0) {
		r = error_errno(&err, errno, "make room for CRIU's descriptors");
	} else {
		way = moved;
		r = begin_child(call, way, &err);
	}
	if (r == 0) {
		execlp("criu", "criu", "swrk", "3", (char *)NULL);
		error_errno(&err, errno, "execute criu");
		if (err.code == ENOENT)
			error_hint(&err, "install CRIU %d.%d or newer; it is looked for in PATH",
				   OLDEST_MAJOR, OLDEST_MINOR);
	}
	(void)!send(way, &err, sizeof(err), MSG_NOSIGNAL);
	_exit(127);
}

/* -- the talk ---------------------------------------------------------------------------------- */

/* CRIU at work. */
struct work {
	struct criu_call *call;
	int socket, pidfd;
};

/* One packet; *fd is what came with it, or -1. */
static ssize_t receive_packet(int socket, void *bytes, size_t size, int *fd)
{
	union fd_control control;
	struct iovec part = {.iov_base = bytes, .iov_len = size};
	struct msghdr packet = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_LEN(sizeof(int)), /* room for one, and not for a second */
	};
	const struct cmsghdr *head;
	ssize_t length;

	*fd = -1;
	do
		length = recvmsg(socket, &packet, MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	head = CMSG_FIRSTHDR(&packet);
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
	    head->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(head), sizeof(*fd));
	if (packet.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	return length;
}

/* The socket comes first; then the way ends, when CRIU is executed, or tells why it is not. */
static int hear_begin(struct work *work, int way, struct error *err)
{
	struct error failure = {0};
	ssize_t length = receive_packet(way, &failure, sizeof(failure), &work->socket);
	int none = -1;

	if (length == (ssize_t)strlen(SOCKET_COMES) && work->socket >= 0)
		length = receive_packet(way, &failure, sizeof(failure), &none);
	close_fd(&none);
	if (length == 0 && work->socket >= 0)
		return 0;
	if (length == sizeof(failure))
		*err = failure;
	else
		error_errno(err, length < 0 ? -(int)length : ECHILD, "start CRIU");
	return -err->code;
}

static int start(struct work *work, struct error *err)
{
	autoclose int mine = -1, theirs = -1;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, errno, "make a socket");
	mine = ends[0];
	theirs = ends[1];
	work->call->pid = fork();
	if (work->call->pid == 0)
		become_criu(work->call, theirs);
	if (work->call->pid < 0)
		return error_errno(err, errno, "fork");
	close_fd(&theirs);
	work->pidfd = sys_pidfd_open(work->call->pid);
	if (work->pidfd < 0)
		return error_errno(err, errno, "open process %d", work->call->pid);
	return hear_begin(work, mine, err);
}

/* What a socket tells when CRIU is gone depends on how far it came. */
static int say_failed(const char *what, int code, struct error *err)
{
	if (code == EPIPE || code == ECONNRESET)
		return error_errno(err, ECONNRESET, "CRIU ended without an answer");
	return error_errno(err, code, "%s", what);
}

static int send_request(const struct work *work, const struct protobuf *message, struct error *err)
{
	ssize_t length;

	if (message->full)
		return arena_full(work->call->arena, err);
	do
		length = send(work->socket, message->bytes, message->length, MSG_NOSIGNAL);
	while (length < 0 && errno == EINTR);
	return length < 0 ? say_failed("ask CRIU", errno, err) : 0;
}

static void read_version(struct protobuf_reader fields, struct criu_answer *answer)
{
	while (protobuf_next(&fields)) {
		if (fields.field == VERSION_MAJOR)
			answer->major = (int)fields.number;
		else if (fields.field == VERSION_MINOR)
			answer->minor = (int)fields.number;
		else if (fields.field == VERSION_SUBLEVEL)
			answer->sublevel = (int)fields.number;
	}
}

static void read_features(struct protobuf_reader fields, struct criu_answer *answer)
{
	while (protobuf_next(&fields)) {
		if (fields.field == FEATURE_MEMORY)
			answer->tracks_memory = fields.number;
		else if (fields.field == FEATURE_LAZY)
			answer->has_lazy_pages = fields.number;
	}
}

static void read_notice(struct protobuf_reader fields, struct criu_notice *notice,
			char what[LONGEST_NOTICE])
{
	while (protobuf_next(&fields)) {
		if (fields.field == NOTICE_WHAT && fields.bytes && fields.length < LONGEST_NOTICE) {
			memcpy(what, fields.bytes, fields.length);
			what[fields.length] = '\0';
		} else if (fields.field == NOTICE_PID) {
			notice->pid = (pid_t)fields.number;
		}
	}
}

/* Returns the kind of message that it is, or -EBADMSG. */
static int read_answer(struct protobuf_reader fields, struct criu_answer *answer,
		       struct criu_notice *notice, char what[LONGEST_NOTICE])
{
	int task = 0;

	while (protobuf_next(&fields)) {
		if (fields.field == ANSWER_TASK)
			task = (int)fields.number;
		else if (fields.field == ANSWER_SUCCESS)
			answer->success = fields.number;
		else if (fields.field == ANSWER_ERRNO)
			answer->code = (int)fields.number;
		else if (fields.field == ANSWER_NOTICE)
			read_notice(protobuf_within(&fields), notice, what);
		else if (fields.field == ANSWER_FEATURES)
			read_features(protobuf_within(&fields), answer);
		else if (fields.field == ANSWER_VERSION)
			read_version(protobuf_within(&fields), answer);
	}
	return fields.damaged || task < 0 ? -EBADMSG : task;
}

static int reply(const struct work *work, bool heeded, struct error *err)
{
	struct protobuf message = {.arena = work->call->arena};

	protobuf_put_number(&message, REQUEST_TASK, TASK_NOTICE);
	protobuf_put_number(&message, REQUEST_HEEDED, heeded);
	return send_request(work, &message, err);
}

static int heed(const struct work *work, const struct criu_notice *notice, struct error *err)
{
	const struct criu_call *call = work->call;

	log_debug("criu: %s", notice->what);
	return call->heed ? call->heed(call->context, notice, err) : 0;
}

/* A packet from CRIU.  0: it has ended; what it has forked may hold its end of the socket and wait for it. */
static ssize_t hear(const struct work *work, void *bytes, int *fd)
{
	struct pollfd ready[] = {{.fd = work->socket, .events = POLLIN},
				 {.fd = work->pidfd, .events = POLLIN}};

	*fd = -1;
	while (poll(ready, 2, -1) < 0)
		if (errno != EINTR)
			return -errno;
	return ready[0].revents ? receive_packet(work->socket, bytes, MOST_ANSWER, fd) : 0;
}

/* Answers notices until CRIU is done.  The first that could not be heeded is why the whole has failed. */
static int talk(const struct work *work, char *bytes, struct criu_answer *answer, struct error *err)
{
	struct error unheard = {0};
	int failed = 0;

	for (;;) {
		char what[LONGEST_NOTICE] = "";
		struct criu_notice notice = {.what = what};
		autoclose int fd = -1;
		ssize_t length = hear(work, bytes, &fd);
		int task = length == 0 ? -ECONNRESET : (int)length;

		/* A notice has success, too. */
		*answer = (struct criu_answer){0};
		if (length > 0)
			task = read_answer(protobuf_reader(bytes, (size_t)length), answer, &notice,
					   what);
		if (failed && task != TASK_NOTICE)
			return failed;
		if (task < 0)
			return say_failed("hear from CRIU", -task, err);
		if (task != TASK_NOTICE)
			return 0;
		notice.fd = fd;
		if (!failed)
			failed = heed(work, &notice, err);
		if (reply(work, !failed, failed ? &unheard : err) < 0)
			return failed ? failed : -err->code;
	}
}

static void end(struct work *work)
{
	close_fd(&work->socket);
	close_fd(&work->pidfd);
	while (work->call->pid > 0 && waitpid(work->call->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

static void put_request(struct protobuf *message, enum criu_task task,
			const struct criu_options *options)
{
	struct protobuf part = {.arena = message->arena};

	protobuf_put_number(message, REQUEST_TASK, task);
	if (options) {
		criu_put_options(&part, options);
		protobuf_put_message(message, REQUEST_OPTIONS, &part);
	}
	if (task == CRIU_FEATURES) {
		part = (struct protobuf){.arena = message->arena};
		protobuf_put_number(&part, FEATURE_MEMORY, 1);
		protobuf_put_number(&part, FEATURE_LAZY, 1);
		protobuf_put_message(message, REQUEST_FEATURES, &part);
	}
}

int criu_ask(struct criu_call *call, enum criu_task task, const struct criu_options *options,
	     struct criu_answer *answer, struct error *err)
{
	struct protobuf message = {.arena = call->arena};
	struct work work = {.call = call, .socket = -1, .pidfd = -1};
	char *bytes = arena_alloc(call->arena, MOST_ANSWER);
	int r;

	*answer = (struct criu_answer){0};
	put_request(&message, task, options);
	if (!bytes || message.full)
		return arena_full(call->arena, err);
	r = start(&work, err);
	if (r == 0)
		r = send_request(&work, &message, err);
	if (r == 0)
		r = talk(&work, bytes, answer, err);
	end(&work);
	return r;
}

int criu_expect(struct arena *arena, struct error *err)
{
	struct criu_call call = {.arena = arena};
	struct criu_answer answer;
	int r = criu_ask(&call, CRIU_VERSION, NULL, &answer, err);

	if (r < 0)
		return r;
	if (answer.major > OLDEST_MAJOR ||
	    (answer.major == OLDEST_MAJOR && answer.minor >= OLDEST_MINOR))
		return 0;
	error_config(err, "CRIU %d.%d is too old", answer.major, answer.minor);
	return error_hint(err, "install %d.%d or newer", OLDEST_MAJOR, OLDEST_MINOR);
}
