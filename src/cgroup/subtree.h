/*
 * Which controllers of version 2 a cgroup has: those that every cgroup above it hands on.
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#controlling-controllers
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "basic/error.h"

enum { SUBTREE_SIZE = 512 }; /* of a list of controllers as text */

/* Has the cgroups above the one at directory, from the uppermost that can be seen, hand on all
 * controllers that they can.  What cannot be handed on is not an error before somebody needs it. */
void subtree_enable(const char *directory);

/* Which controllers the cgroup at directory, which need not be there yet, can have at all: those of the uppermost
 * that can be seen above it. */
void subtree_foresee(const char *directory, char list[SUBTREE_SIZE]);

/* Finds the threaded cgroup above directory that keeps it from having processes; false if none does. */
bool subtree_find_threaded(const char *directory, char threaded[PATH_MAX]);

/* Why the cgroup at directory does not have the controller. */
int subtree_explain(const char *directory, const char *controller, struct error *err);

/* Tells a plain user how cgroups get to be his. */
int subtree_hint_delegation(struct error *err);

/* Reads a list of controllers; "" and false when it cannot be read. */
bool subtree_read(const char *directory, const char *file, char list[SUBTREE_SIZE]);
bool subtree_has(const char *list, const char *controller);
