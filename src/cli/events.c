/* "events": a line of JSON for each, to be read by programs. */
#include "runtime/events.h"

#include "basic/duration.h"
#include "cli/command.h"

static const struct option events_options[] = {
	{"interval", 0, "TIME", "from one statistics to the next, as in 500ms [5s]",
	 CHOICE(TEXT, interval)},
	{"stats", 0, NULL, "print the statistics once, and end", CHOICE(SWITCH, stats)},
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

static int run(const struct choices *choices, struct error *err)
{
	struct events_request request = {.once = choices->stats};
	struct state_root root;
	int r;

	r = duration_parse(choices->interval ? choices->interval : "5s", &request.interval, err);
	if (r < 0)
		return error_in(err, "--interval");
	r = state_root_open(&root, choices->root, false, err);
	if (r == 0)
		r = container_events(&root, choices->arguments[0], &request, stdout, err);
	state_root_release(&root);
	return r;
}

const struct command command_events = {
	.name = "events",
	.arguments = "ID",
	.summary = "print statistics of a container, and when it lacks memory",
	.options = {events_options},
	.least = 1,
	.most = 1,
	.run = run,
};
