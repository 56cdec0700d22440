#include "basic/self.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/large.h"
#include "basic/lines.h"
#include "basic/procfs.h"

/* What is wanted of the file; each begins a line. */
enum line { UID, GID, INNER_PID, IGNORED, PERMITTED, EFFECTIVE, BOUNDING, LINES };

static const struct {
	char name[8];
	int base; /* of the numbers behind it */
	int skip; /* how many of them come first */
} wanted[LINES] = {
	/* Uid: the real one; then the effective, the saved, the file system's.  NSpid: by the pid namespace of the
	 * procfs; then by those between that and the process's own. */
	[UID] = {"Uid:", 10, 1},	  [GID] = {"Gid:", 10, 1},
	[INNER_PID] = {"NSpid:", 10, 1},  [IGNORED] = {"SigIgn:", 16, 0},
	[PERMITTED] = {"CapPrm:", 16, 0}, [EFFECTIVE] = {"CapEff:", 16, 0},
	[BOUNDING] = {"CapBnd:", 16, 0},
};

static uint64_t number_of(const char *text, int base, int skip)
{
	char *rest = NULL;
	uint64_t number = strtoull(text, &rest, base);

	return skip ? number_of(rest, base, skip - 1) : number;
}

/* Takes the line if it is one of the wanted; returns how many these are. */
static int take_line(const char *text, uint64_t *values, bool *found)
{
	for (size_t i = 0; i < LINES; i++) {
		const char *name = wanted[i].name;

		/* Most lines are others: their names differ early. */
		if (found[i] || text[0] != name[0] || strncmp(text, name, strlen(name)) != 0)
			continue;
		values[i] = number_of(text + strlen(name), wanted[i].base, wanted[i].skip);
		found[i] = true;
		return 1;
	}
	return 0;
}

int self_read(int proc, struct self *self, struct error *err)
{
	autoclose int fd = procfs_open(proc, "self/status", O_RDONLY);
	static struct lines lines LARGE; /* that of the groups may be long, and is passed over */
	uint64_t values[LINES];
	bool found[LINES] = {false};
	const char *text;
	int left = LINES;

	if (fd < 0)
		return error_errno(err, -fd, "open /proc/self/status");
	lines_begin(&lines, fd);
	while (left > 0 && (text = lines_next(&lines)) != NULL)
		left -= take_line(text, values, found);
	if (lines.error)
		return error_errno(err, lines.error, "read /proc/self/status");
	for (size_t i = 0; i < LINES; i++)
		if (!found[i])
			return error_config(err, "/proc/self/status says nothing of \"%s\"",
					    wanted[i].name);
	*self = (struct self){
		.ignored = values[IGNORED],
		.permitted = values[PERMITTED],
		.effective = values[EFFECTIVE],
		.bounding = values[BOUNDING],
		.uid = (uid_t)values[UID],
		.gid = (gid_t)values[GID],
		.own_pids = values[INNER_PID] == 0,
	};
	return 0;
}
