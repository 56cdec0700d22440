/* One command at a time changes a container: the lock of its directory, flock(2). */
#pragma once

#include <stdbool.h>

#include "basic/error.h"

/* Locks the open directory; waits for another's lock, at most ten seconds. */
int lock_wait(int directory, struct error *err);

/* Gives it up while the directory stays open. */
void lock_release(int directory);

/* Whether another process has the directory locked; if not, it is now locked for reading, until it
 * is closed: what the container's record says is final. */
bool lock_held_elsewhere(int directory);
