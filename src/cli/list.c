/* "list": for people a table, for programs JSON or bare ids. */
#include "runtime/list.h"

#include <string.h>

#include "cli/command.h"

static const struct option list_options[] = {
	{"format", 'f', "FORMAT", "table or json [table]", CHOICE(TEXT, format)},
	{"quiet", 'q', NULL, "print the ids alone", CHOICE(SWITCH, quiet)},
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

int choose_json(const struct choices *choices, bool *json, struct error *err)
{
	*json = choices->format && strcmp(choices->format, "json") == 0;
	if (choices->format && !*json && strcmp(choices->format, "table") != 0)
		return error_config(err, "unknown format \"%s\": it is table or json",
				    choices->format);
	return 0;
}

static int choose_form(const struct choices *choices, enum list_form *form, struct error *err)
{
	bool json;

	if (choose_json(choices, &json, err) < 0)
		return -err->code;
	if (choices->quiet)
		*form = LIST_IDS;
	else
		*form = json ? LIST_JSON : LIST_TABLE;
	return 0;
}

static int run(const struct choices *choices, struct error *err)
{
	enum list_form form = LIST_TABLE;
	struct state_root root;
	int r;

	r = choose_form(choices, &form, err);
	if (r < 0)
		return r;
	r = state_root_open(&root, choices->root, false, err);
	if (r == 0)
		r = container_list(&root, form, stdout, err);
	state_root_release(&root);
	return r;
}

const struct command command_list = {
	.name = "list",
	.arguments = "",
	.summary = "list the containers",
	.options = {list_options},
	.run = run,
};
