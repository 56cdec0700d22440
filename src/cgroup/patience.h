/*
 * Waiting, bounded, until the processes of a cgroup have ended: first short, then longer and
 * longer, and no longer than the cgroup itself says where it can (version 2).
 */
#pragma once

#include <stdbool.h>

struct patience {
	int left; /* milliseconds that may still be waited */
	int step; /* how long the next wait is */
};

#define PATIENCE(milliseconds)                     \
	(struct patience)                          \
	{                                          \
		.left = (milliseconds), .step = 1, \
	}

/* Waits once for the cgroup whose directory dir is open on; false when time is up. */
bool patience_wait(struct patience *patience, int dir);
