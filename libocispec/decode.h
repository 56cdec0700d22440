/*
 * From JSON to the structs of libocispec/types.h.
 *
 *	struct oci_decoded decoded;
 *	r = oci_decode(&oci_config_object, &source, arena, &decoded, err);
 *	const struct oci_config *config = decoded.value;
 *
 * What comes out is what the specification's types promise: required fields are there, numbers fit
 * their members, strings are UTF-8 without a NUL, no key is given twice.  What a value means (is
 * there such a signal, may both be set) is for the sections to judge.
 *
 *	JSON                    member
 *	absent, null            NULL, 0, false; has_x is false
 *	[]                      x is not NULL, x_len is 0
 *	["a", "b"]              x is {"a", "b", NULL}, x_len is 2
 *	{"k": "v"}              x is {{"k", "v"}}, in the order of the file
 *
 * Keys that the specification does not have are skipped, as it demands, and counted.
 */
#pragma once

#include <stddef.h>

#include "basic/arena.h"
#include "basic/error.h"
#include "libocispec/object.h"

struct oci_source {
	const char *name; /* what errors call it, "config.json" */
	const char *text; /* needs no NUL at its end */
	size_t length;
	char *own; /* the same text, if it lies in the arena and strings may stay in it, or NULL */
};

struct oci_decoded {
	void *value; /* the object's struct */
	size_t unknown_keys;
	const char *first_unknown; /* its path, "process.umask", or NULL */
	const char *misspelt; /* the first that resembles a known one, "linux.seccmp", or NULL */
	const char *meant;    /* "seccomp"; "linux.seccomp" where it is in the wrong place */
};

/*
 * All that it returns lies in the arena, and nothing points into a source that is not its own: arena_release()
 * gives everything back.  Strings that stay in their source are ended there by a NUL, in place of the quote.
 * An error tells the place and what was found there:
 *
 *	config.json:41:7: process.rlimits[0].soft: expected an unsigned 64-bit number, found "x"
 *
 * Lines and columns count from 1, columns in bytes.  -EINVAL: the text is to blame; -ENOMEM: the
 * arena is full.
 */
int oci_decode(const struct oci_object *object, const struct oci_source *source,
	       struct arena *arena, struct oci_decoded *decoded, struct error *err);
