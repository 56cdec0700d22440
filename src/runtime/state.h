/*
 * A container's state as JSON.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/runtime.md#state
 */
#pragma once

#include "basic/arena.h"
#include "basic/error.h"
#include "libocispec/encode.h"
#include "runtime/state-root.h"
#include "runtime/status.h"

/* The state as the command "state" tells it, for people and engines: the specification's, and
 * beside it what engines expect.  In the arena. */
int container_state(const struct state_root *root, const char *id, struct arena *arena,
		    const char **json, struct error *err);

/* Who made the container: a user's name, or "#1000" for one without; NULL if not recorded. */
const char *state_owner(const struct oci_record *record, struct arena *arena);

/* The same of a container that is open already; owner is what state_owner() says.  NULL if the
 * arena is full. */
char *state_report(const struct view *view, const char *owner, struct arena *arena,
		   enum oci_layout layout);

/* The state as hooks get it: in one line and with nothing but the specification's fields, as some
 * of them are strict.  pid 0: there is no process.  NULL if the arena is full. */
char *state_for_hooks(const struct oci_record *record, enum status status, pid_t pid,
		      struct arena *arena);
