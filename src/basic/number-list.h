/*
 * Lists of processors and of memory nodes, as config.json and the kernel write them: "0-3,7".
 *
 *	cpuset(7), FORMATS, List format
 */
#pragma once

#include <stddef.h>

#include "basic/error.h"

enum {
	NUMBER_LIST_WORD = 8 * sizeof(unsigned long), /* bits */
	NUMBER_LIST_MOST = 8192, /* more processors than any kernel is built for */
};

/* Sets the bit of each number in the list; none may reach limit.  bits may be NULL, to check only, or has
 * room for limit of them.  Blanks, and nothing between two commas, are fine.  Returns how many numbers
 * and ranges there are, or -EINVAL. */
int number_list_parse(const char *list, size_t limit, unsigned long *bits, struct error *err);
