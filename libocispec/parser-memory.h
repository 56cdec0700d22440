/* Memory for yajl, which uses what it gets from malloc() without a look whether that is NULL. */
#ifndef PROA_PARSER_MEMORY_H
#define PROA_PARSER_MEMORY_H

#include <stddef.h>
#include <yajl/yajl_common.h>

#include "basic/arena.h"

struct parser_memory {
	char *next;
	size_t left;
	yajl_alloc_funcs functions;
};

/* Reserves in the arena what a parser takes at most for a text of this length: addresses, for only what is
 * written to becomes memory.  memory must stay where it is.  Returns -ENOMEM when the arena is full. */
int parser_memory_reserve(struct parser_memory *memory, struct arena *arena, size_t length);

#endif
