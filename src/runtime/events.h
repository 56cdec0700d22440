/* What a container uses, told again and again, and when it runs out of memory. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "basic/error.h"
#include "runtime/state-root.h"

struct events_request {
	bool once;	   /* one statistics, and no more */
	uint64_t interval; /* nanoseconds from one to the next */
};

/* Writes one JSON object to a line, as events.schema has it, until the container ends or out is closed at its
 * other side. */
int container_events(const struct state_root *root, const char *id,
		     const struct events_request *request, FILE *out, struct error *err);
