#include "criu/options.h"

#include <sched.h>
#include <string.h>

#include "unit.h"

static struct error err;
static struct arena arena;
static struct protobuf message;
static struct protobuf_reader reader;

static void begin(void)
{
	arena_release(&arena);
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
}

/* Writes the options anew; what comes next is what is read. */
static void put(const struct criu_options *options)
{
	message = (struct protobuf){.arena = &arena};
	criu_put_options(&message, options);
	ck_assert(!message.full);
	reader = protobuf_reader(message.bytes, message.length);
}

static void expect_end(void)
{
	ck_assert(!protobuf_next(&reader));
	ck_assert(!reader.damaged);
}

static void expect_number(unsigned int field, int64_t number)
{
	ck_assert(protobuf_next(&reader));
	ck_assert_uint_eq(reader.field, field);
	ck_assert_ptr_null(reader.bytes);
	ck_assert(reader.number == (uint64_t)number);
}

static void expect_text(unsigned int field, const char *text)
{
	ck_assert(protobuf_next(&reader));
	ck_assert_uint_eq(reader.field, field);
	ck_assert_ptr_nonnull(reader.bytes);
	ck_assert_uint_eq(reader.length, strlen(text));
	ck_assert_mem_eq(reader.bytes, text, strlen(text));
}

/* Goes into the message of a field; what is to come behind it is returned. */
static struct protobuf_reader enter(unsigned int field)
{
	struct protobuf_reader outer;

	ck_assert(protobuf_next(&reader));
	ck_assert_uint_eq(reader.field, field);
	ck_assert_ptr_nonnull(reader.bytes);
	outer = reader;
	reader = protobuf_within(&reader);
	return outer;
}

/* -- single options ---------------------------------------------------------------------------- */

/* The members with the numbers that their fields have in rpc.proto. */
#define MEMBER(field, member)                                \
	{                                                    \
		field, offsetof(struct criu_options, member) \
	}

static const struct member {
	unsigned int field;
	size_t offset;
} switches[] =
	{
		MEMBER(3, leave_running),   MEMBER(4, external_sockets),
		MEMBER(5, tcp_established), MEMBER(7, shell_job),
		MEMBER(8, file_locks),	    MEMBER(12, notify),
		MEMBER(15, track_memory),   MEMBER(16, auto_dedup),
		MEMBER(18, link_remap),	    MEMBER(24, manage_cgroups),
		MEMBER(26, sibling),	    MEMBER(46, tcp_skip_in_flight),
		MEMBER(48, lazy_pages),	    MEMBER(50, orphan_terminal),
		MEMBER(52, tcp_close),
},
  numbers[] =
	  {
		  MEMBER(1, images), MEMBER(2, pid),	 MEMBER(9, log_level),
		  MEMBER(17, work),  MEMBER(49, status),
},
  texts[] = {
	  MEMBER(10, log_file),		 MEMBER(13, root),	  MEMBER(14, parent),
	  MEMBER(44, freezer),		 MEMBER(51, config_file), MEMBER(53, lsm_profile),
	  MEMBER(63, lsm_mount_context),
};

#define FOR_EACH(member, list)                     \
	for (const struct member *member = (list); \
	     member < (list) + sizeof(list) / sizeof((list)[0]); member++)

TEST(says_nothing_of_what_nobody_wants)
{
	const struct criu_options options = {0};

	begin();
	put(&options);
	ck_assert_uint_eq(message.length, 0);
}

TEST(writes_each_switch_in_its_field)
{
	begin();
	FOR_EACH(member, switches)
	{
		struct criu_options options = {0};

		*(bool *)((char *)&options + member->offset) = true;
		put(&options);
		expect_number(member->field, 1);
		expect_end();
	}
}

TEST(writes_each_number_in_its_field)
{
	static const int values[] = {1, 4, 300, INT32_MAX, -1};

	begin();
	FOR_EACH(member, numbers)
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct criu_options options = {0};

		memcpy((char *)&options + member->offset, &values[i], sizeof(values[i]));
		put(&options);
		expect_number(member->field, values[i]);
		expect_end();
	}
}

