/*
 * /etc/subuid and /etc/subgid: the ids that a plain user may use in his user namespaces.
 *
 *	subuid(5): one "NAME:FIRST:COUNT" a line, where NAME is a user's name or his uid
 *
 * The user's name is looked up in /etc/passwd itself: getpwuid(3) would load libraries into a static
 * program.  Who is known only to a directory service is found by his uid.
 */
#include "linux/subordinate-ids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/file.h"
#include "basic/log.h"
#include "basic/users.h"

/* The caller's names in the file's first column. */
struct owner {
	char name[64];
	char uid[16];
};

/* "1000:100000:65536": true if the line is the owner's and sound. */
static bool parse_line(char *line, const struct owner *owner, struct id_range *range)
{
	char *first = strchr(line, ':'), *count = first ? strchr(first + 1, ':') : NULL, *end;
	unsigned long from, many;

	if (!count)
		return false;
	*first = *count = '\0';
	if (strcmp(line, owner->uid) != 0 && (!owner->name[0] || strcmp(line, owner->name) != 0))
		return false;
	from = strtoul(first + 1, &end, 10);
	if (end == first + 1 || *end)
		return false;
	many = strtoul(count + 1, &end, 10);
	if (end == count + 1 || *end || many == 0 || from > UINT32_MAX || many > UINT32_MAX - from)
		return false;
	*range = (struct id_range){.outside = (uint32_t)from, .count = (uint32_t)many};
	return true;
}

static size_t count_lines(const char *text)
{
	size_t lines = 1;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

int subordinate_ids(struct arena *arena, const char *file, struct id_map *map, struct error *err)
{
	struct owner owner = {0};
	struct error unheard = {0};
	char *text = NULL, *line, *rest;
	ssize_t length;

	snprintf(owner.uid, sizeof(owner.uid), "%u", geteuid());
	user_name(geteuid(), owner.name, sizeof(owner.name));
	length = file_read(arena, AT_FDCWD, file, &text, &unheard);
	if (length == -ENOMEM)
		return arena_full(arena, err);
	if (length < 0) {
		log_debug("no subordinate ids: %s", unheard.text);
		text = NULL;
	}
	map->ranges = arena_array(arena, struct id_range, 1 + (text ? count_lines(text) : 0));
	if (!map->ranges)
		return arena_full(arena, err);
	map->ranges_len = 1;
	rest = text;
	while (rest && (line = strsep(&rest, "\n")))
		if (parse_line(line, &owner, &map->ranges[map->ranges_len]))
			map->ranges_len++;
	return 0;
}
