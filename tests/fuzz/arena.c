/*
 * basic/arena.h for the fuzz targets, in place of src/basic/arena.c: around every piece there is memory that
 * AddressSanitizer lets nobody touch, as there is everywhere when the arena is released; and any piece can be
 * refused.
 */
#include "basic/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

/* GAP is what is between two pieces. */
enum { ARENA_SIZE = 16 * 1024 * 1024, ALIGNMENT = 16, GAP = 32 };

/* The sanitizer's; there is none in a build without it. */
__attribute__((weak)) void __asan_poison_memory_region(const volatile void *start, size_t size);
__attribute__((weak)) void __asan_unpoison_memory_region(const volatile void *start, size_t size);

/* Taken in turn, so that a pointer into an arena that was released is found out, too. */
static struct {
	_Alignas(ALIGNMENT) char bytes[ARENA_SIZE];
	bool taken;
} places[4];

struct arena_control arena_control;

bool arena_refused(void)
{
	return arena_control.most && arena_control.given >= arena_control.most;
}

static void forbid(const char *start, size_t size)
{
	if (__asan_poison_memory_region)
		__asan_poison_memory_region(start, size);
}

static void allow(const char *start, size_t size)
{
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region(start, size);
}

int arena_open_private(struct arena *arena, struct error *err)
{
	static unsigned int turn;
	const unsigned int count = sizeof(places) / sizeof(places[0]);

	(void)err;
	for (unsigned int i = 0; i < count && places[++turn % count].taken; i++)
		;
	EXPECT(!places[turn % count].taken);
	places[turn % count].taken = true;
	*arena = (struct arena){
		.start = places[turn % count].bytes, .used = GAP, .size = ARENA_SIZE, .fd = -1};
	forbid(arena->start, GAP);
	return 0;
}

/* Nothing that is fuzzed shares its arena. */
int arena_open_shared(struct arena *arena, struct error *err)
{
	return arena_open_private(arena, err);
}

int arena_map(int fd, void **start, struct error *err)
{
	(void)fd, (void)start;
	return error_errno(err, ENOSYS, "map the plan");
}

void arena_release(struct arena *arena)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (arena->start == places[i].bytes) {
			forbid(arena->start, arena->used);
			places[i].taken = false;
		}
	*arena = (struct arena){.fd = -1};
}

static size_t with_gap(size_t size)
{
	return ((size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1)) + GAP;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t room = arena->size - arena->used, taken = with_gap(size);
	char *piece = arena->start + arena->used;

	if (++arena_control.given == arena_control.most || size > room || taken > room)
		return NULL;
	allow(piece, taken);
	memset(piece, 0, taken);
	forbid(piece + size, taken - size);
	arena->used += taken;
	return piece;
}

bool arena_resize(struct arena *arena, void *piece, size_t size)
{
	const size_t start = (size_t)((char *)piece - arena->start);
	const size_t had = arena->used - start, taken = with_gap(size);

	if (taken > had && ++arena_control.given == arena_control.most)
		return false;
	if (size > arena->size || taken > arena->size - start)
		return false;
	allow(piece, taken);
	if (taken > had)
		memset((char *)piece + had, 0, taken - had);
	forbid((char *)piece + size, taken - size);
	arena->used = start + taken;
	return true;
}

bool arena_ends_with(const struct arena *arena, const void *piece, size_t size)
{
	return (const char *)piece + with_gap(size) == arena->start + arena->used;
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

/* At its length at once, as nothing in the arena can grow. */
char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = length < 0 ? NULL : arena_alloc(arena, (size_t)length + 1);
	if (!text)
		return NULL;
	va_start(args, format);
	vsnprintf(text, (size_t)length + 1, format, args);
	va_end(args);
	return text;
}

int arena_full(const struct arena *arena, struct error *err)
{
	return error_errno(err, ENOMEM, "more than %zu MiB of memory would be needed",
			   arena->size >> 20);
}
