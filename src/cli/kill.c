/* "kill": engines pass numbers, people names. */
#include "runtime/kill.h"

#include "cli/command.h"

static const struct option kill_options[] = {
	{"all", 'a', NULL, "send it to all processes of the container", CHOICE(SWITCH, all)},
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

static int run(const struct choices *choices, struct error *err)
{
	const char *id = choices->arguments[0], *signal = choices->arguments[1];
	struct state_root root;
	int number, r;

	number = signal_number(signal ? signal : "TERM", err);
	if (number < 0)
		return number;
	r = state_root_open(&root, choices->root, false, err);
	if (r == 0)
		r = container_kill(&root, id, number, choices->all, err);
	state_root_release(&root);
	return r;
}

const struct command command_kill = {
	.name = "kill",
	.arguments = "ID [SIGNAL]",
	.summary = "send a signal to a container's first process [TERM]",
	.options = {kill_options},
	.least = 1,
	.most = 2,
	.run = run,
};
