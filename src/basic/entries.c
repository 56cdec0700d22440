#include "basic/entries.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool read_more(struct entries *entries)
{
	long length = sys_getdents64(entries->dir, &entries->room.first, sizeof(entries->room));

	if (length < 0)
		entries->error = errno;
	entries->next = 0;
	entries->length = length > 0 ? (size_t)length : 0;
	return length > 0;
}

const char *entries_next(struct entries *entries)
{
	for (;;) {
		const struct sys_dirent *entry;

		if (entries->next == entries->length && !read_more(entries))
			return NULL;
		entry = (const void *)(entries->room.bytes + entries->next);
		entries->next += entry->length;
		entries->type = entry->type;
		if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0)
			return entry->name;
	}
}
