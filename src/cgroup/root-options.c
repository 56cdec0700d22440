#include "cgroup/root-options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/large.h"
#include "basic/lines.h"
#include "basic/log.h"
#include "basic/procfs.h"
#include "basic/syscalls.h"

#define TAIL " - cgroup2 "
#define KEPT "trusted.proa.options"

/* "41 29 0:27 / /sys/fs/cgroup rw,... - cgroup2 cgroup2 rw,nsdelegate" */
static bool parse_mount(char *line, struct root_options *options)
{
	char *tail = strstr(line, TAIL), *rest, *words, *mount = NULL;

	if (!tail)
		return false;
	*tail = '\0';
	words = strchr(tail + strlen(TAIL), ' ');
	mount = strtok_r(line, " ", &rest);
	for (int i = 0; i < 4 && mount; i++)
		mount = strtok_r(NULL, " ", &rest);
	if (!words || !mount)
		return false;
	procfs_unescape(mount);
	snprintf(options->mount, sizeof(options->mount), "%s", mount);
	snprintf(options->words, sizeof(options->words), "%s", words + 1);
	return true;
}

static void find(struct root_options *options)
{
	autoclose int fd = procfs_open(procfs_own(), "self/mountinfo", O_RDONLY);
	static struct lines lines LARGE;
	char *line;

	options->mount[0] = '\0';
	if (fd < 0)
		return;
	lines_begin(&lines, fd);
	while ((line = lines_next(&lines)) != NULL)
		if (parse_mount(line, options))
			return;
}

/* What somebody has kept who is at work, or was killed; otherwise keeps what there is. */
static void agree(struct root_options *options)
{
	ssize_t length = fgetxattr(options->fd, KEPT, options->words, ROOT_OPTIONS_SIZE - 1);

	if (length > 0)
		options->words[length] = '\0';
	else
		fsetxattr(options->fd, KEPT, options->words, strlen(options->words), 0);
}

void root_options_remember(struct root_options *options)
{
	options->fd = -1;
	find(options);
	if (!options->mount[0])
		return;
	options->fd = open(options->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (options->fd < 0)
		return;
	/* Nobody takes away what is kept as long as this is locked. */
	while (flock(options->fd, LOCK_SH) < 0 && errno == EINTR)
		continue;
	find(options);
	agree(options);
}

/* All that are not named are taken away. */
static int set(const struct root_options *options)
{
	autoclose int context = sys_fspick(AT_FDCWD, options->mount);
	char words[ROOT_OPTIONS_SIZE], *rest;

	if (context < 0)
		return -errno;
	snprintf(words, sizeof(words), "%s", options->words);
	for (char *word = strtok_r(words, ",", &rest); word; word = strtok_r(NULL, ",", &rest))
		if (strcmp(word, "rw") != 0 &&
		    sys_fsconfig(context, FSCONFIG_SET_FLAG, word, NULL) < 0)
			return -errno;
	return sys_fsconfig(context, FSCONFIG_CMD_RECONFIGURE, NULL, NULL) < 0 ? -errno : 0;
}

void root_options_put_back(const struct root_options *options)
{
	struct root_options now;
	int r;

	if (!options->mount[0])
		return;
	find(&now);
	if (strcmp(now.words, options->words) == 0)
		return;
	r = set(options);
	if (r < 0)
		log_warning_always("%s: CRIU has taken its options \"%s\" away, and they cannot be "
				   "set again: %s",
				   options->mount, options->words, strerror(-r));
}

void root_options_forget(struct root_options *options)
{
	root_options_put_back(options);
	if (options->fd >= 0 && flock(options->fd, LOCK_EX | LOCK_NB) == 0) {
		root_options_put_back(options); /* nobody else is at work any more */
		fremovexattr(options->fd, KEPT);
	}
	close_fd(&options->fd);
}
