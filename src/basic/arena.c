#include "basic/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/cleanup.h"

/*
 * Where a shared arena lies.  The address must be free in every program right after exec, whatever
 * the kernel's randomisation does: above where x86-64 puts a sanitizer's shadow memory, below where
 * anything else begins; on other 64-bit machines below 2^39, the smallest address space they have.
 */
#if defined(__x86_64__)
#define SHARED_ADDRESS ((void *)0x200000000000)
#elif UINTPTR_MAX > UINT32_MAX
#define SHARED_ADDRESS ((void *)0x2000000000)
#else
#define SHARED_ADDRESS ((void *)0x60000000)
#endif

enum {
	ARENA_SIZE = 256 * 1024 * 1024, /* address space; pages come when they are touched */
	ALIGNMENT = 16,
};

int arena_open_private(struct arena *arena, struct error *err)
{
	void *start = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start == MAP_FAILED)
		return error_errno(err, errno, "reserve memory");
	*arena = (struct arena){.start = start, .size = ARENA_SIZE, .fd = -1};
	return 0;
}

int arena_open_shared(struct arena *arena, struct error *err)
{
	autoclose int fd = memfd_create("proa-plan", MFD_CLOEXEC);
	void *start;

	if (fd < 0 || ftruncate(fd, ARENA_SIZE) < 0)
		return error_errno(err, errno, "make memory for the plan");
	start = mmap(SHARED_ADDRESS, ARENA_SIZE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
	if (start != SHARED_ADDRESS)
		return error_errno(err, start == MAP_FAILED ? errno : EEXIST,
				   "map memory for the plan at %p", SHARED_ADDRESS);
	*arena = (struct arena){.start = start, .size = ARENA_SIZE, .fd = take_fd(&fd)};
	return 0;
}

int arena_map(int fd, void **start, struct error *err)
{
	void *mapped = mmap(SHARED_ADDRESS, ARENA_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0);

	if (mapped != SHARED_ADDRESS)
		return error_errno(err, mapped == MAP_FAILED ? errno : EEXIST, "map the plan at %p",
				   SHARED_ADDRESS);
	*start = mapped;
	return 0;
}

void arena_release(struct arena *arena)
{
	if (!arena->start)
		return;
	munmap(arena->start, arena->size);
	close_fd(&arena->fd);
	*arena = (struct arena){.fd = -1};
}

static size_t aligned(size_t size)
{
	return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static size_t room_of(const struct arena *arena)
{
	return arena->size - arena->used - arena->apart - ALIGNMENT;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	char *piece = arena->start + arena->used;

	if (size > room_of(arena))
		return NULL;
	arena->used += aligned(size);
	return piece;
}

bool arena_resize(struct arena *arena, void *piece, size_t size)
{
	const size_t used = arena->used;

	arena->used = (size_t)((char *)piece - arena->start);
	if (arena_alloc(arena, size))
		return true;
	arena->used = used;
	return false;
}

bool arena_ends_with(const struct arena *arena, const void *piece, size_t size)
{
	return (const char *)piece + aligned(size) == arena->start + arena->used;
}

void *arena_alloc_apart(struct arena *arena, size_t size)
{
	if (size > room_of(arena))
		return NULL;
	arena->apart += aligned(size);
	return arena->start + arena->size - arena->apart;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return arena_alloc(arena, bytes);
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
	va_list args, again;
	char *text = NULL;
	int length;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	if (length >= 0)
		text = arena_alloc(arena, (size_t)length + 1);
	if (text)
		vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	va_end(args);
	return text;
}

int arena_full(const struct arena *arena, struct error *err)
{
	return error_errno(err, ENOMEM, "more than %zu MiB of memory would be needed",
			   arena->size >> 20);
}
