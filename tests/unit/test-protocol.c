#include "launch/protocol.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/log.h"
#include "unit.h"

static struct error err;
static char heard[256]; /* what came, in order */
static int64_t value;	/* of the last request */

static void hear(const char *what)
{
	ck_assert_uint_lt(strlen(heard) + strlen(what) + 2, sizeof(heard));
	strcat(heard, what);
	strcat(heard, " ");
}

static int note(void *context, const struct letter *request, struct error *e)
{
	(void)context, (void)e;
	hear(message_name(request->message));
	value = request->value;
	return 0;
}

static int take_console(void *context, const struct letter *request, struct error *e)
{
	if (request->fd < 0)
		return error_errno(e, EBADF, "take the console");
	ck_assert_int_eq(fcntl(request->fd, F_GETFD), FD_CLOEXEC);
	return note(context, request, e);
}

static int refuse_hooks(void *context, const struct letter *request, struct error *e)
{
	(void)context, (void)request;
	error_errno(e, EIO, "run /bin/false");
	return error_hint(e, "it says nothing");
}

static answer_function *const answers[MESSAGE_COUNT] = {
	[MAP_IDS] = note, [INIT_IS] = note, [RUN_HOOKS] = note, [TAKE_CONSOLE] = take_console,
	[READY] = note,
};

static struct conversation talk_over(int socket)
{
	return (struct conversation){.socket = socket, .answers = answers};
}

