/* "start": the program of a created container begins. */
#include "cli/request.h"
#include "runtime/create.h"

static int run(const struct choices *choices, struct error *err)
{
	const char *notify_socket;
	struct state_root root;
	int r;

	r = request_notify_socket(&notify_socket, err);
	if (r < 0)
		return r;
	r = state_root_open(&root, choices->root, false, err);
	if (r == 0)
		r = container_start(&root, choices->arguments[0], notify_socket, err);
	state_root_release(&root);
	return r;
}

const struct command command_start = {
	.name = "start",
	.arguments = "ID",
	.summary = "let a created container's program begin",
	.least = 1,
	.most = 1,
	.run = run,
};
