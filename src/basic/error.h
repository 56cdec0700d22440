/*
 * What went wrong, told from the outside in:
 *
 *	process.rlimits[2]: set RLIMIT_NOFILE to 5:9: operation not permitted
 *	^ error_in()        ^ error_errno()           ^ from errno
 *
 * The outermost function of each process owns one struct error, on its stack; everything it calls
 * gets a pointer to it as the last parameter, never NULL.  A function which can fail returns a
 * negative errno, or 0 (or a count, or a file descriptor) when it succeeds, and fills the error in
 * exactly when it fails.  The struct holds no pointers: it is sent to another process as it is.
 */
#pragma once

enum {
	ERROR_TEXT_SIZE = 4096,
	ERROR_HINT_SIZE = 512,
};

struct error {
	int code;		    /* a positive errno, or 0 when nothing has failed */
	char text[ERROR_TEXT_SIZE]; /* what the user is told */
	char hint[ERROR_HINT_SIZE]; /* what the user can do about it, or "" */
};

/* All of these return -err->code, so that "return error_...(err, ...)" ends a function. */

/* What code means, as it stands in the middle of a sentence: strerror()'s "Is a directory" becomes "is a
 * directory", but "RPC version wrong" stays. */
enum { ERROR_REASON_SIZE = 64 };
void error_reason(int code, char reason[ERROR_REASON_SIZE]);

/* A system call failed: "text: the meaning of code". */
int error_errno(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The user's input is wrong: "text"; the code is EINVAL. */
int error_config(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says where the error is: puts "text: " before it. */
int error_in(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says what to do about it.  The hint nearest the failure stands; a later one is ignored. */
int error_hint(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