TEST(writes_each_text_in_its_field)
{
	static const char *const values[] = {"", "dump.log", "/a b/\xc3\xa4"};

	begin();
	FOR_EACH(member, texts)
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct criu_options options = {0};

		memcpy((char *)&options + member->offset, &values[i], sizeof(values[i]));
		put(&options);
		expect_text(member->field, values[i]);
		expect_end();
	}
}

TEST(names_the_namespaces_that_stay_empty)
{
	const struct criu_options options = {.empty_namespaces = CLONE_NEWNET};

	begin();
	put(&options);
	expect_number(38, 0x40000000);
	expect_end();
}

TEST(chooses_how_the_network_is_locked)
{
	static const int expected[] = {1, 2, 3};
	static const enum criu_network_lock locks[] = {CRIU_LOCK_IPTABLES, CRIU_LOCK_NFTABLES,
						       CRIU_LOCK_SKIP};

	begin();
	for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++) {
		const struct criu_options options = {.network_lock = locks[i]};

		put(&options);
		expect_number(64, expected[i]);
		expect_end();
	}
}

/* "Ignore" is CRIU's 0, and has to be said. */
TEST(chooses_what_becomes_of_cgroups)
{
	static const int expected[] = {0, 3, 4, 5};
	static const enum criu_cgroups_mode modes[] = {CRIU_CGROUPS_IGNORE, CRIU_CGROUPS_SOFT,
						       CRIU_CGROUPS_FULL, CRIU_CGROUPS_STRICT};

	begin();
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		const struct criu_options options = {.cgroups_mode = modes[i]};

		put(&options);
		expect_number(34, expected[i]);
		expect_end();
	}
}

TEST(writes_each_field_once_when_all_is_wanted)
{
	struct criu_options options = {.cgroups_mode = CRIU_CGROUPS_SOFT, .server = "::1"};
	unsigned long seen[2] = {0};
	int count = 0;

	begin();
	FOR_EACH(member, switches)
	*(bool *)((char *)&options + member->offset) = true;
	FOR_EACH(member, numbers)
	*(int *)(void *)((char *)&options + member->offset) = 7;
	FOR_EACH(member, texts)
	*(const char **)(void *)((char *)&options + member->offset) = "text";
	options.empty_namespaces = CLONE_NEWNET;
	options.network_lock = CRIU_LOCK_SKIP;
	put(&options);
	for (; protobuf_next(&reader); count++) {
		ck_assert(reader.field > 0 && reader.field < 128);
		ck_assert(!(seen[reader.field / 64] & 1UL << reader.field % 64));
		seen[reader.field / 64] |= 1UL << reader.field % 64;
	}
	ck_assert(!reader.damaged);
	/* 15 switches, 5 numbers, 7 texts, the namespaces, the lock, the cgroups and the server */
	ck_assert_int_eq(count, 31);
}

/* -- messages and lists ------------------------------------------------------------------------ */

TEST(names_the_server_of_pages_with_its_port)
{
	const struct criu_options options = {.server = "192.0.2.1", .server_port = 27000};
	struct protobuf_reader outer;

	begin();
	put(&options);
	outer = enter(11);
	expect_text(1, "192.0.2.1");
	expect_number(2, 27000);
	expect_end();
	reader = outer;
	expect_end();
	/* A port alone is nobody's. */
	put(&(struct criu_options){.server_port = 27000});
	expect_end();
}

static void add(struct criu_pairs *list, const char *key, const char *value, int fd)
{
	ck_assert(criu_add(list, &arena, (struct criu_pair){key, value, fd}));
}

TEST(lists_what_stays_outside)
{
	struct criu_options options = {0};

	begin();
	add(&options.external, "mnt[/data]:data", NULL, 0);
	add(&options.external, "dev[8/0]:disk", NULL, 0);
	put(&options);
	expect_text(37, "mnt[/data]:data");
	expect_text(37, "dev[8/0]:disk");
	expect_end();
}

TEST(hands_descriptors_over_by_their_names)
{
	struct criu_options options = {0};
	struct protobuf_reader outer;

	begin();
	add(&options.inherited, "pipe:[4711]", NULL, 6);
	add(&options.inherited, "extRootNetNS", NULL, 0);
	put(&options);
	outer = enter(27);
	expect_text(1, "pipe:[4711]");
	expect_number(2, 6);
	expect_end();
	reader = outer;
	outer = enter(27);
	expect_text(1, "extRootNetNS");
	expect_number(2, 0);
	expect_end();
	reader = outer;
	expect_end();
}

