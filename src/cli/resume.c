/* "resume": the end of "pause". */
#include "runtime/pause.h"

#include "cli/command.h"

static int run(const struct choices *choices, struct error *err)
{
	struct state_root root;
	int r;

	r = state_root_open(&root, choices->root, false, err);
	if (r == 0)
		r = container_resume(&root, choices->arguments[0], err);
	state_root_release(&root);
	return r;
}

const struct command command_resume = {
	.name = "resume",
	.arguments = "ID",
	.summary = "let a paused container go on",
	.least = 1,
	.most = 1,
	.run = run,
};
