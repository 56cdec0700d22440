/*
 * How the user is told: one line for each event, as text or as JSON.
 *
 *	stderr:  mount /proc: operation not permitted: the host's /proc is partly hidden
 *	text:    2026-01-31T10:20:30.000000Z error: mount /proc: ...
 *	json:    {"level":"error","msg":"...","hint":"...","time":"2026-01-31T10:20:30.000000Z"}
 *
 * An error goes to stderr, as text, and to the log if there is one.  Warnings and debug lines go to
 * the log, or to stderr if there is none.  Container engines read "level", "msg" and "time", and
 * some of them the whole file as one JSON object: at the level they ask for, which is "error", a
 * command that fails writes exactly one line and a command that succeeds none.  "hint" is there for
 * people.
 *
 * The log's settings are the program's only global variables.
 */
#pragma once

#include <stdbool.h>

#include "basic/error.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* A function that is given each line's message. */
typedef void log_sink(enum log_level level, const char *message, void *context);

/* Nothing above this level is written; LOG_LEVEL_ERROR until it is set. */
void log_set_level(enum log_level level);

/* Opens the log, a file to which lines are added; it is made with 0644 if it is missing.  A link to it must be
 * root's or the caller's. */
int log_open(const char *path, enum log_format format, struct error *err);

/* From now on lines go to sink alone.  For a process that has no way to the log but through
 * another. */
void log_set_sink(log_sink *sink, void *context);

void log_error(const struct error *err);
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A warning that no level silences: of a protection that somebody seems to have asked for and does not get. */
void log_warning_always(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether log_debug() writes: for what is costly to find out. */
bool log_debug_enabled(void);
