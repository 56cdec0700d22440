/*
 * Containers come and go while the list is made, and each is read on its own: the list is of what
 * was there at some moment, and never an error about what was not.
 */
#include "runtime/list.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/arena.h"
#include "basic/cleanup.h"
#include "basic/closing.h"
#include "basic/entries.h"
#include "basic/large.h"
#include "basic/log.h"
#include "libocispec/number.h"
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
	return container_id_valid(name) && record_exists(root, name);
}

/* With look, what has no record is left out; otherwise that comes out when it is read. */
static int read_names(int directory, bool look, struct ids *ids, struct arena *arena,
		      struct error *err)
{
	struct entries entries = {.dir = directory};
	const struct found_id *last = NULL;
	const char *name;

	while ((name = entries_next(&entries)) != NULL) {
		size_t size = strlen(name) + 1;
		struct found_id *found;

		if (look ? !is_container(directory, name) : !container_id_valid(name))
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

/* Two sorted lists, one behind the other, become one. */
static void merge(const char *const *ids, size_t middle, size_t count, const char **merged)
{
	size_t left = 0, right = middle;

	for (size_t i = 0; i < count; i++) {
		bool is_left =
			right == count || (left < middle && strcmp(ids[left], ids[right]) < 0);

		merged[i] = ids[is_left ? left++ : right++];
	}
}

/* By merging ever longer pieces.  With the C library's qsort(3) "list -q" takes a fifth longer. */
static int sort_ids(struct ids *ids, struct arena *arena)
{
	const char **from = ids->items, **to = arena_array(arena, const char *, ids->count + 1);

	if (!to)
		return -ENOMEM;
	for (size_t length = 1; length < ids->count; length *= 2) {
		const char **merged = to;

		for (size_t at = 0; at < ids->count; at += 2 * length) {
			size_t left = ids->count - at;

			merge(from + at, left < length ? left : length,
			      left < 2 * length ? left : 2 * length, merged + at);
		}
		to = from;
		from = merged;
	}
	ids->items = from;
	return 0;
}

static int find_ids(const struct state_root *root, bool look, struct ids *ids, struct arena *arena,
		    struct error *err)
{
	autoclose int directory = -1;
	int r;

	if (root->fd < 0)
		return 0;
	directory = openat(root->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return error_errno(err, errno, "read the state directory %s", root->path);
	r = read_names(directory, look, ids, arena, err);
	if (r < 0)
		return error_in(err, "%s", root->path);
	return sort_ids(ids, arena) < 0 ? arena_full(arena, err) : 0;
}

enum column { ID, PID, STATUS, BUNDLE, CREATED, OWNER, COLUMNS };

struct row {
	const char *cells[COLUMNS];
};

struct listing {
	const struct state_root *root;
	struct arena *arena;
	struct arena scratch; /* for one container at a time, so that its memory is used again */
	FILE *out;
	const char *owner; /* the last one's; most often all have the same */
	uint32_t owner_id;
};

/* Takes back all that it has given out, zeroed; but what lies apart is the parser's alone, who expects no zeros. */
static void clear(struct arena *arena)
{
	memset(arena->start, 0, arena->used);
	arena->used = arena->apart = 0;
}

static const char *name_owner(struct listing *listing, const struct oci_record *record)
{
	if (!record->has_owner)
		return NULL;
	if (!listing->owner || listing->owner_id != record->owner)
		listing->owner = state_owner(record, listing->arena);
	listing->owner_id = record->owner;
	return listing->owner;
}

/* Looks at a container; false when it can't be read any more. */
static bool look_at(struct listing *listing, const char *id, struct view *view)
{
	static struct error unreadable LARGE;
	int r;

	clear(&listing->scratch);
	r = view_glance(view, listing->root, id, &listing->scratch, &unreadable);
	if (r == -EMFILE) {
		closing_done();
		r = view_glance(view, listing->root, id, &listing->scratch, &unreadable);
	}
	if (r == 0)
		return true;
	log_debug("list: left out %s", unreadable.text);
	memset(&unreadable, 0, sizeof(unreadable));
	return false;
}

static const char *keep(struct listing *listing, const char *text)
{
	return arena_copy(listing->arena, text, strlen(text));
}

static const char *keep_pid(struct listing *listing, pid_t pid)
{
	static const struct oci_number number = {.size = sizeof(pid), .max = INT_MAX};
	char digits[NUMBER_TEXT_SIZE];

	return arena_copy(listing->arena, digits, oci_number_write(&number, &pid, digits));
}

/* Fills in a row for each container that can still be read, and returns how many. */
static ssize_t find_rows(struct listing *listing, const struct ids *ids, struct row *rows)
{
	ssize_t count = 0;

	for (size_t i = 0; i < ids->count; i++) {
		const char **cells = rows[count].cells;
		struct view view;

		if (!look_at(listing, ids->items[i], &view))
			continue;
		cells[ID] = keep(listing, view.record->id);
		cells[PID] = keep_pid(listing, view.pid);
		cells[STATUS] = status_name(view.status);
		cells[BUNDLE] = keep(listing, view.record->bundle);
		cells[CREATED] = keep(listing, view.record->created);
		cells[OWNER] = view.record->has_owner ? name_owner(listing, view.record) : "";
		for (int column = 0; column < COLUMNS; column++)
			if (!cells[column])
				return -ENOMEM;
		count++;
	}
	return count;
}

/* printf() would take longer than all the rest of a row. */
static void write_row(FILE *out, const struct row *row, const size_t *widths)
{
	static const char blanks[] = "                                ";

	for (int column = 0; column < COLUMNS; column++) {
		const size_t length = strlen(row->cells[column]);
		size_t left = column == OWNER ? 0 : widths[column] - length + 2, piece;

		fwrite(row->cells[column], 1, length, out);
		for (; left > 0; left -= piece) {
			piece = left < sizeof(blanks) ? left : sizeof(blanks) - 1;
			fwrite(blanks, 1, piece, out);
		}
	}
	fputc('\n', out);
}

static void write_table(FILE *out, const struct row *rows, size_t count)
{
	static const struct row head = {
		{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"},
	};
	size_t widths[COLUMNS] = {2, 7, 8, 6, 7, 5};

	for (size_t i = 0; i < count; i++)
		for (int column = 0; column < COLUMNS; column++) {
			size_t length = strlen(rows[i].cells[column]);

			if (length > widths[column])
				widths[column] = length;
		}
	write_row(out, &head, widths);
	for (size_t i = 0; i < count; i++)
		write_row(out, &rows[i], widths);
}

static int list_as_table(struct listing *listing, const struct ids *ids)
{
	struct row *rows = arena_array(listing->arena, struct row, ids->count + 1);
	ssize_t count = rows ? find_rows(listing, ids, rows) : -ENOMEM;

	if (count < 0)
		return (int)count;
	write_table(listing->out, rows, (size_t)count);
	return 0;
}

static int list_as_json(struct listing *listing, const struct ids *ids)
{
	bool first = true;

	fputc('[', listing->out);
	for (size_t i = 0; i < ids->count; i++) {
		const char *json;
		struct view view;

		if (!look_at(listing, ids->items[i], &view))
			continue;
		json = state_report(&view, name_owner(listing, view.record), &listing->scratch,
				    OCI_COMPACT);
		if (!json)
			return -ENOMEM;
		fprintf(listing->out, "%s%s", first ? "" : ",\n", json);
		first = false;
	}
	fputs("]\n", listing->out);
	return 0;
}

static int list_all(struct listing *listing, const struct ids *ids, enum list_form form,
		    struct error *err)
{
	int r = arena_open_private(&listing->scratch, err);

	if (r < 0)
		return r;
	closing_together();
	r = form == LIST_JSON ? list_as_json(listing, ids) : list_as_table(listing, ids);
	closing_done();
	if (r < 0)
		r = arena_full(&listing->scratch, err);
	arena_release(&listing->scratch);
	return r;
}

static void list_ids(const struct ids *ids, FILE *out)
{
	for (size_t i = 0; i < ids->count; i++) {
		fputs(ids->items[i], out);
		fputc('\n', out);
	}
}

int container_list(const struct state_root *root, enum list_form form, FILE *out, struct error *err)
{
	autoarena struct arena arena = {0};
	struct listing listing = {.root = root, .arena = &arena, .out = out};
	struct ids ids = {0};
	int r = arena_open_private(&arena, err);

	if (r == 0)
		r = find_ids(root, form == LIST_IDS, &ids, &arena, err);
	if (r == 0 && form == LIST_IDS)
		list_ids(&ids, out);
	else if (r == 0)
		r = list_all(&listing, &ids, form, err);
	return r;
}
