/*
 * The packets of the handshake, from a peer that may send anything: short ones, too long ones, with more file
 * descriptors than belong to them, in any order.  What the runtime's side makes of them is compared with
 * what launch/protocol.h says; no descriptor stays open.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/log.h"
#include "fuzz.h"
#include "launch/protocol.h"

enum { MOST_PACKETS = 12, MOST_FDS = 3 };

struct packet {
	struct {
		int64_t message, value;
	} head;
	struct error more;
	char beyond[16];
	size_t length; /* how much of all this is sent */
	unsigned int fds;
};

struct script {
	struct packet packets[MOST_PACKETS];
	size_t count;
	enum message after, until;
	bool asks; /* ask() reads them, and not answer_requests() */
};

/* What the answers saw. */
struct seen {
	int socket;
	unsigned int answered, notes;
	enum message last;
};

/* -- from bytes -------------------------------------------------------------------------------- */

static void take_packet(struct input *input, struct packet *packet)
{
	uint8_t form = input_byte(input), message = input_byte(input);
	size_t head = sizeof(packet->head);

	memset(packet, 'x', sizeof(*packet));
	packet->head.message =
		message < 0xf0 ? message % (MESSAGE_COUNT + 1) : (int64_t)input_number(input, 8);
	packet->head.value = (int8_t)input_byte(input);
	packet->fds = form & 3;
	switch (form >> 2 & 7) {
	case 0:
		packet->length = input_byte(input) % head;
		break;
	case 1:
		packet->length = head + input_byte(input);
		break;
	case 2:
	case 3:
		packet->more.code = (int8_t)input_byte(input);
		packet->length = head + sizeof(packet->more);
		break;
	case 4:
		packet->length = head + sizeof(packet->more) + sizeof(packet->beyond);
		break;
	default:
		packet->length = head;
		break;
	}
}

static void take_script(struct input *input, struct script *script)
{
	uint8_t choice = input_byte(input);

	*script = (struct script){.asks = choice & 1, .after = choice >> 1 & 7};
	script->until = script->after + 1 + input_byte(input) % (MESSAGE_COUNT - script->after - 1);
	while (input->size && script->count < MOST_PACKETS)
		take_packet(input, &script->packets[script->count++]);
}

/* -- the peer ---------------------------------------------------------------------------------- */

static void send_packet(int socket, const struct packet *packet)
{
	const int fds[MOST_FDS] = {socket, socket, socket};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(fds))] = "";
	struct iovec part = {.iov_base = (void *)(uintptr_t)packet, .iov_len = packet->length};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *rights = (struct cmsghdr *)(void *)control;

	if (packet->fds) {
		header.msg_control = control;
		header.msg_controllen = CMSG_SPACE(packet->fds * sizeof(int));
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(packet->fds * sizeof(int));
		memcpy(CMSG_DATA(rights), fds, packet->fds * sizeof(int));
	}
	EXPECT(sendmsg(socket, &header, MSG_DONTWAIT) == (ssize_t)packet->length);
}

/* How many of the packets that came back say DONE, and whether the last one is a failure. */
static unsigned int read_answers(int socket, bool *failed)
{
	static struct packet packet;
	unsigned int done = 0;

	*failed = false;
	while (recv(socket, &packet, sizeof(packet), MSG_DONTWAIT) >=
	       (ssize_t)sizeof(packet.head)) {
		EXPECT(!*failed);
		*failed = packet.head.message == FAILED;
		done += packet.head.message == DONE;
	}
	return done;
}

/* -- the runtime's side ------------------------------------------------------------------------ */

static int answer(void *context, const struct letter *request, struct error *err)
{
	const struct conversation conversation = {.socket = ((struct seen *)context)->socket};
	struct seen *seen = context;

	EXPECT(request->message > seen->last);
	EXPECT(request->fd < 0 || fcntl(request->fd, F_GETFD) == FD_CLOEXEC);
	seen->last = request->message;
	seen->answered++;
	if (request->value < 0)
		return error_errno(err, EIO, "answer");
	if (request->value != 1)
		return 0;
	EXPECT(answer_done(&conversation, err) == 0);
	return SAID_DONE;
}

