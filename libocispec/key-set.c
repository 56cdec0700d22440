#include "libocispec/key-set.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

enum { FIRST_SIZE = 16 };

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash(const char *key)
{
	uint64_t value = 0xcbf29ce484222325;

	for (; *key; key++)
		value = (value ^ (unsigned char)*key) * 0x100000001b3;
	return value ^ value >> 32;
}

/* Where the key is, or the empty slot where it belongs. */
static const char **find(const struct key_set *set, const char *key)
{
	size_t at = hash(key) & (set->size - 1);

	while (set->slots[at] && strcmp(set->slots[at], key) != 0)
		at = (at + 1) & (set->size - 1);
	return &set->slots[at];
}

static int grow(struct key_set *set, struct arena *arena)
{
	struct key_set larger = {.size = set->size ? 2 * set->size : FIRST_SIZE, .used = set->used};

	larger.slots = arena_array(arena, const char *, larger.size);
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < set->size; i++)
		if (set->slots[i])
			*find(&larger, set->slots[i]) = set->slots[i];
	*set = larger;
	return 0;
}

int key_set_add(struct key_set *set, struct arena *arena, const char *key)
{
	const char **slot;

	if (2 * (set->used + 1) > set->size && grow(set, arena) < 0)
		return -ENOMEM;
	slot = find(set, key);
	if (*slot)
		return 0;
	*slot = key;
	set->used++;
	return 1;
}
