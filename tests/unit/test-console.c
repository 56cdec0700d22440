#include "runtime/console.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/clock.h"
#include "child.h"
#include "unit.h"

/*
 *	user_in, user_out	the ends of the pipes that stand for the user's stdin and stdout
 *	container		the program's side of its terminal, or of a socket in its place
 */
static struct console console;
static int user_in, user_out, container;
static struct error err;

enum { MANY = 300000, PIECE = 5000 };

/* A sequence without a short period, so that a lost, doubled or exchanged piece shows. */
static char byte_at(size_t i)
{
	return (char)((i * 2654435761U) >> 13);
}

static void make_pipe(int *from, int *to)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	*from = ends[0];
	*to = ends[1];
}

static void begin(void)
{
	int ends[2];

	signal(SIGPIPE, SIG_IGN); /* the runtime blocks it */
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	container = ends[1];
	console = (struct console){
		.input = {.to = ends[0], .open = true},
		.output = {.from = ends[0], .open = true},
	};
	make_pipe(&console.input.from, &user_in);
	make_pipe(&user_out, &console.output.to);
	fcntl(user_in, F_SETFL, O_NONBLOCK);
	fcntl(user_out, F_SETFL, O_NONBLOCK);
	fcntl(container, F_SETFL, O_NONBLOCK);
}

/* What the runtime does in its loop, once, without waiting. */
static int turn(bool draining)
{
	struct pollfd rows[CONSOLE_POLLS];
	int ready;

	console_watch(&console, rows, draining);
	ready = poll(rows, CONSOLE_POLLS, 0);
	ck_assert_int_ge(ready, 0);
	console_copy(&console, rows);
	return ready;
}

/* Two ends of a way and how far they have come. */
struct traffic {
	int write_to, read_from;
	size_t written, read;
	size_t most; /* what the reader takes at once */
};

/* What stands at a place of the sequence. */
static void fill(char *piece, size_t from, size_t length)
{
	for (size_t i = 0; i < length; i++)
		piece[i] = byte_at(from + i);
}

static void write_some(struct traffic *traffic)
{
	char piece[PIECE];
	size_t left = MANY - traffic->written, length = left < PIECE ? left : PIECE;
	ssize_t count;

	fill(piece, traffic->written, length);
	count = length ? write(traffic->write_to, piece, length) : 0;
	if (count > 0)
		traffic->written += (size_t)count;
}

static void read_some(struct traffic *traffic)
{
	char piece[PIECE], expected[PIECE];
	ssize_t count = read(traffic->read_from, piece, traffic->most);

	if (count <= 0)
		return;
	fill(expected, traffic->read, (size_t)count);
	ck_assert_msg(memcmp(piece, expected, (size_t)count) == 0, "wrong after %zu bytes",
		      traffic->read);
	traffic->read += (size_t)count;
}

/* Every byte comes through, in order, though the reader looks only now and then. */
static void expect_all_through(struct traffic one, struct traffic other)
{
	uint64_t end = clock_milliseconds() + 3000;

	for (int i = 0; one.read < MANY || other.read < MANY; i++) {
		write_some(&one);
		write_some(&other);
		turn(false);
		if (i % 7 == 0)
			read_some(&one);
		if (i % 11 == 0)
			read_some(&other);
		ck_assert_msg(clock_milliseconds() < end, "stuck at %zu and %zu", one.read,
			      other.read);
	}
}

TEST(copies_every_byte_both_ways_at_the_speed_of_the_reader)
{
	struct traffic input, output;

	begin();
	input = (struct traffic){.write_to = user_in, .read_from = container, .most = 4999};
	output = (struct traffic){.write_to = container, .read_from = user_out, .most = 3777};
	expect_all_through(input, output);
}

/* Neither way waits for the other. */
TEST(goes_on_with_one_way_while_nobody_reads_the_other)
{
	struct traffic input, output;
	uint64_t end = clock_milliseconds() + 3000;

	begin();
	input = (struct traffic){.write_to = user_in, .read_from = container, .most = 1};
	output = (struct traffic){.write_to = container, .read_from = user_out, .most = PIECE};
	while (output.read < MANY) {
		write_some(&input);
		write_some(&output);
		turn(false);
		read_some(&output);
		ck_assert_msg(clock_milliseconds() < end, "stuck at %zu", output.read);
	}
	ck_assert_uint_lt(input.written, MANY);
	input.most = PIECE;
	for (int i = 0; input.read < MANY && i < 1000; i++) {
		write_some(&input);
		turn(false);
		read_some(&input);
	}
	ck_assert_uint_eq(input.read, MANY);
}

