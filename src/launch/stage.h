/* The process between the runtime and init, where one clone is not enough. */
#pragma once

#include "linux/container.h"

/* Joins and makes the container's namespaces and clones init, in which alone it returns, with 0.  When it
 * fails it returns in the stage. */
int stage_run(struct container *container, struct error *err);
