/* The host's ps, and what of its table is about some processes. */
#pragma once

#include <stdio.h>
#include <sys/types.h>

#include "basic/error.h"

/* Sorted pids. */
struct ps_pids {
	const pid_t *list;
	size_t count;
};

/* For qsort(3): by number. */
int ps_compare(const void *left, const void *right);

/* Runs ps with the words, ended by NULL; with none, "-ef"; a single one is split at its blanks.  Writes the
 * table's head and those lines whose pid is listed. */
int ps_table(const struct ps_pids *pids, char *const words[], FILE *out, struct error *err);

/* The column called PID, from 0, of a table with this head; -1 if there is none. */
int ps_column(const char *head);

/* The number in a column of the line, or 0.  Columns before it may hold no blanks. */
pid_t ps_pid(const char *line, int column);
