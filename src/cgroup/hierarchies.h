/*
 * Which cgroup hierarchies are mounted, and where in them the caller is.
 *
 * Found by looking at /proc/self/mountinfo and /proc/self/cgroup: a machine may have version 2, version 1 or
 * both, in any place, and a container sees a part of it.  Where /sys/fs/cgroup is the whole of version 2, that
 * alone counts, and mountinfo is not read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "basic/arena.h"
#include "basic/error.h"

enum { MOST_HIERARCHIES = 32 };

enum cgroup_mode {
	CGROUP_NONE,
	CGROUP_V1,
	CGROUP_HYBRID, /* controllers in version 1, and a version 2 beside them */
	CGROUP_V2,
};

struct hierarchy {
	bool v2;
	const char *controllers; /* v1: "cpu,cpuacct", "name=systemd"; v2: "" */
	const char *mount;	 /* where it is mounted: "/sys/fs/cgroup/memory" */
	const char *own;	 /* the caller's cgroup as a path below the mount: "/a/b", "" for
				  * the mount itself, or NULL where it lies outside of it */
};

struct hierarchies {
	struct hierarchy list[MOST_HIERARCHIES]; /* v2 last, the v1 freezer first */
	size_t count;
	enum cgroup_mode mode;
};

int hierarchies_find(struct arena *arena, struct hierarchies *found, struct error *err);

/* The same for the process whose /proc/PID/cgroup it is: "1/cgroup"; below proc, a procfs or a test's directory. */
int hierarchies_read(struct arena *arena, int proc, const char *cgroups, struct hierarchies *found,
		     struct error *err);

/* Whether one of version 1 has this controller, by the name that it has there: "blkio". */
bool hierarchies_have(const struct hierarchies *found, const char *controller);
