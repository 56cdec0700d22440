/* What comes when. */
#pragma once

#include "linux/section.h"

/* The sections in the order in which the runtime goes through them, ended by NULL: one table for each
 * moment. */
extern const struct section *const validate_order[];
extern const struct section *const prepare_order[];
extern const struct section *const attach_order[];

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

extern const struct row apply_order[];
