/* A bundle: the directory with config.json that the user hands over. */
#pragma once

#include "basic/arena.h"
#include "basic/error.h"
#include "libocispec/types.h"

struct bundle {
	const char *path; /* absolute */
	const struct oci_config *config;
};

/* Reads file, which lies in the directory path, into the arena. */
int bundle_read(struct bundle *bundle, const char *path, const char *file, struct arena *arena,
		struct error *err);
