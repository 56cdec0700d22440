/* "features": what this proa can do, as JSON.  Engines read it with whatever is on standard error, so there
 * is nothing on standard error, and ask any user's proa. */
#include <commit.h>
#include <stdio.h>

#include "basic/arena.h"
#include "cli/command.h"
#include "runtime/features.h"

static int run(const struct choices *choices, struct error *err)
{
	autoarena struct arena arena = {0};
	const char *text;
	int r;

	(void)choices;
	r = arena_open_private(&arena, err);
	if (r < 0)
		return r;
	text = features_document(COMMIT, &arena);
	if (text)
		puts(text);
	else
		r = arena_full(&arena, err);
	return r;
}

const struct command command_features = {
	.name = "features",
	.arguments = "",
	.summary = "print what this program can do, as JSON",
	.run = run,
};
