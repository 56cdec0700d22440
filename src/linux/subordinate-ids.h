/* The ids that a user was given in /etc/subuid and /etc/subgid; subuid(5). */
#pragma once

#include "linux/container.h"

/* Fills map with the ranges that file gives the caller, outside and count only, from the second range
 * on: the first is left for his own id.  None is no error. */
int subordinate_ids(struct arena *arena, const char *file, struct id_map *map, struct error *err);
