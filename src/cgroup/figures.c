/*
 * Reading what the kernel counts: see figures.h.
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#interface-files
 *	https://docs.kernel.org/accounting/psi.html
 *
 * Read at every sample of "events", and at an OOM.  Kernels differ in which lines and files they have: what is
 * missing is left out, never taken for 0.
 */
#include "cgroup/figures.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "basic/file.h"
#include "cgroup/controller.h"

/* "max", or a number that ends at a blank or a line's end. */
static bool read_number(const char *text, uint64_t *value)
{
	unsigned long long number;
	char *end;

	if (strncmp(text, "max", 3) == 0) {
		*value = UINT64_MAX;
		return true;
	}
	if (!isdigit((unsigned char)*text))
		return false;
	number = strtoull(text, &end, 10);
	if (*end != '\0' && !isspace((unsigned char)*end))
		return false;
	*value = number;
	return true;
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

bool figure_find(const char *text, const char *name, uint64_t *value)
{
	size_t length = strlen(name);

	for (const char *line = text; *line; line = next_line(line))
		if (strncmp(line, name, length) == 0 && line[length] == ' ')
			return read_number(line + length + 1, value);
	return false;
}

static void put_figure(const struct figure *figure, uint64_t value, void *base)
{
	value *= figure->factor;
	memcpy((char *)base + figure->offset, &value, sizeof(value));
	*(bool *)((char *)base + figure->has_offset) = true;
}

void figures_from_text(const char *text, const struct figure *table, void *base)
{
	uint64_t value;

	for (const struct figure *figure = table; figure->name; figure++)
		if (figure_find(text, figure->name, &value))
			put_figure(figure, value, base);
}

void figures_from_files(int directory, const struct figure *table, void *base)
{
	char text[SETTING_SIZE];
	uint64_t value;

	for (const struct figure *figure = table; figure->name; figure++)
		if (file_read_small(directory, figure->name, text, sizeof(text)) > 0 &&
		    read_number(text, &value))
			put_figure(figure, value, base);
}

struct oci_uint64_entry *figures_map(const char *text, struct arena *arena, size_t *count)
{
	struct oci_uint64_entry *entries;
	size_t lines = 0;

	*count = 0;
	for (const char *line = text; *line; line = next_line(line))
		lines++;
	entries = arena_array(arena, struct oci_uint64_entry, lines + 1);
	if (!entries)
		return NULL;
	for (const char *line = text; *line; line = next_line(line)) {
		struct oci_uint64_entry *entry = &entries[*count];
		size_t length = strcspn(line, " \n");

		if (line[length] != ' ' || !read_number(line + length + 1, &entry->value))
			continue;
		entry->key = arena_copy(arena, line, length);
		if (!entry->key)
			return NULL;
		(*count)++;
	}
	return entries;
}

/* Takes "0-3" or "7" off the text; false at its end. */
static bool take_range(const char **text, unsigned long *first, unsigned long *last)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	*first = *last = strtoul(*text, &end, 10);
	if (*end == '-')
		*last = strtoul(end + 1, &end, 10);
	*text = *end == ',' ? end + 1 : end;
	return *first <= *last && *last <= UINT16_MAX;
}

uint16_t *figures_list(const char *text, struct arena *arena, size_t *count)
{
	unsigned long first, last;
	const char *rest = text;
	uint16_t *list;
	size_t all = 0;

	*count = 0;
	while (take_range(&rest, &first, &last))
		all += last - first + 1;
	list = arena_array(arena, uint16_t, all + 1);
	if (!list)
		return NULL;
	rest = text;
	while (take_range(&rest, &first, &last))
		for (unsigned long i = first; i <= last; i++)
			list[(*count)++] = (uint16_t)i;
	return list;
}

uint64_t *figures_row(const char *text, struct arena *arena, size_t *count)
{
	/* Each takes a digit and a blank at least. */
	uint64_t *row = arena_array(arena, uint64_t, strlen(text) / 2 + 1);
	char *end = NULL;

	*count = 0;
	for (; row && isdigit((unsigned char)*text); text = *end == ' ' ? end + 1 : end)
		row[(*count)++] = strtoull(text, &end, 10);
	return row;
}

/* The part behind "name=", up to the next blank, if it is a number with a fraction. */
static const char *find_share(const char *line, const char *name, struct arena *arena)
{
	const char *number = strstr(line, name);
	size_t whole, fraction;

	if (!number || number > line + strcspn(line, "\n"))
		return NULL;
	number += strlen(name);
	whole = strspn(number, "0123456789");
	if (whole == 0 || number[whole] != '.')
		return NULL;
	fraction = strspn(number + whole + 1, "0123456789");
	return fraction ? arena_copy(arena, number, whole + 1 + fraction) : NULL;
}

static struct oci_pressure_share *read_share(const char *text, const char *kind,
					     struct arena *arena)
{
	struct oci_pressure_share *share;
	const char *line = text, *total;

	while (*line && strncmp(line, kind, strlen(kind)) != 0)
		line = next_line(line);
	if (!*line)
		return NULL;
	share = arena_alloc(arena, sizeof(*share));
	if (!share)
		return NULL;
	share->avg10 = find_share(line, "avg10=", arena);
	share->avg60 = find_share(line, "avg60=", arena);
	share->avg300 = find_share(line, "avg300=", arena);
	total = strstr(line, "total=");
	share->has_total = total && read_number(total + strlen("total="), &share->total);
	return share;
}

struct oci_pressure *figures_pressure(const char *text, struct arena *arena)
{
	struct oci_pressure *pressure = arena_alloc(arena, sizeof(*pressure));

	if (!pressure)
		return NULL;
	pressure->some = read_share(text, "some ", arena);
	pressure->full = read_share(text, "full ", arena);
	return pressure;
}
