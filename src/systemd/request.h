/*
 * What the runtime asks of proa-systemd, and the answer.
 *
 * One request is one packet of words, each ended by a NUL:
 *
 *	"start"  BUS UNIT PROPERTY...	a scope begins, with the helper itself in it
 *	"set"    BUS UNIT PROPERTY...	at run time
 *	"attach" BUS UNIT CGROUP	the sender of the packet is moved into the unit, CGROUP below it
 *	"stop"   BUS UNIT		it ends, and is forgotten
 *	"clear"  BUS UNIT		the same, if nothing is in it
 *
 * and a PROPERTY is NEED NAME TYPE COUNT and COUNT words with the values, decimal, or hexadecimal for
 * bytes.  The answer is a struct answer.  The two programs come from one build.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/error.h"

/* A unit with some thousand device rules stays far below it. */
enum { REQUEST_MOST_BYTES = 128 * 1024 };

/* How long systemd may take for one request, and the helper for all, in milliseconds. */
enum { SYSTEMD_MILLISECONDS = 30000, HELPER_MILLISECONDS = 35000 };

#define REQUEST_START  "start"
#define REQUEST_SET    "set"
#define REQUEST_ATTACH "attach"
#define REQUEST_STOP   "stop"
#define REQUEST_CLEAR  "clear"

/* Whether a systemd that is too old to know a property makes it an error. */
#define NEED_MUST "must"
#define NEED_MAY  "may"

struct answer {
	struct error err;  /* code is 0 when it is done */
	char dropped[256]; /* the properties that were not known */
};

/* -- writing ------------------------------------------------------------------------------------ */

/* Zeroed to begin with; to be released with free(request.bytes). */
struct request {
	char *bytes;
	size_t length, size;
	bool failed; /* there was no memory: told when it is sent */
};

void request_word(struct request *request, const char *word);
void request_number(struct request *request, uint64_t number);

/* The head of a property: count words follow. */
void request_property(struct request *request, const char *need, const char *name, const char *type,
		      size_t count);

/* Whole properties. */
void request_text(struct request *request, const char *need, const char *name, const char *value);
void request_flag(struct request *request, const char *need, const char *name, bool value);
void request_natural(struct request *request, const char *need, const char *name, uint64_t value);

/* -- reading ------------------------------------------------------------------------------------ */

struct request_reader {
	const char *at, *end;
};

/* The next word, or NULL at the end. */
const char *request_next(struct request_reader *reader);

/* A property; its values are the next count words of the reader. */
struct request_head {
	const char *need, *name, *type;
	size_t count;
};

/* Returns 1, 0 at the end, or -EPROTO when it is malformed. */
int request_next_property(struct request_reader *reader, struct request_head *head);

/* A decimal number of nothing but digits that is at most `most`. */
bool request_parse_number(const char *word, uint64_t most, uint64_t *number);