static void count_note(enum log_level level, const char *message, void *context)
{
	EXPECT(level == LOG_LEVEL_WARNING || level == LOG_LEVEL_DEBUG);
	EXPECT(strlen(message) < ERROR_TEXT_SIZE);
	++((struct seen *)context)->notes;
}

/* -- what must come out ------------------------------------------------------------------------ */

/* The first packet from *next on that is no note; NULL if there is none. */
static const struct packet *find_packet(const struct script *script, size_t *next, unsigned *notes)
{
	while (*next < script->count) {
		const struct packet *packet = &script->packets[(*next)++];

		if (packet->length < sizeof(packet->head) || (int)packet->head.message != NOTE)
			return packet;
		++*notes;
	}
	return NULL;
}

/* What receive() must say of a packet. */
static int received(const struct packet *packet)
{
	if (!packet || packet->length == 0)
		return -ECONNRESET;
	if (packet->length < sizeof(packet->head))
		return -EPROTO;
	if ((int)packet->head.message != FAILED)
		return 0;
	if (packet->length < sizeof(packet->head) + sizeof(packet->more) || packet->more.code <= 0)
		return -EPROTO;
	return -packet->more.code;
}

struct expected {
	int result;
	unsigned int done, notes;
	bool failed; /* and the peer is told so */
};

static struct expected expect_asked(const struct script *script)
{
	struct expected expected = {0};
	size_t next = 0;
	const struct packet *packet = find_packet(script, &next, &expected.notes);

	expected.result = received(packet);
	if (expected.result == 0 && (int)packet->head.message != DONE)
		expected.result = -EPROTO;
	return expected;
}

static struct expected expect_answered(const struct script *script)
{
	struct expected expected = {0};
	int last = script->after;
	size_t next = 0;

	while (last != (int)script->until) {
		const struct packet *packet = find_packet(script, &next, &expected.notes);
		int message = packet ? (int)packet->head.message : 0;

		expected.result = received(packet);
		if (expected.result < 0)
			return expected;
		if (message <= last || message > (int)script->until)
			expected.result = -EPROTO;
		else if (packet->head.value < 0)
			expected.result = -EIO;
		expected.failed = expected.result < 0;
		if (expected.failed)
			return expected;
		/* Who commits says it himself, unless it was said on the way. */
		expected.done += message != READY || packet->head.value == 1;
		last = message;
	}
	return expected;
}

/* -- both -------------------------------------------------------------------------------------- */

static int run(const struct script *script, int socket, struct seen *seen, struct error *err)
{
	answer_function *answers[MESSAGE_COUNT];
	const struct conversation conversation = {
		.socket = socket, .answers = answers, .context = seen};
	const struct letter request = {.message = RUN_HOOKS, .fd = -1};

	for (size_t i = 0; i < MESSAGE_COUNT; i++)
		answers[i] = answer;
	if (script->asks)
		return ask(socket, &request, err);
	return answer_requests(&conversation, script->after, script->until, err);
}

static void play(const struct script *script)
{
	struct expected expected = script->asks ? expect_asked(script) : expect_answered(script);
	static struct error err;
	struct seen seen = {.last = script->after};
	int ends[2], r;
	bool failed;

	EXPECT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	for (size_t i = 0; i < script->count; i++)
		send_packet(ends[1], &script->packets[i]);
	EXPECT(shutdown(ends[1], SHUT_WR) == 0);
	seen.socket = ends[0];
	log_set_sink(count_note, &seen);
	log_set_level(LOG_LEVEL_DEBUG);
	err = (struct error){0};
	r = run(script, ends[0], &seen, &err);
	EXPECT(r == expected.result);
	EXPECT(seen.notes == expected.notes);
	if (r < 0) /* the text is the peer's, and may be empty */
		EXPECT(err.code == -r && memchr(err.text, '\0', sizeof(err.text)) &&
		       memchr(err.hint, '\0', sizeof(err.hint)));
	EXPECT(read_answers(ends[1], &failed) == expected.done);
	EXPECT(failed == expected.failed);
	close(ends[0]);
	close(ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct script script;
	struct input input = {data, size};
	int open_files = fuzz_open_files();

	take_script(&input, &script);
	play(&script);
	EXPECT(fuzz_open_files() == open_files);
	return 0;
}
