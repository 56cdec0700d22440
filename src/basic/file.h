/* Whole files: small ones, read and written at once. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "basic/arena.h"
#include "basic/error.h"

/* Far above what engines write into a config.json; what is larger is a mistake or an attack. */
enum { FILE_MOST_BYTES = 16 * 1024 * 1024 };

/* Reads a regular file of at most FILE_MOST_BYTES into the arena, with a NUL behind it, and returns
 * its length.  Never waits: a FIFO or a device is an error. */
ssize_t file_read(struct arena *arena, int dir, const char *path, char **text, struct error *err)
	__attribute__((warn_unused_result));

/* The same where no name on the way may be a link. */
ssize_t file_read_beneath(struct arena *arena, int dir, const char *path, char **text,
			  struct error *err) __attribute__((warn_unused_result));

/* The same of what is open as fd and may be a pipe: reads until its end.  name is for errors. */
ssize_t file_read_stream(struct arena *arena, int fd, const char *name, char **text,
			 struct error *err) __attribute__((warn_unused_result));

/* Reads what fits of a small file (of /proc, a cgroup, ...) into buffer, with a NUL behind it; returns
 * its length, or a negative errno. */
ssize_t file_read_small(int dir, const char *path, char *buffer, size_t size);

/* The same of one that is open. */
ssize_t file_read_some(int fd, char *buffer, size_t size);

/* Writes text to an existing file in one write(2); returns 0 or a negative errno. */
int file_write(int dir, const char *path, const char *text);

/* Makes the file name in dir, of mode 0600, with these bytes; an error if there is one.  After a crash it may
 * be a part of it. */
int file_make(int dir, const char *name, const void *bytes, size_t length, struct error *err);

/* Replaces the file name in dir: after a crash at any moment it is the old or the new one, whole. */
int file_replace(int dir, const char *name, const char *text, mode_t mode, struct error *err);

/* Writes all of text to fd, whatever a signal interrupts; returns 0 or a negative errno. */
int file_write_all(int fd, const char *text, size_t length);

/* Opens a file that the caller has named for what is told, made with 0644 if it is missing; flags are O_APPEND
 * or O_TRUNC, what is the beginning of the error: "the log".  Never waits.  A link to it must be root's or the
 * caller's. */
int file_open_output(const char *what, const char *path, int flags, struct error *err);