TEST(names_cgroups_with_and_without_controllers)
{
	struct criu_options options = {0};
	struct protobuf_reader outer;

	begin();
	add(&options.cgroups, "cpu,cpuacct", "/a", 0);
	add(&options.cgroups, NULL, "/b", 0);
	put(&options);
	outer = enter(25);
	expect_text(1, "cpu,cpuacct");
	expect_text(2, "/a");
	expect_end();
	reader = outer;
	outer = enter(25);
	expect_text(2, "/b");
	expect_end();
	reader = outer;
	expect_end();
}

TEST(names_namespaces_to_be_joined)
{
	struct criu_options options = {0};
	struct protobuf_reader outer;

	begin();
	add(&options.joined, "ipc", "/run/ipc", 0);
	put(&options);
	outer = enter(39);
	expect_text(1, "ipc");
	expect_text(2, "/run/ipc");
	expect_end();
	reader = outer;
	expect_end();
}

TEST(keeps_lists_in_order_however_long_they_are)
{
	enum { COUNT = 1000 };
	struct criu_options options = {0};

	begin();
	for (int i = 0; i < COUNT; i++)
		add(&options.external, arena_printf(&arena, "mnt[/%d]:%d", i, i), NULL, i);
	ck_assert_uint_eq(options.external.count, COUNT);
	put(&options);
	for (int i = 0; i < COUNT; i++) {
		ck_assert_int_eq(options.external.items[i].fd, i);
		expect_text(37, arena_printf(&arena, "mnt[/%d]:%d", i, i));
	}
	expect_end();
}

/* -- a full arena ------------------------------------------------------------------------------ */

TEST(says_when_a_list_has_no_more_room)
{
	struct criu_pairs list = {0};

	begin();
	for (int i = 0; i < 16; i++)
		add(&list, "a", "b", i);
	while (arena_alloc(&arena, 1))
		continue;
	ck_assert(!criu_add(&list, &arena, (struct criu_pair){"c", "d", 16}));
	/* What was there is there still. */
	ck_assert_uint_eq(list.count, 16);
	ck_assert_int_eq(list.items[15].fd, 15);
}

/* Each time there is less memory, by as much as the arena keeps at its end. */
TEST(says_when_the_options_have_no_more_room)
{
	struct criu_options options = {
		.images = 4, .root = "/a", .server = "192.0.2.1", .server_port = 1};
	enum { KEPT = 16 };
	size_t room, needed, used;

	begin();
	add(&options.external, "mnt[/data]:data", NULL, 0);
	add(&options.inherited, "pipe:[4711]", NULL, 6);
	add(&options.cgroups, NULL, "/b", 0);
	add(&options.joined, "ipc", "/run/ipc", 0);
	used = arena.used;
	put(&options);
	needed = arena.used - used;
	room = arena.size;
	ck_assert_uint_gt(needed, 0);
	for (size_t less = KEPT; less <= needed; less += KEPT) {
		memset(arena.start + used, 0, arena.used - used);
		arena.used = used;
		arena.size = used + needed + KEPT - less;
		message = (struct protobuf){.arena = &arena};
		criu_put_options(&message, &options);
		ck_assert_msg(message.full, "%zu bytes less", less);
	}
	arena.size = room;
}

RUN_TESTS("criu-options", says_nothing_of_what_nobody_wants, writes_each_switch_in_its_field,
	  writes_each_number_in_its_field, writes_each_text_in_its_field,
	  names_the_namespaces_that_stay_empty, chooses_how_the_network_is_locked,
	  chooses_what_becomes_of_cgroups, writes_each_field_once_when_all_is_wanted,
	  names_the_server_of_pages_with_its_port, lists_what_stays_outside,
	  hands_descriptors_over_by_their_names, names_cgroups_with_and_without_controllers,
	  names_namespaces_to_be_joined, keeps_lists_in_order_however_long_they_are,
	  says_when_a_list_has_no_more_room, says_when_the_options_have_no_more_room)
