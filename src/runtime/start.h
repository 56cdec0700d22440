/* The program begins, and the hooks that are told of it; see runtime/create.h for container_start(). */
#pragma once

#include <sys/types.h>

#include "basic/arena.h"
#include "basic/error.h"
#include "libocispec/types.h"

/* Where init of a created container listens, in ROOT/ID. */
#define START_SOCKET "start.sock"

/* Runs the poststart hooks of a container whose program has just begun as pid. */
int run_poststart_hooks(const struct oci_record *record, pid_t pid, struct arena *arena,
			struct error *err);
