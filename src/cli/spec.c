/* "spec": a config.json to begin with.  One that is there already is left alone. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "basic/arena.h"
#include "basic/cleanup.h"
#include "basic/file.h"
#include "cli/command.h"
#include "runtime/default-config.h"

static const struct option spec_options[] = {
	{"bundle", 'b', "DIR", "the bundle's directory [.]", CHOICE(TEXT, bundle)},
	{"config", 'f', "FILE", "the file to write in the bundle [config.json]",
	 CHOICE(TEXT, config)},
	{"rootless", 0, NULL, "for a container of a plain user", CHOICE(SWITCH, rootless)},
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

static int write_new(int bundle, const char *name, const char *text, struct error *err)
{
	autoclose int fd = -1;
	int r;

	fd = openat(bundle, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EEXIST) {
		error_errno(err, EEXIST, "make %s", name);
		return error_hint(err, "remove it, or choose another name with --config");
	}
	if (fd < 0)
		return error_errno(err, errno, "make %s", name);
	r = file_write_all(fd, text, strlen(text));
	if (r == 0)
		r = file_write_all(fd, "\n", 1);
	return r < 0 ? error_errno(err, -r, "write %s", name) : 0;
}

static int run(const struct choices *choices, struct error *err)
{
	autoclose int bundle =
		openat(AT_FDCWD, choices->bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoarena struct arena arena = {0};
	const char *text;
	int r;

	if (bundle < 0)
		return error_errno(err, errno, "open the bundle %s", choices->bundle);
	r = arena_open_private(&arena, err);
	if (r < 0)
		return r;
	text = default_config(choices->rootless, &arena);
	return text ? write_new(bundle, choices->config, text, err) : arena_full(&arena, err);
}

const struct command command_spec = {
	.name = "spec",
	.arguments = "",
	.summary = "write a config.json to begin with",
	.options = {spec_options},
	.run = run,
};
