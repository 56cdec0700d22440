/* The keys that a JSON map has had so far, to find one that is given twice. */
#pragma once

#include <stddef.h>

#include "basic/arena.h"

struct key_set {
	const char **slots; /* the keys, each where its hash says or behind; NULL is empty */
	size_t size;	    /* how many slots there are: a power of two, or 0 */
	size_t used;
};

/* 1: the key is new, and now in the set, which keeps the pointer; 0: it is there already; -ENOMEM:
 * the arena is full.  A zeroed set is empty. */
int key_set_add(struct key_set *set, struct arena *arena, const char *key);
