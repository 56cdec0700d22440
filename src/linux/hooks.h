/* Programs that the config wants run when something happens to the container. */
#pragma once

#include "basic/error.h"
#include "libocispec/types.h"

/* Files to which is added what hooks write; -1 where there is none. */
struct hook_output {
	int standard, errors;
};

/* Opens those that the annotations run.oci.hooks.stdout and .stderr name. */
int hook_output_open(const struct oci_pair *annotations, size_t count, struct hook_output *output,
		     struct error *err);
void hook_output_close(struct hook_output *output);

/* The hooks of one kind. */
struct hook_list {
	const char *kind; /* their name in the config: "createRuntime" */
	const struct oci_hook *hooks;
	size_t count;
	const char *directory; /* where they run: the bundle; NULL: where the caller is */
	const struct hook_output *output; /* NULL: nobody wants what they write */
};

/*
 * Runs the hooks one after the other, each with state, the container's state as JSON, on its standard
 * input; stops at the first that fails.  The error begins with their kind and tells what the hook wrote to
 * its standard error last, and how long it took if that was half a second or more.
 *
 * A hook gets the environment that it lists and nothing else, no file descriptor but the standard ones,
 * and is killed when its timeout is over.
 */
int hooks_run(const struct hook_list *list, const char *state, struct error *err);
