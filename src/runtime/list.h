/* All containers of a state directory. */
#pragma once

#include <stdio.h>

#include "basic/error.h"
#include "runtime/state-root.h"

enum list_form {
	LIST_TABLE, /* columns, with a heading */
	LIST_JSON,  /* an array of what "state" tells */
	LIST_IDS,   /* the ids alone, one to a line */
};

/* Writes the list in the order of the ids.  What is no container, or is being made or removed right
 * now, is left out: somebody else's half-done work is no reason to fail. */
int container_list(const struct state_root *root, enum list_form form, FILE *out,
		   struct error *err);
