/* "create": the container is made, and its program waits for "start". */
#include "cli/request.h"

static int run(const struct choices *choices, struct error *err)
{
	struct create_request request;
	struct state_root root;
	int r;

	r = create_request_from(choices, &request, err);
	if (r == 0)
		r = container_id_validate(request.id, err);
	if (r < 0)
		return r;
	r = state_root_open(&root, choices->root, true, err);
	if (r == 0)
		r = container_create(&root, &request, err);
	state_root_release(&root);
	return r;
}

const struct command command_create = {
	.name = "create",
	.arguments = "ID",
	.summary = "make a container, which waits to be started",
	.options = {create_options},
	.least = 1,
	.most = 1,
	.run = run,
};
