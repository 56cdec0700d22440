/*
 * The names of a container's scope and slice, from linux.cgroupsPath:
 *
 *	"machine.slice:libpod:0123"	libpod-0123.scope in machine.slice
 *	":libpod:0123"			the same in the default slice
 *	"machine.slice::0123"		0123.scope
 *	"machine.slice:libpod:a.scope"	a.scope, whatever the prefix
 */
#pragma once

#include "basic/arena.h"

/* systemd keeps what is set later in a directory that has the unit's name and ".d" behind it. */
enum { UNIT_LONGEST_NAME = 253 };

struct unit_name {
	const char *scope; /* "libpod-0123.scope" */
	const char *slice; /* "machine.slice", "-.slice": to begin with, the default */
};

/* path may be NULL or "": the scope is then named after the container's id. */
int unit_name_parse(const char *path, const char *id, struct arena *arena, struct unit_name *unit,
		    struct error *err);

/* The path of the slice's cgroup below the one of the manager: "a-b.slice" is "/a.slice/a-b.slice", and
 * "-.slice" is "".  NULL when the arena is full. */
const char *unit_slice_path(const char *slice, struct arena *arena);
