/* "pause": nothing of the container advances until "resume". */
#include "runtime/pause.h"

#include "cli/command.h"

static int run(const struct choices *choices, struct error *err)
{
	struct state_root root;
	int r;

	r = state_root_open(&root, choices->root, false, err);
	if (r == 0)
		r = container_pause(&root, choices->arguments[0], err);
	state_root_release(&root);
	return r;
}

const struct command command_pause = {
	.name = "pause",
	.arguments = "ID",
	.summary = "stop all processes of a container where they are",
	.least = 1,
	.most = 1,
	.run = run,
};
