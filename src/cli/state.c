/* "state": what the specification wants told of a container, and a little more. */
#include "runtime/state.h"

#include <stdio.h>

#include "cli/command.h"

static int print_state(const struct state_root *root, const char *id, struct error *err)
{
	autoarena struct arena arena = {0};
	const char *json;
	int r = arena_open_private(&arena, err);

	if (r == 0)
		r = container_state(root, id, &arena, &json, err);
	if (r == 0)
		puts(json);
	return r;
}

static int run(const struct choices *choices, struct error *err)
{
	struct state_root root;
	int r;

	r = state_root_open(&root, choices->root, false, err);
	if (r == 0)
		r = print_state(&root, choices->arguments[0], err);
	state_root_release(&root);
	return r;
}

const struct command command_state = {
	.name = "state",
	.arguments = "ID",
	.summary = "print the state of a container as JSON",
	.least = 1,
	.most = 1,
	.run = run,
};
