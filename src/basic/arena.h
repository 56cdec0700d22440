/*
 * Memory that is given out piece by piece and given back all at once.
 *
 * Everything that proa learns about a container (config.json, decoded, and what is prepared from
 * it) lies in one arena.  A shared arena lies in a memfd that is mapped at the same address in the
 * runtime and in the program that becomes the container, so that pointers into it mean the same in
 * both: the plan is handed over without being written out and parsed again.
 *
 * What is given out is zeroed and aligned for any type.  Nothing is ever given back singly, but
 * for the end of the last piece, and nothing moves.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "basic/error.h"

struct arena {
	char *start;  /* NULL before arena_open_*() and after arena_release() */
	size_t used;  /* in bytes */
	size_t size;  /* the most that can be given out, in bytes; memory is taken page by page */
	size_t apart; /* of that, given out from the end on */
	int fd;	      /* the memfd of a shared arena, or -1 */
};

/* Private memory of this process. */
int arena_open_private(struct arena *arena, struct error *err);

/* Memory which another program can map with arena_map(); the fd is close-on-exec. */
int arena_open_shared(struct arena *arena, struct error *err);

/* Maps the shared arena behind fd at its address, as a private copy: what is written to it stays in
 * this process.  Returns its start in *start. */
int arena_map(int fd, void **start, struct error *err);

/* Accepts a zeroed struct. */
void arena_release(struct arena *arena);

/* Marks one that goes with its variable: autoarena struct arena arena = {0}; */
#define autoarena __attribute__((cleanup(arena_release)))

/* NULL when the arena is full: the caller reports ENOMEM with arena_full(). */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_copy(struct arena *arena, const char *text, size_t length); /* adds a NUL */
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Makes the piece that was given out last larger, or smaller, where it is; what it gives back must still be zero.
 * False when the arena is full: nothing has changed. */
bool arena_resize(struct arena *arena, void *piece, size_t size);

/* Whether the piece of this size was given out last. */
bool arena_ends_with(const struct arena *arena, const void *piece, size_t size);

/* As arena_alloc(), for what is large and mostly stays empty, or is soon forgotten: at the other end of the arena, so
 * that all else lies together on few pages. */
void *arena_alloc_apart(struct arena *arena, size_t size);

/* The error of a full arena. */
int arena_full(const struct arena *arena, struct error *err);

/* An array of count elements of a type, or NULL. */
#define arena_array(arena, type, count) ((type *)arena_alloc_array((arena), (count), sizeof(type)))
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);
