/* The processes of a container. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "basic/error.h"
#include "runtime/state-root.h"

struct ps_request {
	bool json;	    /* an array of pids, and no table */
	char *const *words; /* what ps is called with, ended by NULL: see ps-table.h */
};

int container_ps(const struct state_root *root, const char *id, const struct ps_request *request,
		 FILE *out, struct error *err);
