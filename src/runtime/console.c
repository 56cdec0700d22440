#include "runtime/console.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The rows of poll(2). */
enum { READ_INPUT, WRITE_INPUT, READ_OUTPUT, WRITE_OUTPUT };

int console_check(const struct oci_process *process, const char *socket, bool attached,
		  struct error *err)
{
	bool terminal = process && process->terminal;

	if (terminal && !socket && !attached) {
		error_config(err, "process.terminal: nobody would take the terminal");
		return error_hint(err, "give --console-socket, or set process.terminal to false");
	}
	if (!terminal && socket) {
		error_config(err, "--console-socket: the container has no terminal");
		return error_hint(err, "set process.terminal to true");
	}
	return 0;
}

void console_resize(int master)
{
	struct winsize size;

	if (master >= 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		ioctl(master, TIOCSWINSZ, &size);
}

void console_begin(struct console *console, int master)
{
	struct termios raw;

	console->input = (struct console_way){.from = STDIN_FILENO, .to = master, .open = true};
	console->output = (struct console_way){.from = master, .to = STDOUT_FILENO, .open = true};
	/* poll(2) says of a terminal that it takes something, not how much: write(2) would wait. */
	fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
	console->raw = tcgetattr(STDIN_FILENO, &console->saved) == 0;
	if (!console->raw)
		return;
	raw = console->saved;
	cfmakeraw(&raw);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	console_resize(master);
}

void console_end(struct console *console)
{
	if (console->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &console->saved);
	console->raw = false;
}

static void watch_way(const struct console_way *way, struct pollfd *rows)
{
	bool full = way->end > way->begin;

	rows[0] = (struct pollfd){.fd = way->open && !full ? way->from : -1, .events = POLLIN};
	rows[1] = (struct pollfd){.fd = full ? way->to : -1, .events = POLLOUT};
}

void console_watch(const struct console *console, struct pollfd *rows, bool draining)
{
	watch_way(&console->input, &rows[READ_INPUT]);
	watch_way(&console->output, &rows[READ_OUTPUT]);
	if (draining)
		rows[READ_INPUT].fd = rows[WRITE_INPUT].fd = -1;
}

static void copy_way(struct console_way *way, const struct pollfd *rows)
{
	ssize_t count;

	if (rows[0].revents) {
		count = read(way->from, way->bytes, sizeof(way->bytes));
		/* EIO: nobody has the other side of the terminal open any more. */
		if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR))
			way->open = false;
		way->begin = 0;
		way->end = count > 0 ? (size_t)count : 0;
	}
	if (rows[1].revents) {
		count = write(way->to, way->bytes + way->begin, way->end - way->begin);
		if (count > 0)
			way->begin += (size_t)count;
		else if (count < 0 && errno != EAGAIN && errno != EINTR)
			way->begin = way->end; /* nobody reads it: it is lost, like in a pipe */
	}
}

void console_copy(struct console *console, const struct pollfd *rows)
{
	copy_way(&console->input, &rows[READ_INPUT]);
	copy_way(&console->output, &rows[READ_OUTPUT]);
}

bool console_has_output(const struct console *console)
{
	return console->output.open || console->output.end > console->output.begin;
}
