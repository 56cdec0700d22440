#include "basic/text-list.h"

#include <stdlib.h>

bool text_list_add(struct text_list *list, const char *text)
{
	const char **items = realloc(list->items, (list->count + 1) * sizeof(*items));

	if (!items)
		return false;
	list->items = items;
	list->items[list->count++] = text;
	return true;
}

void text_list_release(struct text_list *list)
{
	free(list->items);
	*list = (struct text_list){0};
}
