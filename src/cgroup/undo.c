/*
 * Going back: see undo.h.
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#interface-files
 *
 * Most files hold one value, which is written as it was read.  Some hold a line for each device or
 * resource, of which a write replaces one; what they lack has a word of its own for "none".
 */
#include "cgroup/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "cgroup/tree.h"

enum { MOST_CONTENT = 64 * 1024 }; /* of a file */

struct undo_entry {
	char *path;
	char *text; /* to be written, line by line */
};

/* A file with a line for each key, and what is written behind the key of a line that was not there. */
static const struct keyed {
	const char *file, *none;
} keyed_files[] = {
	{"blkio.bfq.weight_device", "default"},
	{"blkio.leaf_weight_device", "default"},
	{"blkio.throttle.read_bps_device", "0"},
	{"blkio.throttle.read_iops_device", "0"},
	{"blkio.throttle.write_bps_device", "0"},
	{"blkio.throttle.write_iops_device", "0"},
	{"blkio.weight_device", "default"},
	{"dmem.low", "0"},
	{"dmem.max", "max"},
	{"dmem.min", "0"},
	{"io.bfq.weight", "default"},
	{"io.latency", "target=0"},
	{"io.max", "rbps=max wbps=max riops=max wiops=max"},
	{"io.weight", "default"},
	{"misc.max", "max"},
	{"net_prio.ifpriomap", "0"},
	{"rdma.max", "hca_handle=max hca_object=max"},
};

static const struct keyed *find_keyed(const char *path)
{
	const char *file = strrchr(path, '/') + 1;

	for (size_t i = 0; i < sizeof(keyed_files) / sizeof(keyed_files[0]); i++)
		if (strcmp(keyed_files[i].file, file) == 0)
			return &keyed_files[i];
	return NULL;
}

/* The line of content that begins with the word key, or NULL. */
static const char *find_line(const char *content, const char *key, size_t length)
{
	for (const char *line = content; *line; line += strspn(line, "\n")) {
		if (strncmp(line, key, length) == 0 && line[length] == ' ')
			return line;
		line += strcspn(line, "\n");
	}
	return NULL;
}

/* What brings the line back that value is about to replace.  A weight alone is the one for all devices, and
 * takes those of single ones away. */
static char *keyed_text(const struct keyed *keyed, const char *content, const char *value)
{
	size_t length = strcspn(value, " ");
	const char *line = find_line(content, value, length);
	char *text = NULL;

	if (value[length] == '\0')
		return strdup(content);
	if (line)
		return strndup(line, strcspn(line, "\n"));
	return asprintf(&text, "%.*s %s", (int)length, value, keyed->none) < 0 ? NULL : text;
}

/* Version 1 tells in this file more than it takes. */
static const char *oom_control(const char *path, const char *content)
{
	if (strcmp(strrchr(path, '/') + 1, "memory.oom_control") != 0)
		return NULL;
	return strncmp(content, "oom_kill_disable 1", 18) == 0 ? "1" : "0";
}

static char *former_text(const char *path, const char *content, const char *value)
{
	const struct keyed *keyed = find_keyed(path);
	const char *text = oom_control(path, content);

	if (keyed)
		return keyed_text(keyed, content, value);
	return strdup(text ? text : content);
}

int undo_note(struct undo *undo, const char *path, const char *value, struct error *err)
{
	autofree char *content = malloc(MOST_CONTENT);
	struct undo_entry *entry;

	if (!content)
		return error_errno(err, ENOMEM, "remember what is in %s", path);
	if (file_read_small(AT_FDCWD, path, content, MOST_CONTENT) < 0)
		return 0;
	if (undo->count == undo->size) {
		size_t size = undo->size + 32;
		struct undo_entry *more = reallocarray(undo->entries, size, sizeof(*more));

		if (!more)
			return error_errno(err, ENOMEM, "remember what is in %s", path);
		undo->entries = more;
		undo->size = size;
	}
	entry = &undo->entries[undo->count];
	*entry = (struct undo_entry){strdup(path), former_text(path, content, value)};
	undo->count++;
	if (entry->path && entry->text)
		return 0;
	undo_forget(undo, undo->count - 1);
	return error_errno(err, ENOMEM, "remember what is in %s", path);
}

void undo_forget(struct undo *undo, size_t count)
{
	while (undo->count > count) {
		struct undo_entry *entry = &undo->entries[--undo->count];

		free(entry->path);
		free(entry->text);
	}
}

/* Each line is a write of its own; a list that was empty is emptied by one that is. */
static int write_lines(const struct undo_entry *entry)
{
	char *rest = NULL, *line = strtok_r(entry->text, "\n", &rest);
	int r = 0;

	if (!line)
		return file_write(AT_FDCWD, entry->path, "\n");
	for (; line && r == 0; line = strtok_r(NULL, "\n", &rest))
		r = file_write(AT_FDCWD, entry->path, line);
	return r;
}

int undo_all(struct undo *undo, struct error *err)
{
	int first = 0;

	for (size_t i = undo->count; i > 0; i--) {
		const struct undo_entry *entry = &undo->entries[i - 1];
		int r = write_lines(entry);

		if (r == 0 || first < 0)
			continue;
		first = r;
		if (tree_gone(-r))
			error_config(err, "%s is gone", entry->path);
		else
			error_errno(err, -r, "set %s back", entry->path);
	}
	undo_forget(undo, 0);
	return first;
}

void undo_release(struct undo *undo)
{
	undo_forget(undo, 0);
	free(undo->entries);
	*undo = (struct undo){0};
}
