/*
 * Going back: what stood in the files of a cgroup before they were written.
 *
 * A running container's limits change all together or not at all.  The kernel knows no such thing, so what
 * a file holds is read before it is written; and when a later write fails, all is written again in the
 * opposite order.  So each step back leads to a state that the kernel has accepted before.
 */
#pragma once

#include <stddef.h>

#include "basic/error.h"

struct undo {
	struct undo_entry *entries;
	size_t count, size;
};

/* Remembers what value is about to replace in the file at path.  What cannot be read holds nothing that one
 * could go back to. */
int undo_note(struct undo *undo, const char *path, const char *value, struct error *err);

/* Forgets the last ones until count remain: what they are about did not happen. */
void undo_forget(struct undo *undo, size_t count);

/* Goes back.  The error tells of the first file that could not be set back; the others are. */
int undo_all(struct undo *undo, struct error *err);

/* Accepts a zeroed struct. */
void undo_release(struct undo *undo);
