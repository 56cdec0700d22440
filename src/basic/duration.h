/* Lengths of time as Go's programs take them: "5s", "1.5s", "500ms", "1m30s". */
#pragma once

#include <stdint.h>

#include "basic/error.h"

/* Units are h, m, s, ms, us and ns.  It must be above 0, and at most 2562047 hours, as there. */
int duration_parse(const char *text, uint64_t *nanoseconds, struct error *err);
