/*
 * The numbers in a cgroup's files, by table.  A file holds either one number, or a line for each with its
 * name before it:
 *
 *	memory.current:  4096			memory.stat:  anon 4096
 *						              file 0
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/arena.h"
#include "libocispec/types.h"

/* Where a number goes: into a uint64_t of a struct, with a bool beside it that tells that it was there. */
struct figure {
	const char *name; /* of the line, or of the file; NULL in the last row */
	size_t offset, has_offset;
	uint64_t factor; /* it is told in units of so many */
};

#define FIGURE(name, type, member, factor)                                    \
	{                                                                     \
		name,                                                         \
			offsetof(struct type, member) +                       \
				0 * sizeof(((struct type *)0)->has_##member), \
			offsetof(struct type, has_##member), factor           \
	}

/* The number on the line that begins with the name and a blank; "max" is UINT64_MAX.  False if there is
 * none. */
bool figure_find(const char *text, const char *name, uint64_t *value);

/* Fills in the members of base whose lines are in the text. */
void figures_from_text(const char *text, const struct figure *table, void *base);

/* Fills in the members of base whose files are in the directory. */
void figures_from_files(int directory, const struct figure *table, void *base);

/* All lines as a map, in the arena; NULL when that is full. */
struct oci_uint64_entry *figures_map(const char *text, struct arena *arena, size_t *count);

/* A list as in "0-3,7", in the arena; NULL when that is full. */
uint16_t *figures_list(const char *text, struct arena *arena, size_t *count);

/* Numbers with blanks between them, in the arena; NULL when that is full. */
uint64_t *figures_row(const char *text, struct arena *arena, size_t *count);

/* What a pressure file tells; NULL when the arena is full. */
struct oci_pressure *figures_pressure(const char *text, struct arena *arena);