TEST(rests_while_there_is_nothing_to_copy)
{
	begin();
	ck_assert_int_eq(turn(false), 0);
	ck_assert_int_eq(write(user_in, "x", 1), 1);
	ck_assert_int_gt(turn(false), 0);
	ck_assert_int_gt(turn(false), 0);
	ck_assert_int_eq(turn(false), 0);
}

TEST(goes_on_with_the_output_when_the_input_has_ended)
{
	char bytes[8] = "";

	begin();
	ck_assert_int_eq(write(user_in, "last", 4), 4);
	close(user_in);
	for (int i = 0; i < 4; i++)
		turn(false);
	ck_assert(!console.input.open);
	ck_assert_int_eq(read(container, bytes, sizeof(bytes)), 4);
	ck_assert_str_eq(bytes, "last");
	ck_assert_int_eq(turn(false), 0); /* an end that was seen wakes nobody up again */
	ck_assert_int_eq(write(container, "out", 3), 3);
	turn(false);
	turn(false);
	ck_assert_int_eq(read(user_out, bytes, sizeof(bytes)), 3);
	ck_assert(console_has_output(&console));
}

/* What the program wrote before its end is still given out, and then it is over. */
TEST(gives_out_what_was_written_before_the_end)
{
	struct traffic output;

	begin();
	output = (struct traffic){.write_to = container, .read_from = user_out, .most = PIECE};
	for (int i = 0; i < 20; i++)
		write_some(&output);
	close(container);
	ck_assert_int_eq(write(user_in, "ignored", 7), 7);
	for (int i = 0; console_has_output(&console) && i < 1000; i++) {
		turn(true);
		read_some(&output);
	}
	ck_assert(!console_has_output(&console));
	ck_assert_uint_gt(output.written, 0);
	ck_assert_uint_eq(output.read, output.written);
	ck_assert(console.input.open);
}

TEST(loses_what_nobody_reads_any_more_and_goes_on)
{
	struct traffic output;

	begin();
	output = (struct traffic){.write_to = container, .most = 0};
	close(user_out);
	for (int i = 0; output.written < MANY && i < 1000; i++) {
		write_some(&output);
		turn(false);
	}
	ck_assert_uint_eq(output.written, MANY);
	ck_assert(console.output.open);
}

/* -- with terminals ---------------------------------------------------------------------------- */

