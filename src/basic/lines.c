#include "basic/lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void lines_begin(struct lines *lines, int fd)
{
	/* The room is not cleared: most of it is never touched. */
	lines->fd = fd;
	lines->error = 0;
	lines->too_long = false;
	lines->next = lines->length = 0;
}

/* The line at next, if all of it is there. */
static char *cut_line(struct lines *lines)
{
	char *line = lines->room + lines->next;
	char *end = memchr(line, '\n', lines->length);

	if (!end)
		return NULL;
	*end = '\0';
	lines->next += (size_t)(end + 1 - line);
	lines->length -= (size_t)(end + 1 - line);
	return line;
}

/* Moves what is left to the front and reads what comes next; returns how much that is. */
static ssize_t read_more(struct lines *lines)
{
	ssize_t count;

	memmove(lines->room, lines->room + lines->next, lines->length);
	lines->next = 0;
	if (lines->length == LINES_ROOM) {
		lines->length = 0;
		lines->too_long = true;
	}
	do
		count = read(lines->fd, lines->room + lines->length, LINES_ROOM - lines->length);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		lines->error = errno;
	else
		lines->length += (size_t)count;
	return count;
}

char *lines_next(struct lines *lines)
{
	for (;;) {
		char *line = cut_line(lines);

		if (!line && read_more(lines) > 0)
			continue;
		if (!line && (lines->error || lines->length == 0))
			return NULL;
		if (!line) {
			/* The last line may lack its newline. */
			line = lines->room;
			line[lines->length] = '\0';
			lines->length = 0;
		}
		if (!lines->too_long)
			return line;
		lines->too_long = false;
	}
}
