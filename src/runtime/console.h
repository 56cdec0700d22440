/*
 * The copying between the user's terminal, or whatever stdin and stdout are, and the container's.
 *
 *	stdin  -> input  -> the container's terminal
 *	stdout <- output <- the container's terminal
 *
 * Each way has a buffer; nothing is read before there is room, nothing is written before it is wanted, so
 * that neither side waits for the other and no byte is lost.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "basic/error.h"
#include "libocispec/types.h"

enum {
	CONSOLE_POLLS = 4,
	CONSOLE_BUFFER = 4096, /* PIPE_BUF: that much can be written when poll(2) says so */
};

struct console_way {
	int from, to;
	bool open; /* there may be more to read */
	size_t begin, end;
	char bytes[CONSOLE_BUFFER];
};

struct console {
	struct console_way input, output;
	bool raw; /* saved holds the settings that the user's terminal gets back */
	struct termios saved;
};

/* Whether a terminal, and somebody who takes its other side, are both wanted or both not; attached: the
 * runtime stays, and takes it if there is no socket. */
int console_check(const struct oci_process *process, const char *socket, bool attached,
		  struct error *err);

/* Sets the user's terminal to pass every key on, and gives the container's its size.  master stays the
 * caller's. */
void console_begin(struct console *console, int master);
void console_end(struct console *console);

/* The container's terminal gets the size of the user's. */
void console_resize(int master);

/* Fills in CONSOLE_POLLS rows for poll(2); draining: only what the container wrote still counts. */
void console_watch(const struct console *console, struct pollfd *rows, bool draining);

/* Copies what those rows now allow. */
void console_copy(struct console *console, const struct pollfd *rows);

/* Whether the container's terminal may have more to say. */
bool console_has_output(const struct console *console);
