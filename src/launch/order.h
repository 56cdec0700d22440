/* What comes when. */
#pragma once

#include <stdbool.h>

#include "linux/section.h"

/* The sections in the order in which the runtime goes through them, ended by NULL: one table for each
 * moment. */
extern const struct section *const validate_order[];
extern const struct section *const prepare_order[];
extern const struct section *const attach_order[];

/* Which sections take part: all of them; */
typedef bool section_filter(const struct section *section);
bool section_is_any(const struct section *section);

/* those that are about the process alone, so that their moments also come for another program of a container that is
 * there; */
bool section_is_for_exec(const struct section *section);

/* those that CRIU knows nothing of, when it has made a container's processes. */
bool section_is_for_restore(const struct section *section);

/* Properties of config.json that have no section of their own, and who handles them instead; ended by an
 * empty row.  A unit test holds this list, the sections and the specification against one another. */
struct elsewhere {
	const char *path;
	const char *by;
};

extern const struct elsewhere handled_elsewhere[];

/* When a row of init's table applies. */
enum when {
	ALWAYS,
	WITHOUT_ROOT_HOOKS, /* no hook wants to see the root before it is entered */
	WITH_ROOT_HOOKS,
};

struct row {
	const struct step *step; /* NULL ends the table */
	enum when when;
};

extern const struct row apply_order[]; /* of who becomes the container */
extern const struct row exec_order[];  /* of who enters one */
