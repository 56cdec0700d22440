/* "ps": what stands behind the id is for the host's ps, even if it looks like an option. */
#include "runtime/ps.h"

#include <limits.h>

#include "cli/command.h"

static const struct option ps_options[] = {
	{"format", 'f', "FORMAT", "table or json [table]", CHOICE(TEXT, format)},
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

static int run(const struct choices *choices, struct error *err)
{
	struct ps_request request = {.words = choices->arguments + 1};
	struct state_root root;
	int r;

	if (choose_json(choices, &request.json, err) < 0)
		return -err->code;
	r = state_root_open(&root, choices->root, false, err);
	if (r == 0)
		r = container_ps(&root, choices->arguments[0], &request, stdout, err);
	state_root_release(&root);
	return r;
}

const struct command command_ps = {
	.name = "ps",
	.arguments = "ID [OPTION OF PS]...",
	.summary = "list the processes of a container",
	.options = {ps_options},
	.options_first = true,
	.least = 1,
	.most = INT_MAX,
	.run = run,
};
