/*
 * basic/arena.h for the fuzz targets, in place of src/basic/arena.c: every piece is allocated by itself, so that
 * AddressSanitizer knows where it ends, and any of them can be refused.
 */
#include "basic/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { ARENA_SIZE = 256 * 1024 * 1024 };

/* Before each piece; arena->start is the first of them, which is an empty one. */
struct piece {
	struct piece *next;
	_Alignas(16) char bytes[];
};

struct arena_control arena_control;

bool arena_refused(void)
{
	return arena_control.most && arena_control.given >= arena_control.most;
}

int arena_open_private(struct arena *arena, struct error *err)
{
	struct piece *first = calloc(1, sizeof(*first));

	if (!first)
		return error_errno(err, ENOMEM, "reserve memory");
	*arena = (struct arena){.start = (char *)first, .size = ARENA_SIZE, .fd = -1};
	return 0;
}

/* Nothing that is fuzzed shares its arena. */
int arena_open_shared(struct arena *arena, struct error *err)
{
	return arena_open_private(arena, err);
}

int arena_keep_private(struct arena *arena, struct error *err)
{
	(void)arena, (void)err;
	return 0;
}

int arena_map(int fd, void **start, struct error *err)
{
	(void)fd, (void)start;
	return error_errno(err, ENOSYS, "map the plan");
}

void arena_release(struct arena *arena)
{
	struct piece *next = (struct piece *)(void *)arena->start;

	while (next) {
		struct piece *piece = next;

		next = piece->next;
		free(piece);
	}
	*arena = (struct arena){.fd = -1};
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct piece *first = (struct piece *)(void *)arena->start, *piece;

	if (size > arena->size - arena->used || ++arena_control.given == arena_control.most)
		return NULL;
	piece = calloc(1, sizeof(*piece) + size);
	if (!piece)
		return NULL;
	piece->next = first->next;
	first->next = piece;
	arena->used += size;
	return piece->bytes;
}

void *arena_alloc_apart(struct arena *arena, size_t size)
{
	return arena_alloc(arena, size);
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(count, size, &bytes) ? NULL : arena_alloc(arena, bytes);
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	if (copy)
		memcpy(copy, text, length);
	return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text = NULL, *copy;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	copy = length < 0 ? NULL : arena_copy(arena, text, (size_t)length);
	free(text);
	return copy;
}

int arena_full(const struct arena *arena, struct error *err)
{
	return error_errno(err, ENOMEM, "more than %zu MiB of memory would be needed",
			   arena->size >> 20);
}