static int count_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static void make_sockets(int ends[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
}

/* Runs child() as the children's side; returns this side's socket. */
static int talk_to(void (*child)(int socket), pid_t *pid)
{
	int sockets[2];

	make_sockets(sockets);
	*pid = fork();
	ck_assert_int_ge(*pid, 0);
	if (*pid == 0) {
		close(sockets[0]);
		child(sockets[1]);
		_exit(0);
	}
	close(sockets[1]);
	heard[0] = '\0';
	return sockets[0];
}

static void expect_good_end(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

/* Answers what the child asks after one message and up to another.  No descriptor is left over. */
static int converse_with(answer_function *const how[MESSAGE_COUNT], enum message after,
			 enum message until, void (*child)(int socket))
{
	int before = count_fds(), r;
	struct conversation talk;
	pid_t pid;

	talk = talk_over(talk_to(child, &pid));
	talk.answers = how;
	r = answer_requests(&talk, after, until, &err);
	if (r == 0 && until == READY)
		r = answer_done(&talk, &err);
	close(talk.socket);
	expect_good_end(pid);
	ck_assert_int_eq(count_fds(), before);
	return r;
}

static int converse(void (*child)(int socket))
{
	return converse_with(answers, NO_MESSAGE, READY, child);
}

static int say_with_fd(int socket, enum message message, int fd)
{
	const struct letter request = {.message = message, .value = 7, .fd = fd};
	struct error e = {0};

	return ask(socket, &request, &e);
}

static int say(int socket, enum message message)
{
	return say_with_fd(socket, message, -1);
}

TEST(names_every_message)
{
	for (enum message message = NO_MESSAGE; message < MESSAGE_COUNT; message++)
		ck_assert_ptr_nonnull(message_name(message));
	ck_assert_str_eq(message_name(MESSAGE_COUNT), "an unknown message");
	ck_assert_str_eq(message_name((enum message)UINT32_MAX), "an unknown message");
}

/* -- requests and answers ---------------------------------------------------------------------- */

static void child_says_all(int socket)
{
	struct error e = {0};
	const struct letter ready = {.message = READY, .fd = -1};

	if (say(socket, MAP_IDS) < 0 || say(socket, RUN_HOOKS) < 0 ||
	    say_with_fd(socket, TAKE_CONSOLE, STDOUT_FILENO) < 0 || ask(socket, &ready, &e) < 0)
		_exit(1);
}

TEST(answers_each_request_until_ready)
{
	ck_assert_msg(converse(child_says_all) == 0, "%s", err.text);
	ck_assert_str_eq(heard, "map-ids run-hooks take-console ready ");
	ck_assert_int_eq(value, 0);
}

static void child_is_the_stage(int socket)
{
	if (say(socket, MAP_IDS) < 0 || say(socket, INIT_IS) < 0)
		_exit(1);
}

TEST(answers_the_stage_up_to_its_last_word)
{
	ck_assert_int_eq(converse_with(answers, NO_MESSAGE, INIT_IS, child_is_the_stage), 0);
	ck_assert_str_eq(heard, "map-ids init-is ");
	ck_assert_int_eq(value, 7);
}

static void child_is_ready(int socket)
{
	if (say(socket, READY) < 0)
		_exit(1);
}

/* A request may be left out, and one may have nothing to be done for. */
TEST(answers_done_where_there_is_nothing_to_do)
{
	answer_function *const nothing[MESSAGE_COUNT] = {NULL};

	ck_assert_int_eq(converse_with(nothing, NO_MESSAGE, READY, child_says_all), 0);
	ck_assert_int_eq(converse(child_is_ready), 0);
	ck_assert_str_eq(heard, "ready ");
}

/* What comes between is the commit: init must not go on before it. */
TEST(leaves_the_answer_to_ready_for_the_commit)
{
	struct conversation talk;
	pid_t pid;

	talk = talk_over(talk_to(child_is_ready, &pid));
	ck_assert_int_eq(answer_requests(&talk, NO_MESSAGE, READY, &err), 0);
	usleep(30000);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	ck_assert_int_eq(answer_done(&talk, &err), 0);
	expect_good_end(pid);
	close(talk.socket);
}

static void child_waits_in_vain(int socket)
{
	struct error e = {0};
	const struct letter ready = {.message = READY, .fd = -1};

	if (ask(socket, &ready, &e) != -ECONNRESET)
		_exit(1);
}

TEST(lets_init_notice_that_the_runtime_is_gone)
{
	struct conversation talk;
	pid_t pid;

	talk = talk_over(talk_to(child_waits_in_vain, &pid));
	ck_assert_int_eq(answer_requests(&talk, NO_MESSAGE, READY, &err), 0);
	close(talk.socket);
	expect_good_end(pid);
}

/* -- order ------------------------------------------------------------------------------------- */

static void child_goes_back(int socket)
{
	if (say(socket, RUN_HOOKS) < 0 || say(socket, MAP_IDS) != -EPROTO)
		_exit(1);
}

TEST(refuses_a_request_out_of_turn)
{
	ck_assert_int_eq(converse(child_goes_back), -EPROTO);
	ck_assert_str_eq(err.text, "map-ids came after run-hooks: protocol error");
}

static void child_asks_twice(int socket)
{
	if (say(socket, RUN_HOOKS) < 0 || say(socket, RUN_HOOKS) != -EPROTO)
		_exit(1);
}

TEST(refuses_a_second_time_what_may_come_once)
{
	ck_assert_int_eq(converse(child_asks_twice), -EPROTO);
	ck_assert_str_eq(err.text, "run-hooks came after run-hooks: protocol error");
	ck_assert_str_eq(heard, "run-hooks ");
}

static void child_maps_ids(int socket)
{
	if (say(socket, MAP_IDS) != -EPROTO)
		_exit(1);
}

TEST(refuses_a_request_of_the_stage_from_init)
{
	ck_assert_int_eq(converse_with(answers, INIT_IS, READY, child_maps_ids), -EPROTO);
	ck_assert_str_eq(err.text, "map-ids came after init-is: protocol error");
}

static void child_runs_hooks(int socket)
{
	if (say(socket, RUN_HOOKS) != -EPROTO)
		_exit(1);
}

TEST(refuses_a_request_of_init_from_the_stage)
{
	ck_assert_int_eq(converse_with(answers, NO_MESSAGE, INIT_IS, child_runs_hooks), -EPROTO);
	ck_assert_str_eq(err.text, "run-hooks came after nothing: protocol error");
}

static void child_says_what_is_no_request(int socket)
{
	if (say(socket, (enum message)1000) != -EPROTO)
		_exit(1);
}

static void child_says_nothing_in_particular(int socket)
{
	if (say(socket, NO_MESSAGE) != -EPROTO)
		_exit(1);
}

static void child_starts(int socket)
{
	if (say_with_fd(socket, START, STDOUT_FILENO) != -EPROTO)
		_exit(1);
}

TEST(refuses_what_is_no_request)
{
	ck_assert_int_eq(converse(child_says_what_is_no_request), -EPROTO);
	ck_assert_str_eq(err.text, "an unknown message came after nothing: protocol error");
	ck_assert_int_eq(converse(child_says_nothing_in_particular), -EPROTO);
	ck_assert_str_eq(err.text, "nothing came after nothing: protocol error");
	ck_assert_int_eq(converse(child_starts), -EPROTO);
	ck_assert_str_eq(err.text, "start came after nothing: protocol error");
}

/* -- failures ---------------------------------------------------------------------------------- */

static void child_fails(int socket)
{
	struct error e = {0};

	error_errno(&e, EPERM, "mount /proc");
	error_hint(&e, "the host's /proc is partly hidden");
	tell_failure(socket, &e);
}

TEST(hears_why_the_child_failed)
{
	ck_assert_int_eq(converse(child_fails), -EPERM);
	ck_assert_str_eq(err.text, "mount /proc: operation not permitted");
	ck_assert_str_eq(err.hint, "the host's /proc is partly hidden");
}

static void child_goes_silent(int socket)
{
	say(socket, MAP_IDS);
}

TEST(takes_silence_for_a_failure)
{
	ck_assert_int_eq(converse(child_goes_silent), -ECONNRESET);
	ck_assert_str_eq(err.text,
			 "the other process ended without a word: connection reset by peer");
	ck_assert_str_eq(heard, "map-ids ");
}

static void child_passes_the_error_on(int socket)
{
	const struct letter request = {.message = RUN_HOOKS, .fd = -1};
	struct error e = {0};

	if (ask(socket, &request, &e) != -EIO ||
	    strcmp(e.text, "run /bin/false: input/output error") != 0 ||
	    strcmp(e.hint, "it says nothing") != 0)
		_exit(1);
}

TEST(tells_the_child_that_the_runtime_failed)
{
	answer_function *const how[MESSAGE_COUNT] = {[RUN_HOOKS] = refuse_hooks};

	ck_assert_int_eq(converse_with(how, NO_MESSAGE, READY, child_passes_the_error_on), -EIO);
	ck_assert_str_eq(err.text, "run /bin/false: input/output error");
}

static void child_forgets_the_console(int socket)
{
	if (say(socket, TAKE_CONSOLE) != -EBADF)
		_exit(1);
}

TEST(notices_a_request_without_its_descriptor)
{
	ck_assert_int_eq(converse(child_forgets_the_console), -EBADF);
}

static void child_gives_what_nobody_wants(int socket)
{
	if (say_with_fd(socket, MAP_IDS, STDOUT_FILENO) < 0 || say(socket, READY) < 0)
		_exit(1);
}

TEST(closes_a_descriptor_that_nobody_wants)
{
	ck_assert_int_eq(converse(child_gives_what_nobody_wants), 0);
}

TEST(refuses_an_answer_that_is_none)
{
	const struct letter request = {.message = MAP_IDS, .fd = -1};
	int ends[2];

	make_sockets(ends);
	ck_assert_int_eq(tell(ends[1], READY, &err), 0);
	ck_assert_int_eq(ask(ends[0], &request, &err), -EPROTO);
	ck_assert_str_eq(err.text, "map-ids was answered with ready: protocol error");
	close(ends[0]);
	close(ends[1]);
}

TEST(is_not_killed_by_telling_nobody)
{
	int ends[2];

	make_sockets(ends);
	close(ends[1]);
	tell_note(ends[0], LOG_LEVEL_DEBUG, "unheard");
	tell_failure(ends[0], &err);
	ck_assert_int_eq(tell(ends[0], START, &err), -ECONNRESET);
	ck_assert_str_eq(err.text,
			 "the other process ended without a word: connection reset by peer");
	close(ends[0]);
}

/* -- letters ----------------------------------------------------------------------------------- */

TEST(hears_letters_until_the_other_side_is_gone)
{
	struct letter letter = {.fd = -1};
	int ends[2];

	make_sockets(ends);
	ck_assert_int_eq(tell(ends[1], EXECUTING, &err), 0);
	ck_assert_int_eq(receive(ends[0], &letter, &err), 0);
	ck_assert_int_eq(letter.message, EXECUTING);
	ck_assert_int_eq(letter.fd, -1);
	close(ends[1]);
	ck_assert_int_eq(receive(ends[0], &letter, &err), -ECONNRESET);
	ck_assert_str_eq(err.text,
			 "the other process ended without a word: connection reset by peer");
	close(ends[0]);
}

/* Raw packets, as no honest side would send them. */
static int receive_raw(const void *bytes, size_t length)
{
	struct letter letter = {.fd = -1};
	int ends[2], r;

	make_sockets(ends);
	ck_assert_int_eq(send(ends[1], bytes, length, 0), (ssize_t)length);
	r = receive(ends[0], &letter, &err);
	ck_assert_int_eq(letter.fd, -1);
	close(ends[0]);
	close(ends[1]);
	return r;
}

static int receive_failure(size_t length, int code, int fill)
{
	static struct {
		int64_t message, value;
		struct error error;
	} packet;

	memset(&packet, fill, sizeof(packet));
	packet.message = FAILED;
	packet.error.code = code;
	return receive_raw(&packet, length);
}

TEST(survives_packets_of_any_size)
{
	static const char zeroes[2 * sizeof(struct error)];

	ck_assert_int_eq(receive_raw("abc", 3), -EPROTO);
	ck_assert_str_eq(err.text, "receive a message of 3 bytes: protocol error");
	ck_assert_int_eq(receive_raw(zeroes, 16), 0);
	ck_assert_int_eq(receive_raw(zeroes, sizeof(zeroes)), 0);
	ck_assert_int_eq(receive_failure(16 + sizeof(struct error), EPERM, 'x'), -EPERM);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	ck_assert_uint_eq(strlen(err.hint), sizeof(err.hint) - 1);
}

/* Sends length bytes together with a descriptor, and receives them. */
static int receive_with_fd(size_t length)
{
	char bytes[64] = "", control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec part = {.iov_base = bytes, .iov_len = length};
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
	struct letter letter = {.fd = -1};
	int ends[2], r;

	make_sockets(ends);
	*rights = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	};
	memcpy(CMSG_DATA(rights), &ends[0], sizeof(int));
	ck_assert_int_eq(sendmsg(ends[0], &header, 0), (ssize_t)length);
	r = receive(ends[1], &letter, &err);
	close(letter.fd);
	close(ends[0]);
	close(ends[1]);
	return r;
}

TEST(closes_a_descriptor_that_comes_with_too_little)
{
	int before = count_fds();

	ck_assert_int_eq(receive_with_fd(0), -ECONNRESET);
	ck_assert_int_eq(count_fds(), before);
	ck_assert_int_eq(receive_with_fd(15), -EPROTO);
	ck_assert_str_eq(err.text, "receive a message of 15 bytes: protocol error");
	ck_assert_int_eq(count_fds(), before);
	ck_assert_int_eq(receive_with_fd(16), 0);
	ck_assert_int_eq(count_fds(), before);
}

TEST(takes_no_failure_that_is_none)
{
	const char *text = "receive the other process's error: protocol error";

	ck_assert_int_eq(receive_failure(16, EPERM, 0), -EPROTO);
	ck_assert_str_eq(err.text, text);
	ck_assert_int_eq(receive_failure(15 + sizeof(struct error), EPERM, 0), -EPROTO);
	ck_assert_int_eq(receive_failure(16 + sizeof(struct error), 0, 0), -EPROTO);
	ck_assert_int_eq(receive_failure(16 + sizeof(struct error), -1, 0), -EPROTO);
	ck_assert_str_eq(err.text, text);
}

/* -- notes ------------------------------------------------------------------------------------- */

static void keep_note(enum log_level level, const char *message, void *context)
{
	(void)context;
	hear(level == LOG_LEVEL_WARNING ? "warning:" : "debug:");
	hear(strlen(message) > 100 ? "long" : message);
}

static void child_chatters(int socket)
{
	static char text[3 * sizeof(struct error)];

	memset(text, 'x', sizeof(text) - 1);
	tell_note(socket, LOG_LEVEL_DEBUG, "one");
	say(socket, MAP_IDS);
	tell_note(socket, LOG_LEVEL_WARNING, "two");
	tell_note(socket, LOG_LEVEL_DEBUG, text);
	tell_note(socket, LOG_LEVEL_DEBUG, "");
	if (say(socket, READY) < 0)
		_exit(1);
}

TEST(gives_notes_to_the_log_at_any_time)
{
	log_set_level(LOG_LEVEL_DEBUG);
	log_set_sink(keep_note, NULL);
	ck_assert_int_eq(converse(child_chatters), 0);
	ck_assert_str_eq(heard, "debug: one map-ids warning: two debug: long debug:  ready ");
}

TEST(waits_past_notes_for_the_answer)
{
	const struct letter request = {.message = MAP_IDS, .fd = -1};
	struct conversation here = talk_over(-1);
	int ends[2];

	heard[0] = '\0';
	log_set_level(LOG_LEVEL_DEBUG);
	log_set_sink(keep_note, NULL);
	make_sockets(ends);
	here.socket = ends[1];
	tell_note(ends[1], LOG_LEVEL_DEBUG, "first");
	ck_assert_int_eq(answer_done(&here, &err), 0);
	ck_assert_int_eq(ask(ends[0], &request, &err), 0);
	ck_assert_str_eq(heard, "debug: first ");
	close(ends[0]);
	close(ends[1]);
}

RUN_TESTS("protocol", names_every_message, answers_each_request_until_ready,
	  answers_the_stage_up_to_its_last_word, answers_done_where_there_is_nothing_to_do,
	  leaves_the_answer_to_ready_for_the_commit, lets_init_notice_that_the_runtime_is_gone,
	  refuses_a_request_out_of_turn, refuses_a_second_time_what_may_come_once,
	  refuses_a_request_of_the_stage_from_init, refuses_a_request_of_init_from_the_stage,
	  refuses_what_is_no_request, hears_why_the_child_failed, takes_silence_for_a_failure,
	  tells_the_child_that_the_runtime_failed, notices_a_request_without_its_descriptor,
	  closes_a_descriptor_that_nobody_wants, refuses_an_answer_that_is_none,
	  is_not_killed_by_telling_nobody, hears_letters_until_the_other_side_is_gone,
	  survives_packets_of_any_size, closes_a_descriptor_that_comes_with_too_little,
	  takes_no_failure_that_is_none, gives_notes_to_the_log_at_any_time,
	  waits_past_notes_for_the_answer)
