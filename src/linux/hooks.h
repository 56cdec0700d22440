/* Programs that the config wants run when something happens to the container. */
#pragma once

#include "libocispec/types.h"

#include "basic/error.h"

/* The hooks of one kind. */
struct hook_list {
	const char *kind; /* their name in the config: "createRuntime" */
	const struct oci_hook *hooks;
	size_t count;
	const char *directory; /* where they run: the bundle; NULL: where the caller is */
};

/*
 * Runs the hooks one after the other, each with state, the container's state as JSON, on its standard
 * input; stops at the first that fails.  The error begins with their kind and tells what the hook wrote to
 * its standard error last.
 *
 * A hook gets the environment that it lists and nothing else, no file descriptor but the standard ones,
 * and is killed when its timeout is over.
 */
int hooks_run(const struct hook_list *list, const char *state, struct error *err);
