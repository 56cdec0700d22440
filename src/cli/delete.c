/* "delete": with --force it is what engines clean up with, whatever has happened before. */
#include "runtime/delete.h"

#include "cli/command.h"

static const struct option delete_options[] = {
	{"force", 'f', NULL, "kill it first; no error if it does not exist", CHOICE(SWITCH, force)},
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

static int run(const struct choices *choices, struct error *err)
{
	struct state_root root;
	int r;

	r = state_root_open(&root, choices->root, false, err);
	if (r == 0)
		r = container_delete(&root, choices->arguments[0], choices->force, err);
	state_root_release(&root);
	return r;
}

const struct command command_delete = {
	.name = "delete",
	.arguments = "ID",
	.summary = "remove a container that has stopped",
	.options = {delete_options},
	.least = 1,
	.most = 1,
	.run = run,
};