/* openpty(3) is in a library of its own before glibc 2.34. */
static int open_terminal(int *master, int *slave)
{
	*master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*master < 0 || grantpt(*master) < 0 || unlockpt(*master) < 0)
		return -1;
	*slave = open(ptsname(*master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	return *slave < 0 ? -1 : 0;
}

/* The container's terminal changes nothing of what passes; the pipes become stdin and stdout. */
static void begin_terminal(int saved[2])
{
	struct termios raw;
	int master;

	begin();
	close(container);
	close(console.input.to);
	ck_assert_int_eq(open_terminal(&master, &container), 0);
	ck_assert_int_eq(tcgetattr(container, &raw), 0);
	cfmakeraw(&raw);
	ck_assert_int_eq(tcsetattr(container, TCSANOW, &raw), 0);
	fcntl(container, F_SETFL, O_NONBLOCK);
	saved[0] = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	saved[1] = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	dup2(console.input.from, STDIN_FILENO);
	dup2(console.output.to, STDOUT_FILENO);
	close(console.input.from);
	close(console.output.to);
	console_begin(&console, master);
}

static void finish_terminal(int saved[2])
{
	console_end(&console);
	dup2(saved[0], STDIN_FILENO);
	dup2(saved[1], STDOUT_FILENO);
}

TEST(copies_every_byte_through_a_terminal)
{
	struct traffic input, output;
	int saved[2];

	begin_terminal(saved);
	input = (struct traffic){.write_to = user_in, .read_from = container, .most = 4999};
	output = (struct traffic){.write_to = container, .read_from = user_out, .most = 3777};
	expect_all_through(input, output);
	finish_terminal(saved);
}

TEST(ends_when_nobody_has_the_terminal_open_any_more)
{
	char bytes[8] = "";
	int saved[2];

	begin_terminal(saved);
	ck_assert_int_eq(write(container, "bye", 3), 3);
	close(container);
	for (int i = 0; console_has_output(&console) && i < 100; i++)
		turn(true);
	ck_assert(!console_has_output(&console));
	ck_assert_int_eq(read(user_out, bytes, sizeof(bytes)), 3);
	ck_assert_str_eq(bytes, "bye");
	finish_terminal(saved);
}

/* A program that reads no input must not stop the runtime, which still has its output and its
 * signals to pass on.  poll(2) says of a terminal that it takes something, not how much. */
TEST(does_not_wait_for_a_program_that_reads_no_input)
{
	struct traffic input;
	int saved[2];

	for (int round = 0; round < 20; round++) {
		begin_terminal(saved);
		input = (struct traffic){.write_to = user_in, .read_from = container};
		for (int i = 0; i < 100; i++) {
			write_some(&input);
			turn(false);
		}
		ck_assert_uint_lt(input.written, MANY);
		finish_terminal(saved);
	}
}

/* In a child, whose stdin is a terminal. */
static int begin_and_end(void *context, struct error *e)
{
	struct winsize size = {.ws_row = 33, .ws_col = 111}, other = {0};
	struct termios before, during, after;
	int user, stdin_side, master, slave;

	(void)context;
	if (open_terminal(&user, &stdin_side) < 0 || open_terminal(&master, &slave) < 0)
		return error_errno(e, errno, "open terminals");
	ioctl(user, TIOCSWINSZ, &size);
	dup2(stdin_side, STDIN_FILENO);
	tcgetattr(STDIN_FILENO, &before);
	console_begin(&console, master);
	tcgetattr(STDIN_FILENO, &during);
	ioctl(slave, TIOCGWINSZ, &other);
	if (!console.raw || (during.c_lflag & (ICANON | ECHO | ISIG)))
		return error_config(e, "keys are not passed on as they are");
	if (other.ws_row != 33 || other.ws_col != 111)
		return error_config(e, "the size is %dx%d", other.ws_row, other.ws_col);
	if (console.input.from != STDIN_FILENO || console.input.to != master ||
	    console.output.from != master || console.output.to != STDOUT_FILENO)
		return error_config(e, "the ways lead elsewhere");
	size.ws_row = 44;
	ioctl(user, TIOCSWINSZ, &size);
	console_resize(master);
	console_resize(-1);
	ioctl(slave, TIOCGWINSZ, &other);
	if (other.ws_row != 44)
		return error_config(e, "the new size is %dx%d", other.ws_row, other.ws_col);
	console_end(&console);
	console_end(&console);
	tcgetattr(STDIN_FILENO, &after);
	if (before.c_iflag != after.c_iflag || before.c_oflag != after.c_oflag ||
	    before.c_cflag != after.c_cflag || before.c_lflag != after.c_lflag || console.raw)
		return error_config(e, "it is not as it was");
	return 0;
}

TEST(borrows_the_users_terminal_and_gives_it_back)
{
	ck_assert_msg(in_child(begin_and_end, NULL, &err) == 0, "%s", err.text);
}

static int begin_without_terminal(void *context, struct error *e)
{
	int master, slave;

	(void)context;
	if (open_terminal(&master, &slave) < 0)
		return error_errno(e, errno, "open a terminal");
	dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
	console_begin(&console, master);
	console_end(&console);
	return console.raw || !console.input.open || !console.output.open;
}

TEST(works_where_standard_input_is_no_terminal)
{
	ck_assert_msg(in_child(begin_without_terminal, NULL, &err) == 0, "%s", err.text);
}

RUN_TESTS("console", copies_every_byte_both_ways_at_the_speed_of_the_reader,
	  goes_on_with_one_way_while_nobody_reads_the_other, rests_while_there_is_nothing_to_copy,
	  goes_on_with_the_output_when_the_input_has_ended,
	  gives_out_what_was_written_before_the_end, loses_what_nobody_reads_any_more_and_goes_on,
	  copies_every_byte_through_a_terminal, ends_when_nobody_has_the_terminal_open_any_more,
	  does_not_wait_for_a_program_that_reads_no_input,
	  borrows_the_users_terminal_and_gives_it_back, works_where_standard_input_is_no_terminal)
