/* "run": create, start, wait and delete in one. */
#include "basic/large.h"
#include "basic/log.h"
#include "cli/request.h"

static const struct option run_options[] = {
	{"detach", 'd', NULL, "do not wait for the container's end", CHOICE(SWITCH, detach)},
	{"keep", 0, NULL, "do not delete the container at its end", CHOICE(SWITCH, keep)},
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

static int run(const struct choices *choices, struct error *err)
{
	static struct error end LARGE; /* most often never touched */
	struct create_request request;
	struct state_root root;
	int exit_status = 0;
	int r;

	r = create_request_from(choices, &request, err);
	if (r == 0)
		r = container_id_validate(request.id, err);
	if (r < 0)
		return r;
	r = state_root_open(&root, choices->root, true, err);
	if (r == 0)
		r = container_run(&root, &request, &exit_status, &end, err);
	state_root_release(&root);
	/* Not an error of this program, whose exit status is the container's. */
	if (r == 0 && end.code)
		log_error(&end);
	return r < 0 ? r : exit_status;
}

const struct command command_run = {
	.name = "run",
	.arguments = "ID",
	.summary = "create, start, wait for the end, and delete",
	.options = {create_options, run_options},
	.least = 1,
	.most = 1,
	.run = run,
};
