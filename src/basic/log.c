/*
 * Each line is one write(2), so that lines of processes that share a log never mix, and nothing is
 * lost in a buffer when the process ends in whatever way.
 */
#include "basic/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/file.h"
#include "basic/json.h"

/* Fits any error whose text and hint are plain; of another one the end is left out. */
enum { LINE_SIZE = 8192 };

static struct {
	enum log_level level;
	enum log_format format;
	int fd; /* of the log, or 0: there is none */
	log_sink *sink;
	void *context;
} settings;

void log_set_level(enum log_level level)
{
	settings.level = level;
}

bool log_debug_enabled(void)
{
	return settings.level >= LOG_LEVEL_DEBUG;
}

void log_set_sink(log_sink *sink, void *context)
{
	settings.sink = sink;
	settings.context = context;
}

int log_open(const char *path, enum log_format format, struct error *err)
{
	int fd = file_open_output("the log", path, O_APPEND, err);

	if (fd < 0)
		return fd;
	settings.fd = fd;
	settings.format = format;
	return 0;
}

static const char *level_name(enum log_level level)
{
	static const char names[][sizeof("warning")] = {
		[LOG_LEVEL_ERROR] = "error",
		[LOG_LEVEL_WARNING] = "warning",
		[LOG_LEVEL_DEBUG] = "debug",
	};

	return names[level];
}

static void write_line(int fd, const char *line, size_t length)
{
	/* A log that cannot be written to is nothing to fail for, and there is nobody to tell. */
	(void)file_write_all(fd, line, length);
}

/* Control characters would make more than one line, or move the cursor of whoever reads it. */
static void hide_control_characters(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < 0x20 || *line == 0x7f)
			*line = '?';
}

/* prefix, message and hint as one line of text. */
static void write_text(int fd, const char *prefix, const char *message, const char *hint)
{
	char line[LINE_SIZE];
	size_t length;

	snprintf(line, sizeof(line) - 1, "%s%s%s%s", prefix, message, *hint ? ": " : "", hint);
	hide_control_characters(line);
	length = strlen(line);
	line[length] = '\n';
	write_line(fd, line, length + 1);
}

static void write_log_text(enum log_level level, const char *message, const char *hint)
{
	char prefix[CLOCK_TEXT_SIZE + sizeof(" warning: ")];
	char time[CLOCK_TEXT_SIZE];

	clock_text(time);
	snprintf(prefix, sizeof(prefix), "%s %s: ", time, level_name(level));
	write_text(settings.fd, prefix, message, hint);
}

static void write_log_json(enum log_level level, const char *message, const char *hint)
{
	/* What follows the message and the hint; kept free, so that the object is always whole. */
	enum { TAIL_SIZE = CLOCK_TEXT_SIZE + sizeof(",\"time\":\"\"}\n") };
	enum { HINT_SIZE = ERROR_HINT_SIZE + sizeof(",\"hint\":\"\"") };
	char line[LINE_SIZE];
	char time[CLOCK_TEXT_SIZE];
	size_t size = sizeof(line) - TAIL_SIZE;
	size_t used;

	clock_text(time);
	used = (size_t)snprintf(line, size, "{\"level\":\"%s\",\"msg\":", level_name(level));
	used += json_string(line + used, size - used - HINT_SIZE, message);
	if (*hint) {
		used += (size_t)snprintf(line + used, size - used, ",\"hint\":");
		used += json_string(line + used, size - used, hint);
	}
	used += (size_t)snprintf(line + used, sizeof(line) - used, ",\"time\":\"%s\"}\n", time);
	write_line(settings.fd, line, used);
}

static void write_log(enum log_level level, const char *message, const char *hint)
{
	if (settings.format == LOG_JSON)
		write_log_json(level, message, hint);
	else
		write_log_text(level, message, hint);
}

void log_error(const struct error *err)
{
	if (settings.sink) {
		settings.sink(LOG_LEVEL_ERROR, err->text, settings.context);
		return;
	}
	/* First the log: writing to a stderr that nobody reads may end the process. */
	if (settings.fd)
		write_log(LOG_LEVEL_ERROR, err->text, err->hint);
	write_text(STDERR_FILENO, "", err->text, err->hint);
}

static void log_line(enum log_level level, const char *message)
{
	if (settings.sink)
		settings.sink(level, message, settings.context);
	else if (settings.fd)
		write_log(level, message, "");
	else
		write_text(STDERR_FILENO,
			   level == LOG_LEVEL_WARNING ? "warning: " : "debug: ", message, "");
}

void log_warning_always(const char *format, ...)
{
	char message[ERROR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	log_line(LOG_LEVEL_WARNING, message);
}

void log_warning(const char *format, ...)
{
	char message[ERROR_TEXT_SIZE];
	va_list args;

	if (settings.level < LOG_LEVEL_WARNING)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	log_line(LOG_LEVEL_WARNING, message);
}

void log_debug(const char *format, ...)
{
	char message[ERROR_TEXT_SIZE];
	va_list args;

	if (!log_debug_enabled())
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	log_line(LOG_LEVEL_DEBUG, message);
}
