#include "linux/hook-state.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "libocispec/decode.h"
#include "unit.h"

static struct error err;
static struct arena arena;
static struct oci_config config;
static struct container container;

static void begin(void)
{
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	config = (struct oci_config){.oci_version = "1.2.0"};
	container = (struct container){
		.arena = &arena, .config = &config, .id = "web", .bundle = "/var/lib/bundle"};
}

/* The state as a hook would read it. */
static const struct oci_state *read_back(const char *text)
{
	const struct oci_source source = {.name = "state", .text = text, .length = strlen(text)};
	struct oci_decoded decoded = {0};

	ck_assert_msg(oci_decode(&oci_state_object, &source, &arena, &decoded, &err) == 0,
		      "%s in %s", err.text, text);
	ck_assert_uint_eq(decoded.unknown_keys, 0);
	return decoded.value;
}

/* Compact, on one line, and with slashes as they are: there are hooks that read no other JSON. */
TEST(is_one_line_of_plain_json)
{
	begin();
	ck_assert_int_eq(hook_state_prepare(&container, &err), 0);
	container.init_pid = 4711;
	ck_assert_str_eq(hook_state(&container, "creating"),
			 "{\"ociVersion\":\"1.2.0\",\"id\":\"web\",\"bundle\":\"/var/lib/bundle\","
			 "\"status\":\"creating\",\"pid\":4711}");
	arena_release(&arena);
}

TEST(changes_with_the_status_and_the_pid)
{
	const char *text;

	begin();
	ck_assert_int_eq(hook_state_prepare(&container, &err), 0);
	container.init_pid = INT_MAX;
	text = hook_state(&container, "creating");
	ck_assert_int_eq(read_back(text)->pid, INT_MAX);
	container.init_pid = 1;
	ck_assert_ptr_eq(hook_state(&container, "created"), text);
	ck_assert_str_eq(text, "{\"ociVersion\":\"1.2.0\",\"id\":\"web\","
			       "\"bundle\":\"/var/lib/bundle\",\"status\":\"created\",\"pid\":1}");
	arena_release(&arena);
}

TEST(holds_the_annotations_whatever_is_in_them)
{
	struct oci_pair annotations[] = {{"org.example/a", "\"quoted\"\n"}, {"x", ""}};
	const struct oci_state *state;

	begin();
	config.annotations = annotations;
	config.annotations_len = 2;
	container.bundle = "/with \"quotes\" and } braces";
	ck_assert_int_eq(hook_state_prepare(&container, &err), 0);
	state = read_back(hook_state(&container, "creating"));
	ck_assert_uint_eq(state->annotations_len, 2);
	ck_assert_str_eq(state->annotations[0].key, "org.example/a");
	ck_assert_str_eq(state->annotations[0].value, "\"quoted\"\n");
	ck_assert_str_eq(state->bundle, "/with \"quotes\" and } braces");
	ck_assert_str_eq(state->status, "creating");
	arena_release(&arena);
}

/* Init writes it in its own copy of the plan: there it lies, with room for any status and pid. */
TEST(lies_in_the_plan_with_room_for_the_rest)
{
	const char *text;

	begin();
	ck_assert_int_eq(hook_state_prepare(&container, &err), 0);
	ck_assert_ptr_nonnull(arena_copy(&arena, "what follows", 12));
	container.init_pid = INT_MIN;
	text = hook_state(&container, "creating");
	ck_assert(text >= arena.start && text + strlen(text) < arena.start + arena.used);
	ck_assert_ptr_nonnull(strstr(text, ",\"pid\":-2147483648}"));
	ck_assert_str_eq(arena.start + arena.used - 16, "what follows");
	arena_release(&arena);
}

TEST(says_so_when_the_memory_is_full)
{
	begin();
	ck_assert_ptr_nonnull(arena_alloc(&arena, arena.size - 64));
	ck_assert_int_eq(hook_state_prepare(&container, &err), -ENOMEM);
	ck_assert_str_eq(err.text, "more than 256 MiB of memory would be needed: cannot allocate "
				   "memory");
	arena_release(&arena);
}

RUN_TESTS("hook-state", is_one_line_of_plain_json, changes_with_the_status_and_the_pid,
	  holds_the_annotations_whatever_is_in_them, lies_in_the_plan_with_room_for_the_rest,
	  says_so_when_the_memory_is_full)
