#include "basic/self.h"

#include <stdlib.h>
#include <string.h>

#include "basic/file.h"

/* The number behind a name; each begins a line. */
static int find(const char *text, const char *name, int base, uint64_t *value, struct error *err)
{
	const char *line = strstr(text, name);

	if (!line)
		return error_config(err, "/proc/self/status says nothing of \"%s\"", name + 1);
	*value = strtoull(line + strlen(name), NULL, base);
	return 0;
}

/* Of the real, the effective, the saved and the file system's id, the second. */
static int find_effective(const char *text, const char *name, uint32_t *id, struct error *err)
{
	const char *line = strstr(text, name);
	char *second;

	if (!line)
		return error_config(err, "/proc/self/status says nothing of \"%s\"", name + 1);
	strtoull(line + strlen(name), &second, 10);
	*id = (uint32_t)strtoull(second, NULL, 10);
	return 0;
}

int self_read(int proc, struct self *self, struct error *err)
{
	char text[4096];
	uint64_t pid = 0;
	ssize_t length = file_read_small(proc, "self/status", text, sizeof(text));

	if (length < 0)
		return error_errno(err, (int)-length, "read /proc/self/status");
	if (find(text, "\nPid:", 10, &pid, err) < 0 ||
	    find_effective(text, "\nUid:", &self->uid, err) < 0 ||
	    find_effective(text, "\nGid:", &self->gid, err) < 0 ||
	    find(text, "\nSigIgn:", 16, &self->ignored, err) < 0 ||
	    find(text, "\nCapPrm:", 16, &self->permitted, err) < 0 ||
	    find(text, "\nCapEff:", 16, &self->effective, err) < 0 ||
	    find(text, "\nCapBnd:", 16, &self->bounding, err) < 0)
		return -err->code;
	self->pid = (pid_t)pid;
	return 0;
}
