/* A growing list of texts, which it does not own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct text_list {
	const char **items;
	size_t count;
};

/* False when there is no memory left. */
bool text_list_add(struct text_list *list, const char *text);

/* Accepts a zeroed struct. */
void text_list_release(struct text_list *list);
