/* The cpuset controller's own rule of version 1: see cpuset.c. */
#pragma once

#include "basic/error.h"

/* Gives the cpuset at directory its parent's cpus and memory nodes where it has none yet, and returns 1; 0 for
 * what is no cpuset. */
int cpuset_inherit(const char *directory, struct error *err);
