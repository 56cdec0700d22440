/*
 * Containers come and go while the list is made, and each is read on its own: the list is of what
 * was there at some moment, and never an error about what was not.
 */
#include "runtime/list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/arena.h"
#include "basic/cleanup.h"
#include "basic/entries.h"
#include "basic/log.h"
#include "runtime/record.h"
#include "runtime/state.h"

/* The ids of all containers; they lie in the arena. */
struct ids {
	const char **items;
	size_t count;
};

/* One that was found, before it is known how many there will be. */
struct found_id {
	const struct found_id *before;
	char id[];
};

/* Whether a name in the state directory is a container's: one without a record is being made, or
 * was left half made. */
static bool is_container(int root, const char *name)
{
	char record[NAME_MAX + sizeof("/" RECORD_FILE)];

	if (!container_id_valid(name))
		return false;
	snprintf(record, sizeof(record), "%s/" RECORD_FILE, name);
	return faccessat(root, record, F_OK, 0) == 0;
}

static int read_names(int directory, struct ids *ids, struct arena *arena, struct error *err)
{
	struct entries entries = {.dir = directory};
	const struct found_id *last = NULL;
	const char *name;

	while ((name = entries_next(&entries)) != NULL) {
		size_t size = strlen(name) + 1;
		struct found_id *found;

		if (!is_container(directory, name))
			continue;
		found = arena_alloc(arena, sizeof(*found) + size);
		if (!found)
			return arena_full(arena, err);
		found->before = last;
		memcpy(found->id, name, size);
		last = found;
		ids->count++;
	}
	if (entries.error)
		return error_errno(err, entries.error, "read the state directory");
	ids->items = arena_array(arena, const char *, ids->count + 1);
	if (!ids->items)
		return arena_full(arena, err);
	for (size_t i = 0; last; last = last->before)
		ids->items[i++] = last->id;
	return 0;
}

static int compare_ids(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static int find_ids(const struct state_root *root, struct ids *ids, struct arena *arena,
		    struct error *err)
{
	autoclose int directory = -1;
	int r;

	if (root->fd < 0)
		return 0;
	directory = openat(root->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return error_errno(err, errno, "read the state directory %s", root->path);
	r = read_names(directory, ids, arena, err);
	if (r < 0)
		return error_in(err, "%s", root->path);
	if (ids->count > 0)
		qsort(ids->items, ids->count, sizeof(ids->items[0]), compare_ids);
	return 0;
}

struct row {
	struct view view; /* released: what is left is what was found */
	const char *owner;
};

/* The owner's name; the row before is asked first, as most often all have the same. */
static const char *name_owner(const struct row *row, const struct row *before, struct arena *arena)
{
	if (before && before->owner && row->view.record->has_owner &&
	    before->view.record->owner == row->view.record->owner)
		return before->owner;
	return state_owner(row->view.record, arena);
}

/* Fills in a row for each container that can still be read, and returns how many. */
static size_t find_rows(const struct state_root *root, const struct ids *ids, struct arena *arena,
			struct row *rows)
{
	struct error unreadable = {0};
	size_t count = 0;

	for (size_t i = 0; i < ids->count; i++) {
		struct row *row = &rows[count];

		if (view_open(&row->view, root, ids->items[i], arena, &unreadable) < 0) {
			log_debug("list: left out %s", unreadable.text);
			continue;
		}
		view_release(&row->view);
		row->owner = name_owner(row, count ? row - 1 : NULL, arena);
		count++;
	}
	return count;
}

/* At least least, and enough for text. */
static int widen(int least, const char *text)
{
	int length = (int)strlen(text);

	return length > least ? length : least;
}

static void write_table(FILE *out, const struct row *rows, size_t count)
{
	int id = 2, bundle = 6, created = 7;

	for (size_t i = 0; i < count; i++) {
		id = widen(id, rows[i].view.record->id);
		bundle = widen(bundle, rows[i].view.record->bundle);
		created = widen(created, rows[i].view.record->created);
	}
	fprintf(out, "%-*s  %-7s  %-8s  %-*s  %-*s  %s\n", id, "ID", "PID", "STATUS", bundle,
		"BUNDLE", created, "CREATED", "OWNER");
	for (size_t i = 0; i < count; i++) {
		const struct view *view = &rows[i].view;

		fprintf(out, "%-*s  %-7d  %-8s  %-*s  %-*s  %s\n", id, view->record->id, view->pid,
			status_name(view->status), bundle, view->record->bundle, created,
			view->record->created, rows[i].owner ? rows[i].owner : "");
	}
}

static int write_json(FILE *out, const struct row *rows, size_t count, struct arena *arena)
{
	fputc('[', out);
	for (size_t i = 0; i < count; i++) {
		const char *json = state_report(&rows[i].view, rows[i].owner, arena, OCI_COMPACT);

		if (!json)
			return -ENOMEM;
		fprintf(out, "%s%s", i ? ",\n" : "", json);
	}
	fputs("]\n", out);
	return 0;
}

static int write_list(FILE *out, const struct state_root *root, const struct ids *ids,
		      enum list_form form, struct arena *arena)
{
	struct row *rows;
	size_t count;

	if (form == LIST_IDS) {
		for (size_t i = 0; i < ids->count; i++)
			fprintf(out, "%s\n", ids->items[i]);
		return 0;
	}
	rows = arena_array(arena, struct row, ids->count);
	if (!rows)
		return -ENOMEM;
	count = find_rows(root, ids, arena, rows);
	if (form == LIST_JSON)
		return write_json(out, rows, count, arena);
	write_table(out, rows, count);
	return 0;
}

int container_list(const struct state_root *root, enum list_form form, FILE *out, struct error *err)
{
	struct arena arena = {0};
	struct ids ids = {0};
	int r;

	r = arena_open_private(&arena, err);
	if (r < 0)
		return r;
	r = find_ids(root, &ids, &arena, err);
	if (r == 0 && write_list(out, root, &ids, form, &arena) < 0)
		r = arena_full(&arena, err);
	arena_release(&arena);
	return r;
}
