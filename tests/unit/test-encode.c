#include <stdio.h>
#include <string.h>

#include "libocispec/decode.h"
#include "libocispec/encode.h"
#include "libocispec/number.h"
#include "libocispec/types.h"
#include "unit.h"

static struct arena arena;
static struct error err;

static void setup(void)
{
	err = (struct error){0};
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
}

static void *decode(const struct oci_object *object, const char *text)
{
	char *own = arena_copy(&arena, text, strlen(text));
	const struct oci_source source = {"text", own, strlen(text), own};
	struct oci_decoded decoded;

	if (oci_decode(object, &source, &arena, &decoded, &err) < 0)
		ck_abort_msg("%s in %s", err.text, text);
	return decoded.value;
}

static void expect_json(const struct oci_object *object, const void *value, const char *compact)
{
	const char *text = oci_encode(object, value, &arena, OCI_COMPACT);

	ck_assert_str_eq(text, compact);
}

/*
 * Any object with all of its fields, filled by its table, so that a new field is tested when it
 * stands in its schema file.  The values of a round differ from those of another.
 */
struct filler {
	int round;
	int values; /* how many there were */
};

static void fill(struct filler *filler, const struct oci_object *object, char *base);

static void fill_string(struct filler *filler, char *address)
{
	static const char *const endings[] = {"", " \"\\/\b\t\n", "\xc3\xa9\xf0\x9f\x90\xa7\x7f"};
	const char *text = arena_printf(&arena, "%d%s", filler->values,
					endings[(filler->values + filler->round) % 3]);

	memcpy(address, &text, sizeof(text));
}

static void fill_number(struct filler *filler, const struct oci_number *number, char *address)
{
	char text[NUMBER_TEXT_SIZE];

	if (filler->round == 0)
		snprintf(text, sizeof(text), "%llu", (unsigned long long)number->max);
	else
		snprintf(text, sizeof(text), "%lld", (long long)number->min);
	ck_assert(oci_number_read(number, text, strlen(text), address));
}

static void fill_decimal(struct filler *filler, char *address)
{
	const char *text = arena_printf(&arena, "-%d.%d0", filler->values, filler->round);

	memcpy(address, &text, sizeof(text));
}

static void fill_value(struct filler *filler, const struct oci_field *field, char *address)
{
	char *base = address;

	filler->values++;
	switch (field->kind) {
	case OCI_STRING:
		fill_string(filler, address);
		break;
	case OCI_BOOL:
		/* false is the same as absent, if no other bool tells them apart. */
		*(bool *)address = filler->round == 0 || (!field->has_offset && !field->required);
		break;
	case OCI_NUMBER:
		fill_number(filler, oci_number_of(field), address);
		break;
	case OCI_DECIMAL:
		fill_decimal(filler, address);
		break;
	case OCI_OBJECT:
		if (field->shape == OCI_ONE) {
			base = arena_alloc(&arena, oci_object_of(field)->size);
			memcpy(address, &base, sizeof(base));
		}
		fill(filler, oci_object_of(field), base);
		break;
	case OCI_SKIP:
		break;
	}
}

/* Round 0 gives two items, round 1 none. */
static void fill_items(struct filler *filler, const struct oci_field *field, char *base)
{
	size_t len = filler->round == 0 ? 2 : 0;
	char *items = arena_alloc_array(&arena, len + 1, field->item_size);

	memcpy(base + field->offset, &items, sizeof(items));
	memcpy(base + field->len_offset, &len, sizeof(len));
	for (; len > 0; len--, items += field->item_size) {
		if (field->shape == OCI_MAP)
			fill_string(filler, items);
		fill_value(filler, field, items + field->item_offset);
	}
}

static void fill(struct filler *filler, const struct oci_object *object, char *base)
{
	for (size_t i = 0; i < object->fields_len; i++) {
		const struct oci_field *field = &oci_fields(object)[i];

		if (field->kind == OCI_SKIP)
			continue;
		if (field->has_offset)
			*(bool *)(base + field->has_offset) = true;
		if (field->shape == OCI_ONE)
			fill_value(filler, field, base + field->offset);
		else
			fill_items(filler, field, base);
	}
}

