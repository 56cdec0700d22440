#include "criu/options.h"

#include <string.h>

enum kind { SWITCH, NUMBER, TEXT };

/* A field of criu_opts, and the member that it comes from. */
struct row {
	unsigned int field;
	enum kind kind;
	size_t member;
};

#define ROW(field, kind, member)                                   \
	{                                                          \
		field, kind, offsetof(struct criu_options, member) \
	}

static const struct row rows[] = {
	ROW(1, NUMBER, images),
	ROW(2, NUMBER, pid),
	ROW(3, SWITCH, leave_running),
	ROW(4, SWITCH, external_sockets),
	ROW(5, SWITCH, tcp_established),
	ROW(7, SWITCH, shell_job),
	ROW(8, SWITCH, file_locks),
	ROW(9, NUMBER, log_level),
	ROW(10, TEXT, log_file),
	ROW(12, SWITCH, notify),
	ROW(13, TEXT, root),
	ROW(14, TEXT, parent),
	ROW(15, SWITCH, track_memory),
	ROW(16, SWITCH, auto_dedup),
	ROW(17, NUMBER, work),
	ROW(18, SWITCH, link_remap),
	ROW(24, SWITCH, manage_cgroups),
	ROW(26, SWITCH, sibling),
	ROW(38, NUMBER, empty_namespaces),
	ROW(44, TEXT, freezer),
	ROW(46, SWITCH, tcp_skip_in_flight),
	ROW(48, SWITCH, lazy_pages),
	ROW(49, NUMBER, status),
	ROW(50, SWITCH, orphan_terminal),
	ROW(51, TEXT, config_file),
	ROW(52, SWITCH, tcp_close),
	ROW(53, TEXT, lsm_profile),
	ROW(63, TEXT, lsm_mount_context),
	ROW(64, NUMBER, network_lock),
};

/* Fields that are messages, or say something when they are 0. */
enum {
	PAGE_SERVER = 11,
	CGROUP_ROOT = 25,
	INHERITED = 27,
	CGROUPS_MODE = 34,
	EXTERNAL = 37,
	JOINED = 39,
};

bool criu_add(struct criu_pairs *list, struct arena *arena, struct criu_pair pair)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		struct criu_pair *items = arena_array(arena, struct criu_pair, room);

		if (!items)
			return false;
		if (list->count)
			memcpy(items, list->items, list->count * sizeof(*items));
		list->items = items;
		list->room = room;
	}
	list->items[list->count++] = pair;
	return true;
}

static void put_row(struct protobuf *message, const struct row *row, const void *member)
{
	switch (row->kind) {
	case SWITCH:
		if (*(const bool *)member)
			protobuf_put_number(message, row->field, 1);
		break;
	case NUMBER:
		if (*(const int *)member)
			protobuf_put_number(message, row->field, *(const int *)member);
		break;
	case TEXT:
		if (*(const char *const *)member)
			protobuf_put_text(message, row->field, *(const char *const *)member);
		break;
	}
}

static void put_page_server(struct protobuf *message, const struct criu_options *options)
{
	enum { ADDRESS = 1, PORT = 2 };
	struct protobuf part = {.arena = message->arena};

	protobuf_put_text(&part, ADDRESS, options->server);
	protobuf_put_number(&part, PORT, options->server_port);
	protobuf_put_message(message, PAGE_SERVER, &part);
}

/* Each as a message of its own: the key in the first field, what belongs to it in the second. */
static void put_pairs(struct protobuf *message, unsigned int field, const struct criu_pairs *list)
{
	enum { KEY = 1, VALUE = 2 };

	for (size_t i = 0; i < list->count; i++) {
		const struct criu_pair *pair = &list->items[i];
		struct protobuf part = {.arena = message->arena};

		if (pair->key)
			protobuf_put_text(&part, KEY, pair->key);
		if (pair->value)
			protobuf_put_text(&part, VALUE, pair->value);
		else
			protobuf_put_number(&part, VALUE, pair->fd);
		protobuf_put_message(message, field, &part);
	}
}

void criu_put_options(struct protobuf *message, const struct criu_options *options)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		put_row(message, &rows[i], (const char *)options + rows[i].member);
	if (options->server)
		put_page_server(message, options);
	if (options->cgroups_mode)
		protobuf_put_number(message, CGROUPS_MODE, (int)options->cgroups_mode - 1);
	for (size_t i = 0; i < options->external.count; i++)
		protobuf_put_text(message, EXTERNAL, options->external.items[i].key);
	put_pairs(message, INHERITED, &options->inherited);
	put_pairs(message, CGROUP_ROOT, &options->cgroups);
	put_pairs(message, JOINED, &options->joined);
}
