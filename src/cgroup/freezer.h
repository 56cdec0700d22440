/* Stopping all processes of a cgroup where they are, and letting them go on: see freezer.c. */
#pragma once

#include "cgroup/cgroup.h"

enum { FREEZER_MOST_WAIT = 10000 }; /* milliseconds until all have stopped */

/* Freezes the cgroup, and waits for as long until all in it have stopped.  When they have not it is thawed
 * again, and that is the error. */
int freezer_freeze(const struct oci_record_cgroup *place, int milliseconds, struct error *err);

/* Version 1: thaws the directory and all below it, also what was frozen from inside. */
int freezer_thaw_tree(const char *directory, struct error *err);