/* Fills the object, and returns its JSON. */
static const char *filled(const struct oci_object *object, int round, enum oci_layout layout)
{
	struct filler filler = {.round = round};
	char *value = arena_alloc(&arena, object->size);

	fill(&filler, object, value);
	return oci_encode(object, value, &arena, layout);
}

static void expect_each_name(const struct oci_object *object, const char *text)
{
	for (size_t i = 0; i < object->fields_len; i++) {
		const struct oci_field *field = &oci_fields(object)[i];
		const char *key = arena_printf(&arena, "\"%s\":", field->name);

		if (field->kind != OCI_SKIP && !strstr(text, key))
			ck_abort_msg("%s is not in %s", key, text);
	}
}

TEST(writes_each_field_of_each_object_as_it_is_read)
{
	setup();
	for (size_t i = 0; i < OCI_OBJECTS; i++) {
		for (int round = 0; round < 2; round++) {
			const char *text = filled(&oci_tables.objects[i], round, OCI_COMPACT);

			expect_each_name(&oci_tables.objects[i], text);
			expect_json(&oci_tables.objects[i], decode(&oci_tables.objects[i], text),
				    text);
		}
	}
	arena_release(&arena);
}

TEST(writes_the_same_in_both_layouts)
{
	setup();
	for (size_t i = 0; i < OCI_OBJECTS; i++) {
		const char *compact = filled(&oci_tables.objects[i], 0, OCI_COMPACT);
		const char *pretty = filled(&oci_tables.objects[i], 0, OCI_PRETTY);

		ck_assert_ptr_nonnull(strchr(pretty, '\n'));
		ck_assert_ptr_null(strchr(compact, '\n'));
		expect_json(&oci_tables.objects[i], decode(&oci_tables.objects[i], pretty),
			    compact);
	}
	arena_release(&arena);
}

TEST(writes_only_what_is_there)
{
	struct oci_pids pids = {.limit = 5};
	struct oci_memory memory = {.has_disable_oom_killer = true};
	struct oci_device_rule rule = {.allow = false};
	struct oci_syscall syscall = {.action = "SCMP_ACT_ALLOW"};

	setup();
	expect_json(&oci_pids_object, &pids, "{}");
	pids.has_limit = true;
	expect_json(&oci_pids_object, &pids, "{\"limit\":5}");
	expect_json(&oci_memory_object, &memory, "{\"disableOOMKiller\":false}");
	expect_json(&oci_device_rule_object, &rule, "{\"allow\":false}");
	expect_json(&oci_syscall_object, &syscall, "{\"names\":[],\"action\":\"SCMP_ACT_ALLOW\"}");
	arena_release(&arena);
}

TEST(tells_an_empty_array_from_none)
{
	const char *text = "{\"prestart\":[],\"poststop\":[{\"path\":\"/bin/true\",\"args\":[]}]}";

	setup();
	expect_json(&oci_hooks_object, decode(&oci_hooks_object, text), text);
	arena_release(&arena);
}

TEST(escapes_no_more_than_it_must)
{
	struct oci_root root = {.path = "/a\"b\\c\n\x01\x7f \xc3\xa9"};

	setup();
	expect_json(&oci_root_object, &root,
		    "{\"path\":\"/a\\\"b\\\\c\\u000a\\u0001\x7f \xc3\xa9\"}");
	arena_release(&arena);
}

TEST(writes_json_even_of_a_path_that_is_no_text)
{
	struct oci_root root = {.path = "/\xff/\xc3/\xed\xa0\x80"};

	setup();
	expect_json(
		&oci_root_object, &root,
		"{\"path\":\"/\xef\xbf\xbd/\xef\xbf\xbd/\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}");
	arena_release(&arena);
}

