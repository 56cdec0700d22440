/* Why CRIU has failed: the lines of its log that say so. */
#include <errno.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/large.h"
#include "basic/lines.h"
#include "basic/syscalls.h"
#include "criu/call.h"

enum {
	MOST_LINES = 3,
	LONGEST_LINE = 300,
};

/* What CRIU tells as an error, and goes on; and what only says that there was one. */
static const char noise[][48] = {
	"rlimit: Can't setup RLIMIT_NOFILE",
	"Dumping FAILED",
	"Pre-dumping FAILED",
	"Restoring FAILED",
};

static bool is_noise(const char *text)
{
	for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++)
		if (strncmp(text, noise[i], strlen(noise[i])) == 0)
			return true;
	return false;
}

/* "(00.048387) Error (criu/files-reg.c:1790): Can't ...": what is behind the place, or NULL. */
static char *find_error(char *line)
{
	char *text = strstr(line, "Error (");

	text = text ? strstr(text, "): ") : NULL;
	return text && !is_noise(text + 3) ? text + 3 : NULL;
}

/* The names in it are the container's. */
static void clean(char *text)
{
	if (strlen(text) > LONGEST_LINE)
		text[LONGEST_LINE] = '\0';
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static void add_errors(int fd, struct error *err)
{
	static struct lines lines LARGE;
	char *line;

	lines_begin(&lines, fd);
	for (int count = 0; count < MOST_LINES && (line = lines_next(&lines)) != NULL;) {
		char *text = find_error(line);
		size_t used = strlen(err->text);

		if (!text || used + LONGEST_LINE + 3 > sizeof(err->text))
			continue;
		clean(text);
		/* The cause is told first; what follows from it behind it. */
		memcpy(err->text + used, count++ ? "; " : ": ", 3);
		memcpy(err->text + used + 2, text, strlen(text) + 1);
	}
}

int criu_explain(int work, const char *name, const struct criu_answer *answer, struct error *err)
{
	autoclose int fd = openat(work, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	error_config(err, "CRIU has failed");
	if (fd >= 0)
		add_errors(fd, err);
	err->code = answer->code > 0 ? answer->code : EIO;
	return -err->code;
}
