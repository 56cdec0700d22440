/*
 * Memory for yajl.  It crashes when malloc() or realloc() fail, as they do where RLIMIT_AS or a cgroup leaves
 * little.  So it gets all at once, before it begins, and what fails is an error.
 *
 * Its buffers double while they are too small for one string or one token, and there are two: each takes
 * less than four times the text, all that it has outgrown included.  Beside them there is the parser itself.
 */
#include "libocispec/parser-memory.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

enum { PARSER_SIZE = 32768, BUFFERS = 8 };

/* How large a piece is stands before it, for who lets it grow. */
struct piece {
	_Alignas(16) size_t size;
	char bytes[];
};

static void *take(void *context, size_t size)
{
	struct parser_memory *memory = context;
	size_t whole = sizeof(struct piece) + ((size + 15) & ~(size_t)15);
	struct piece *piece = (struct piece *)(void *)memory->next;

	if (size > SIZE_MAX / 2 || whole > memory->left)
		return NULL;
	memory->next += whole;
	memory->left -= whole;
	piece->size = size;
	return piece->bytes;
}

static void *grow(void *context, void *old, size_t size)
{
	void *grown = take(context, size);
	const struct piece *piece;

	if (!old || !grown)
		return grown;
	piece = (const struct piece *)(const void *)((char *)old - offsetof(struct piece, bytes));
	return memcpy(grown, old, piece->size < size ? piece->size : size);
}

/* It goes with the arena. */
static void give_back(void *context, void *piece)
{
	(void)context;
	(void)piece;
}

int parser_memory_reserve(struct parser_memory *memory, struct arena *arena, size_t length)
{
	const size_t size = BUFFERS * length + PARSER_SIZE;

	*memory = (struct parser_memory){
		.next = arena_alloc_apart(arena, size),
		.left = size,
		.functions = {.malloc = take, .realloc = grow, .free = give_back},
	};
	memory->functions.ctx = memory;
	return memory->next ? 0 : -ENOMEM;
}