TEST(indents_by_four_spaces)
{
	const char *text = "{\"ociVersion\":\"1.3.0\",\"id\":\"c\",\"status\":\"created\","
			   "\"bundle\":\"/b\",\"annotations\":{\"a\":\"1\",\"b\":\"2\"}}";
	struct oci_hook hook = {.path = "/h", .args = (const char *[]){NULL}};

	setup();
	ck_assert_str_eq(
		oci_encode(&oci_state_object, decode(&oci_state_object, text), &arena, OCI_PRETTY),
		"{\n"
		"    \"ociVersion\": \"1.3.0\",\n"
		"    \"id\": \"c\",\n"
		"    \"status\": \"created\",\n"
		"    \"bundle\": \"/b\",\n"
		"    \"annotations\": {\n"
		"        \"a\": \"1\",\n"
		"        \"b\": \"2\"\n"
		"    }\n"
		"}");
	ck_assert_str_eq(oci_encode(&oci_hook_object, &hook, &arena, OCI_PRETTY),
			 "{\n"
			 "    \"path\": \"/h\",\n"
			 "    \"args\": []\n"
			 "}");
	arena_release(&arena);
}

TEST(writes_the_ends_of_each_range)
{
	static const char *const memories[] = {
		"{\"limit\":-9223372036854775808}",
		"{\"limit\":-1}",
		"{\"limit\":0}",
		"{\"limit\":9223372036854775807}",
		"{\"swappiness\":18446744073709551615}",
	};
	static const char lowest[] = "{\"user\":{\"uid\":0,\"gid\":4294967294},\"cwd\":\"/"
				     "\",\"oomScoreAdj\":-2147483648}";

	setup();
	for (size_t i = 0; i < sizeof(memories) / sizeof(memories[0]); i++)
		expect_json(&oci_memory_object, decode(&oci_memory_object, memories[i]),
			    memories[i]);
	expect_json(&oci_process_object, decode(&oci_process_object, lowest), lowest);
	arena_release(&arena);
}

/* It has to move on to more memory in the middle of a text, and in the middle of what is escaped. */
TEST(writes_long_texts)
{
	struct oci_root root = {0};
	size_t used;

	setup();
	for (size_t length = 1; length < 3000; length += 37) {
		char *path = arena_alloc(&arena, length + 1), *expected, *next;

		memset(path, length % 2 ? '\n' : 'x', length);
		root.path = path;
		expected = arena_alloc(&arena, 6 * length + 100);
		next = stpcpy(expected, "{\"path\":\"");
		for (size_t i = 0; i < length; i++)
			next = stpcpy(next, length % 2 ? "\\u000a" : "x");
		stpcpy(next, "\"}");
		used = arena.used;
		expect_json(&oci_root_object, &root, expected);
		/* It keeps no more than it needs. */
		ck_assert_uint_le(arena.used - used, strlen(expected) + 16);
	}
	arena_release(&arena);
}

TEST(says_when_the_arena_is_full)
{
	struct oci_root root = {.path = "/"};

	setup();
	arena.used = arena.size - 16;
	ck_assert_ptr_null(oci_encode(&oci_root_object, &root, &arena, OCI_COMPACT));
	/* Room for the beginning alone. */
	arena.used = arena.size - 2000;
	root.path = memset(calloc(1, 1001), 'x', 1000);
	ck_assert_ptr_null(oci_encode(&oci_root_object, &root, &arena, OCI_COMPACT));
	free((char *)root.path);
	arena_release(&arena);
}

RUN_TESTS("encode", writes_each_field_of_each_object_as_it_is_read, writes_the_same_in_both_layouts,
	  writes_only_what_is_there, tells_an_empty_array_from_none, escapes_no_more_than_it_must,
	  writes_json_even_of_a_path_that_is_no_text, indents_by_four_spaces,
	  writes_the_ends_of_each_range, writes_long_texts, says_when_the_arena_is_full)
