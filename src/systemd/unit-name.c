/*
 * The names of a container's scope and slice: see unit-name.h.
 *
 *	https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html
 *	https://www.freedesktop.org/software/systemd/man/latest/systemd.slice.html
 *
 * What an engine hands over is checked here, when the container is planned: systemd's own answer would tell
 * of a unit that nobody has named.
 */
#include "systemd/unit-name.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SCOPE ".scope"
#define SLICE ".slice"

/* Of a slice's name also with ".d" behind it. */
enum { ROOM = 4 * UNIT_LONGEST_NAME };

static const char valid[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\";

static bool ends_in(const char *text, size_t length, const char *end)
{
	size_t behind = strlen(end);

	return length >= behind && memcmp(text + length - behind, end, behind) == 0;
}

/* Adds text with what a unit's name cannot have written as systemd-escape(1) does: "\x2b". */
static void add_escaped(char name[ROOM], size_t *used, const char *text, size_t length)
{
	for (size_t i = 0; i < length && *used + 5 < ROOM; i++) {
		if (strchr(valid, text[i]))
			name[(*used)++] = text[i];
		else
			*used += (size_t)snprintf(name + *used, ROOM - *used, "\\x%02x",
						  (unsigned char)text[i]);
	}
	name[*used] = '\0';
}

struct part {
	const char *text;
	size_t length;
};

static int make_scope(struct part prefix, struct part name, struct arena *arena, const char **scope,
		      struct error *err)
{
	char text[ROOM];
	size_t used = 0;

	if (ends_in(name.text, name.length, SLICE)) {
		error_config(err, "the unit \"%.*s\" would be a slice", (int)name.length,
			     name.text);
		return error_hint(err, "a slice holds scopes and services, and no processes");
	}
	if (prefix.length && !ends_in(name.text, name.length, SCOPE)) {
		add_escaped(text, &used, prefix.text, prefix.length);
		add_escaped(text, &used, "-", 1);
	}
	add_escaped(text, &used, name.text, name.length);
	if (!ends_in(name.text, name.length, SCOPE))
		add_escaped(text, &used, SCOPE, strlen(SCOPE));
	if (used == strlen(SCOPE))
		return error_config(err, "the unit has no name");
	if (used > UNIT_LONGEST_NAME)
		return error_config(err,
				    "the unit's name would have %zu bytes, and systemd takes %d",
				    used, UNIT_LONGEST_NAME);
	*scope = arena_copy(arena, text, used);
	return *scope ? 0 : arena_full(arena, err);
}

/* "a-b.slice" lies in "a.slice", so no part of it may be empty; "-.slice" is the uppermost. */
static bool is_slice(const char *text, size_t length)
{
	size_t stem = length - strlen(SLICE);

	if (!ends_in(text, length, SLICE) || stem == 0 || length > UNIT_LONGEST_NAME)
		return false;
	if (stem == 1 && text[0] == '-')
		return true;
	if (text[0] == '-' || text[stem - 1] == '-')
		return false;
	for (size_t i = 0; i < stem; i++)
		if (!strchr(valid, text[i]) || (text[i] == '-' && text[i + 1] == '-'))
			return false;
	return true;
}

static int parse_path(const char *path, struct arena *arena, struct unit_name *unit,
		      struct error *err)
{
	const char *first = strchr(path, ':');
	const char *second = first ? strchr(first + 1, ':') : NULL;
	struct part prefix, name;

	if (!second || strchr(second + 1, ':')) {
		error_config(err, "the systemd cgroup manager takes \"slice:prefix:name\"");
		return error_hint(err, "have the engine use the systemd cgroup manager as well, or "
				       "use --cgroup-manager cgroupfs");
	}
	prefix = (struct part){first + 1, (size_t)(second - first - 1)};
	name = (struct part){second + 1, strlen(second + 1)};
	if (first != path)
		unit->slice = arena_copy(arena, path, (size_t)(first - path));
	if (!unit->slice)
		return arena_full(arena, err);
	if (!is_slice(unit->slice, strlen(unit->slice))) {
		error_config(err, "\"%s\" is not the name of a slice", unit->slice);
		return error_hint(err, "write one like \"machine.slice\" or \"a-b.slice\"");
	}
	return make_scope(prefix, name, arena, &unit->scope, err);
}

int unit_name_parse(const char *path, const char *id, struct arena *arena, struct unit_name *unit,
		    struct error *err)
{
	/* Never the id alone: it may be "init.scope". */
	const char *name = arena_printf(arena, "proa-%s" SCOPE, id);

	if (!name)
		return arena_full(arena, err);
	if (!path || !path[0])
		return make_scope((struct part){0}, (struct part){name, strlen(name)}, arena,
				  &unit->scope, err);
	if (parse_path(path, arena, unit, err) < 0)
		return error_in(err, "linux.cgroupsPath \"%s\"", path);
	return 0;
}

const char *unit_slice_path(const char *slice, struct arena *arena)
{
	size_t stem = strlen(slice) - strlen(SLICE);
	char *path = arena_copy(arena, "", 0);

	if (strcmp(slice, "-" SLICE) == 0)
		return path;
	for (size_t i = 1; path && i <= stem; i++)
		if (i == stem || slice[i] == '-')
			path = arena_printf(arena, "%s/%.*s" SLICE, path, (int)i, slice);
	return path;
}
