/* Making a cgroup's directory in one hierarchy, or taking one that is there and nobody's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/error.h"

struct made_directory {
	const char *path;
	size_t kept; /* how much of the path was there before, in bytes */
};

/* Which of the controllers that are looked for have been found: each is in one hierarchy alone. */
struct found_v1 {
	bool freezer, cpuset;
};

/* Both fill in made, even when they fail.  found is {0} for the first of a container's v1 directories. */
int directory_make_v1(const char *path, struct made_directory *made, struct found_v1 *found,
		      struct error *err);
int directory_make_v2(const char *path, struct made_directory *made, struct error *err);

/* Removes what was made, and nothing else. */
void directory_undo(const struct made_directory *made);

/* Whether the cgroup at path is frozen; false when it is gone or cannot be. */
bool directory_frozen_v1(const char *path);
bool directory_frozen_v2(const char *path);

/* The kernel's number of the file that tells what is in it, as long as the machine runs nobody else's; 0: it has
 * none. */
uint64_t directory_number_v2(const char *path);

/* Whether there are processes in it, or below, and not all of them are stopped.  Without its number it is any that
 * is at path now. */
bool directory_at_work_v2(const char *path, uint64_t number);
