#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libocispec/decode.h"
#include "libocispec/types.h"
#include "unit.h"

static struct arena arena;
static struct error err;
static struct oci_decoded decoded;

static void release(void)
{
	arena_release(&arena);
}

/* Of a text whose strings stay where they are. */
static int decode_in_place(const struct oci_object *object, const char *text, size_t length)
{
	struct oci_source source = {.name = "config.json", .length = length};

	arena_release(&arena);
	err = (struct error){0};
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	source.text = source.own = arena_copy(&arena, text, length);
	return oci_decode(object, &source, &arena, &decoded, &err);
}

/* Into a new arena, of a copy whose bytes behind the end are not to be read. */
static int decode_bytes(const struct oci_object *object, const char *text, size_t length)
{
	char *copy = malloc(length ? length : 1);
	const struct oci_source source = {"config.json", copy, length, NULL};
	int r = decode_in_place(object, text, length);
	struct error in_place = err;

	memcpy(copy, text, length);
	arena_release(&arena);
	err = (struct error){0};
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	ck_assert_int_eq(oci_decode(object, &source, &arena, &decoded, &err), r);
	ck_assert_str_eq(in_place.text, err.text);
	ck_assert_str_eq(in_place.hint, err.hint);
	free(copy);
	return r;
}

static int decode(const struct oci_object *object, const char *text)
{
	return decode_bytes(object, text, strlen(text));
}

static void *expect_decoded(const struct oci_object *object, const char *text)
{
	if (decode(object, text) < 0)
		ck_abort_msg("%s", err.text);
	return decoded.value;
}

/* The text of a process with these fields besides those it must have. */
static char *process_with(const char *fields)
{
	static char text[4096];

	snprintf(text, sizeof(text), "{\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0},\n%s}", fields);
	return text;
}

/* Why, without "config.json:". */
static void expect_refused(const struct oci_object *object, const char *text, const char *why)
{
	char expected[ERROR_TEXT_SIZE];

	snprintf(expected, sizeof(expected), "config.json:%s", why);
	ck_assert_int_eq(decode(object, text), -EINVAL);
	ck_assert_str_eq(err.text, expected);
}

static void expect_process_refused(const char *fields, const char *why)
{
	expect_refused(&oci_process_object, process_with(fields), why);
}

static void expect_config_refused(const char *text, const char *why)
{
	expect_refused(&oci_config_object, text, why);
}

static void expect_refused_with_hint(const char *fields, const char *why, const char *hint)
{
	expect_process_refused(fields, why);
	ck_assert_str_eq(err.hint, hint);
}

/* What is right */

TEST(reads_each_kind_of_value)
{
	const struct oci_process *process = expect_decoded(
		&oci_process_object,
		process_with("\"args\": [\"a\", \"\"], \"terminal\": true, \"oomScoreAdj\": -999,\n"
			     "\"consoleSize\": {\"height\": 24, \"width\": 80},\n"
			     "\"rlimits\": [{\"type\": \"RLIMIT_CORE\", \"soft\": 0,"
			     " \"hard\": 18446744073709551615}]"));

	ck_assert_str_eq(process->cwd, "/");
	ck_assert_uint_eq(process->args_len, 2);
	ck_assert_str_eq(process->args[0], "a");
	ck_assert_str_eq(process->args[1], "");
	ck_assert_ptr_null(process->args[2]);
	ck_assert(process->terminal);
	ck_assert(process->has_oom_score_adj);
	ck_assert_int_eq(process->oom_score_adj, -999);
	ck_assert_uint_eq(process->console_size->width, 80);
	ck_assert_uint_eq(process->rlimits_len, 1);
	ck_assert_uint_eq(process->rlimits[0].hard, UINT64_MAX);
	release();
}

TEST(reads_maps_in_the_order_of_the_file)
{
	const struct oci_linux *linux =
		expect_decoded(&oci_linux_object, "{\"sysctl\": {\"b\": \"1\", \"a\": \"\"},"
						  "\"timeOffsets\": {\"boottime\": {\"secs\": -5}},"
						  "\"netDevices\": {\"eth0\": {}}}");

	ck_assert_uint_eq(linux->sysctl_len, 2);
	ck_assert_str_eq(linux->sysctl[0].key, "b");
	ck_assert_str_eq(linux->sysctl[0].value, "1");
	ck_assert_str_eq(linux->sysctl[1].key, "a");
	ck_assert_str_eq(linux->sysctl[1].value, "");
	ck_assert_str_eq(linux->time_offsets[0].key, "boottime");
	ck_assert_int_eq(linux->time_offsets[0].value.secs, -5);
	ck_assert(!linux->time_offsets[0].value.has_nanosecs);
	ck_assert_str_eq(linux->net_devices[0].key, "eth0");
	ck_assert_ptr_null(linux->net_devices[0].value.name);
	release();
}

TEST(takes_null_for_absent)
{
	const struct oci_process *process = expect_decoded(
		&oci_process_object, process_with("\"args\": null, \"capabilities\": null,"
						  "\"oomScoreAdj\": null, \"terminal\": null,"
						  "\"apparmorProfile\": null, \"env\": []"));

	ck_assert_ptr_null(process->args);
	ck_assert_ptr_null(process->capabilities);
	ck_assert(!process->has_oom_score_adj);
	ck_assert(!process->terminal);
	ck_assert_ptr_null(process->apparmor_profile);
	ck_assert_ptr_nonnull(process->env);
	ck_assert_uint_eq(process->env_len, 0);
	ck_assert_ptr_null(process->env[0]);
	release();
}

TEST(keeps_arrays_together_however_long_they_grow)
{
	enum { COUNT = 1000 };
	static char fields[COUNT * 16];
	const struct oci_user *user;
	size_t used = (size_t)sprintf(fields, "{\"uid\":1,\"gid\":2,\"additionalGids\":[0");

	for (int i = 1; i < COUNT; i++)
		used += (size_t)sprintf(fields + used, ",%d", i);
	strcpy(fields + used, "]}");
	user = expect_decoded(&oci_user_object, fields);
	ck_assert_uint_eq(user->additional_gids_len, COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		ck_assert_uint_eq(user->additional_gids[i], i);
	release();
}

TEST(finds_a_key_given_twice_in_a_large_map)
{
	enum { COUNT = 1000 };
	static char text[COUNT * 16];
	size_t used = (size_t)sprintf(text, "{\"sysctl\":{\"k0\":\"\"");

	for (int i = 1; i < COUNT; i++)
		used += (size_t)sprintf(text + used, ",\n\"k%d\":\"\"", i);
	strcpy(text + used, "}}");
	ck_assert_uint_eq(((struct oci_linux *)expect_decoded(&oci_linux_object, text))->sysctl_len,
			  COUNT);
	strcpy(text + used, ",\n\"k7\":\"\"}}");
	expect_refused(&oci_linux_object, text, "1001:1: sysctl[\"k7\"]: the key is given twice");
	release();
}

TEST(reads_escapes_in_values_and_keys)
{
	const struct oci_root *root = expect_decoded(
		&oci_root_object,
		"{\"p\\u0061th\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\udc27\\\\\"}");

	ck_assert_str_eq(root->path, "\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7\\");
	release();
}

TEST(reads_the_ends_of_each_range)
{
	const struct oci_resources *resources =
		expect_decoded(&oci_resources_object,
			       "{\"memory\": {\"limit\": -9223372036854775808,"
			       "\"swap\": 9223372036854775807, \"disableOOMKiller\": false},"
			       "\"blockIO\": {\"weight\": 65535}, \"network\": {\"classID\": -0}}");
	const struct oci_user *user;

	ck_assert_int_eq(resources->memory->limit, INT64_MIN);
	ck_assert_int_eq(resources->memory->swap, INT64_MAX);
	ck_assert(resources->memory->has_disable_oom_killer);
	ck_assert(!resources->memory->has_use_hierarchy);
	ck_assert_uint_eq(resources->block_io->weight, UINT16_MAX);
	ck_assert(!resources->block_io->has_leaf_weight);
	ck_assert(resources->network->has_class_id);
	user = expect_decoded(&oci_user_object, "{\"uid\": 4294967294, \"gid\": 0}");
	ck_assert_uint_eq(user->uid, 4294967294);
	release();
}

TEST(counts_unknown_keys_and_skips_what_they_hold)
{
	expect_decoded(&oci_config_object,
		       "{\"ociVersion\": \"1.3.0\", \"windows\": {\"any\": [1.5e3]},\n"
		       "\"mounts\": [{\"destination\": \"/\"}, {\"destination\": \"/a\","
		       "\"typo\": {\"destination\": [null, {\"a\": 1, \"a\": \"\\u0000\"}]}}],\n"
		       "\"x-y\": true, \"x-y\": false}");
	ck_assert_uint_eq(decoded.unknown_keys, 3);
	ck_assert_str_eq(decoded.first_unknown, "mounts[1].typo");
	expect_decoded(&oci_root_object, "{\"path\": \"\"}");
	ck_assert_uint_eq(decoded.unknown_keys, 0);
	ck_assert_ptr_null(decoded.first_unknown);
	release();
}

/* What is wrong in the values */

TEST(says_what_it_expected_and_what_it_found)
{
	expect_process_refused("\"cwd2\": 0, \"terminal\": 1",
			       "2:24: terminal: expected true or false, found 1");
	expect_process_refused("\"args\": \"sh\"", "2:9: args: expected an array, found \"sh\"");
	expect_process_refused("\"args\": [ {} ]",
			       "2:11: args[0]: expected a string, found an object");
	expect_process_refused("\"env\": [\"A=1\",\n null]",
			       "3:2: env[1]: expected a string, found null");
	expect_process_refused("\"env\": [\n\t[]]",
			       "3:2: env[0]: expected a string, found an array");
	expect_process_refused("\"rlimits\": [true]",
			       "2:13: rlimits[0]: expected an object, found true");
	expect_process_refused("\"capabilities\": []",
			       "2:17: capabilities: expected an object, found an array");
	expect_process_refused("\"apparmorProfile\": false",
			       "2:20: apparmorProfile: expected a string, found false");
	expect_refused(&oci_linux_object, "{\"sysctl\": []}",
		       "1:12: sysctl: expected an object, found an array");
	expect_refused(&oci_linux_object, "{\"sysctl\": {\"a.b\": 1}}",
		       "1:20: sysctl[\"a.b\"]: expected a string, found 1");
	expect_refused(&oci_pressure_share_object, "{\"avg10\": [1]}",
		       "1:11: avg10: expected a number, found an array");
	expect_refused(&oci_memory_statistics_object, "{\"raw\": {\"anon\": -1}}",
		       "1:18: raw[\"anon\"]: expected an unsigned 64-bit number, found -1");
	expect_config_refused(" []", "1:2: expected an object, found an array");
	expect_config_refused("12", "1:1: expected an object, found 12");
	expect_config_refused("\n\"a\\\"\"", "2:1: expected an object, found \"a\\\"\"");
	release();
}

TEST(names_the_place_by_line_column_and_path)
{
	expect_config_refused("{\n"
			      "\t\"ociVersion\": \"1.3.0\",\r\n"
			      "\t\"process\": {\n"
			      "\t\t\"rlimits\": [\n"
			      "\t\t\t{\"type\": \"a\\\"b\", \"soft\": 1, \"hard\" : 2},\n"
			      "\t\t\t{\"type\": \"\xc3\xa9\", \"soft\"\t:  \"x\"}]}}",
			      "6:29: process.rlimits[1].soft: expected an unsigned 64-bit number, "
			      "found \"x\"");
	release();
}

TEST(refuses_numbers_that_do_not_fit)
{
	expect_process_refused("\"user2\": {}, \"consoleSize\": {\"height\": 4294967296}",
			       "2:40: consoleSize.height: expected an unsigned 32-bit number, "
			       "found 4294967296");
	expect_refused(&oci_user_object, "{\"uid\": -1}",
		       "1:9: uid: expected an id from 0 to 4294967294, found -1");
	expect_refused(&oci_user_object, "{\"uid\": 0, \"additionalGids\": [1, 4294967295]}",
		       "1:34: additionalGids[1]: expected an id from 0 to 4294967294, "
		       "found 4294967295");
	expect_refused(&oci_cpu_object, "{\"shares\": 18446744073709551616}",
		       "1:12: shares: expected an unsigned 64-bit number, "
		       "found 18446744073709551616");
	expect_refused(&oci_cpu_object, "{\"quota\": 9223372036854775808}",
		       "1:11: quota: expected a signed 64-bit number, found 9223372036854775808");
	expect_refused(&oci_cpu_object, "{\"quota\": -9223372036854775809}",
		       "1:11: quota: expected a signed 64-bit number, found -9223372036854775809");
	expect_refused(&oci_block_io_object, "{\"weight\": 65536}",
		       "1:12: weight: expected an unsigned 16-bit number, found 65536");
	expect_process_refused("\"oomScoreAdj\": 1.5",
			       "2:16: oomScoreAdj: expected a signed 32-bit number, found 1.5");
	expect_process_refused("\"oomScoreAdj\": 1E2",
			       "2:16: oomScoreAdj: expected a signed 32-bit number, found 1E2");
	release();
}

TEST(shortens_what_it_quotes)
{
	expect_process_refused("\"args\": \"0123456789012345678901234567890123456789\"",
			       "2:9: args: expected an array, "
			       "found \"0123456789012345678901234567890123456789\"");
	expect_process_refused("\"args\": \"012345678901234567890123456789012345678\xc3\xa9\"",
			       "2:9: args: expected an array, "
			       "found \"012345678901234567890123456789012345678...\"");
	release();
}

TEST(gives_a_hint_where_quotes_are_the_mistake)
{
	expect_refused_with_hint("\"oomScoreAdj\": \"-5\"",
				 "2:16: oomScoreAdj: expected a signed 32-bit number, found \"-5\"",
				 "remove the quotes");
	expect_refused_with_hint("\"terminal\": \"true\"",
				 "2:13: terminal: expected true or false, found \"true\"",
				 "remove the quotes");
	expect_refused_with_hint("\"env\": [5]", "2:9: env[0]: expected a string, found 5",
				 "put it in quotes");
	expect_refused_with_hint(
		"\"oomScoreAdj\": \"low\"",
		"2:16: oomScoreAdj: expected a signed 32-bit number, found \"low\"", "");
	release();
}

TEST(refuses_a_key_given_twice)
{
	expect_process_refused("\"terminal\": false,\n  \"terminal\": false",
			       "3:3: terminal: the key is given twice");
	expect_process_refused("\"args\": null, \"ar\\u0067s\": []",
			       "2:15: ar\\u0067s: the key is given twice");
	expect_config_refused("{\"annotations\": {\"a\": \"1\", \"b\": \"2\", \"a\": \"1\"}}",
			      "1:38: annotations[\"a\"]: the key is given twice");
	release();
}

TEST(refuses_an_empty_key_in_a_map)
{
	expect_config_refused("{\"annotations\": {\"\": \"1\"}}",
			      "1:18: annotations: a key is empty");
	release();
}

TEST(refuses_an_object_that_lacks_a_field)
{
	expect_config_refused("{}", "1:1: ociVersion is missing");
	expect_process_refused("\"rlimits\": [ {\"soft\": 1, \"hard\": 1}]",
			       "2:14: rlimits[0]: type is missing");
	expect_refused(&oci_process_object, "{\"cwd\": \"/\"}", "1:1: user is missing");
	expect_refused(&oci_process_object, "{\"user\": {\"uid\": 0}}",
		       "1:10: user: gid is missing");
	expect_config_refused("{\"ociVersion\": null}",
			      "1:16: ociVersion: expected a string, found null");
	release();
}

TEST(refuses_strings_that_c_cannot_hold)
{
	expect_process_refused("\"args\": [\"a\\u0000b\"]",
			       "2:10: args[0]: a string must not hold a NUL character");
	expect_process_refused("\"env\": [\"\\ud83d\"]",
			       "2:9: env[0]: a string must not hold half of a surrogate pair");
	expect_process_refused("\"env\": [\"\\ud83d\\u0041\"]",
			       "2:9: env[0]: a string must not hold half of a surrogate pair");
	expect_process_refused("\"env\": [\"\\udc27\"]",
			       "2:9: env[0]: a string must not hold half of a surrogate pair");
	release();
}

/* The source is looked through in words before its strings are. */
TEST(finds_a_wrong_byte_wherever_it_stands)
{
	for (size_t before = 0; before < 24; before++) {
		for (size_t after = 0; after < 24; after++) {
			char text[128];

			snprintf(text, sizeof(text), "{\"path\":\"%.*s\xff%.*s\"}", (int)before,
				 "abcdefghijklmnopqrstuvwxyz", (int)after,
				 "abcdefghijklmnopqrstuvwxyz");
			ck_assert_int_eq(decode(&oci_root_object, text), -EINVAL);
			ck_assert_ptr_nonnull(strstr(err.text, "the byte 0xff is not UTF-8"));
		}
	}
	release();
}

TEST(refuses_bytes_that_are_not_utf8)
{
	expect_process_refused("\"env\": [\"A=\xff\"]", "2:12: env[0]: the byte 0xff is not UTF-8");
	/* Overlong, a surrogate, cut off. */
	expect_process_refused("\"env\": [\"\xc0\x80\"]",
			       "2:10: env[0]: the byte 0xc0 is not UTF-8");
	expect_process_refused("\"env\": [\"\xed\xa0\x80\"]",
			       "2:10: env[0]: the byte 0xed is not UTF-8");
	expect_process_refused("\"env\": [\"\xf0\x9f\x90\"]",
			       "2:10: env[0]: the byte 0xf0 is not UTF-8");
	expect_process_refused("\"\xf5\": 1", "2:2: the byte 0xf5 is not UTF-8");
	expect_process_refused("\"unknown\": [\"\xf5\"]",
			       "2:14: unknown: the byte 0xf5 is not UTF-8");
	release();
}

/* What is wrong with the JSON */

TEST(refuses_what_is_not_json)
{
	expect_process_refused("\"args\": [\"a\" \"b\"]",
			       "2:14: args: expected a comma or ], found a string");
	expect_process_refused("\"args\" []", "2:8: args: expected a colon, found [");
	expect_process_refused("\"terminal\": True",
			       "2:13: terminal: expected a value, found True");
	expect_process_refused("\"terminal\": true \"env\": []",
			       "2:18: expected a comma or }, found a string");
	expect_process_refused("terminal: true", "2:1: expected a key, found terminal");
	expect_process_refused("\"args\": [}", "2:10: args: expected a value or ], found }");
	expect_config_refused("{,}", "1:2: expected a key or }, found ,");
	expect_config_refused("x", "1:1: expected a value, found x");
	expect_process_refused("\"args\": [\"a\nb\"]", "2:10: args: not valid JSON: "
						       "invalid character inside string");
	expect_process_refused("\"oomScoreAdj\": -",
			       "2:16: oomScoreAdj: not valid JSON: "
			       "malformed number, a digit is required after the minus sign");
	expect_process_refused("\"args\": [\x01]",
			       "2:10: args: expected a value or ], found the byte 0x01");
	release();
}

TEST(gives_a_hint_where_json_is_stricter_than_others)
{
	expect_refused_with_hint("\"args\": [\"a\",\n]", "3:1: args: expected a value, found ]",
				 "remove the comma before it");
	expect_refused_with_hint("\"args\": [],", "2:12: expected a key, found }",
				 "remove the comma before it");
	expect_refused_with_hint("\"args\": [], // none", "2:13: expected a key, found /",
				 "JSON has no comments");
	expect_refused_with_hint("\"args\": ['a']", "2:10: args: expected a value or ], found '",
				 "JSON's quotes are \"");
	expect_config_refused("\xef\xbb\xbf{}", "1:1: expected a value, found the byte 0xef");
	ck_assert_str_eq(err.hint, "save the file without a byte order mark");
	release();
}

TEST(refuses_a_file_that_ends_too_early)
{
	expect_config_refused("", "1:1: the file is empty");
	expect_config_refused(" \n", "1:1: the file is empty");
	expect_config_refused("{", "1:2: the file ends before it is complete");
	expect_config_refused("{\"process\": {\"args\": [\"a\",\n",
			      "2:1: process.args: the file ends before it is complete");
	expect_config_refused("{\"ociVersion\"",
			      "1:14: ociVersion: the file ends before it is complete");
	expect_config_refused("{\"ociVersion\": \"1.",
			      "1:19: ociVersion: the file ends before it is complete");
	expect_config_refused("{\"process\": {\"terminal\": tru",
			      "1:29: process.terminal: the file ends before it is complete");
	expect_refused(&oci_cpu_object, "{\"shares\": 5",
		       "1:13: the file ends before it is complete");
	release();
}

TEST(refuses_anything_behind_the_document)
{
	const char *why = "1:14: expected nothing more, found {";

	expect_refused(&oci_root_object, "{\"path\": \"/\"} {}",
		       "1:15: expected nothing more, found {");
	expect_refused(&oci_root_object, "{\"path\":\"/\"}\n12",
		       "2:1: expected nothing more, found 12");
	expect_refused(&oci_root_object, "{\"path\":\"/\"} {", why);
	expect_refused(&oci_root_object, "{\"path\":\"/\"},",
		       "1:13: expected nothing more, found ,");
	ck_assert_int_eq(decode_bytes(&oci_root_object, "{\"path\":\"/\"}\0", 13), -EINVAL);
	ck_assert_str_eq(err.text, "config.json:1:13: expected nothing more, found the byte 0x00");
	release();
}

TEST(refuses_what_is_nested_too_deep)
{
	char text[256] = "{\"path\": \"/\", \"unknown\": ";
	size_t used = strlen(text);

	memset(text + used, '[', 63);
	memset(text + used + 63, ']', 63);
	strcpy(text + used + 126, "}");
	expect_decoded(&oci_root_object, text);
	memset(text + used, '[', 64);
	expect_refused(&oci_root_object, text, "1:89: unknown: nested deeper than 64 levels");
	release();
}

TEST(says_when_the_arena_is_full)
{
	const char text[] = "{\"path\": \"/a/path/of/some/length\"}";
	const struct oci_source source = {"config.json", text, strlen(text), NULL};

	err = (struct error){0};
	ck_assert_int_eq(arena_open_private(&arena, &err), 0);
	for (size_t left = 16; left <= 48; left += 16) {
		arena.used = arena.size - left;
		ck_assert_int_eq(oci_decode(&oci_root_object, &source, &arena, &decoded, &err),
				 -ENOMEM);
	}
	release();
}

RUN_TESTS("decode", reads_each_kind_of_value, reads_maps_in_the_order_of_the_file,
	  takes_null_for_absent, keeps_arrays_together_however_long_they_grow,
	  finds_a_key_given_twice_in_a_large_map, reads_escapes_in_values_and_keys,
	  reads_the_ends_of_each_range, counts_unknown_keys_and_skips_what_they_hold,
	  says_what_it_expected_and_what_it_found, names_the_place_by_line_column_and_path,
	  refuses_numbers_that_do_not_fit, shortens_what_it_quotes,
	  gives_a_hint_where_quotes_are_the_mistake, refuses_a_key_given_twice,
	  refuses_an_empty_key_in_a_map, refuses_an_object_that_lacks_a_field,
	  refuses_strings_that_c_cannot_hold, finds_a_wrong_byte_wherever_it_stands,
	  refuses_bytes_that_are_not_utf8, refuses_what_is_not_json,
	  gives_a_hint_where_json_is_stricter_than_others, refuses_a_file_that_ends_too_early,
	  refuses_anything_behind_the_document, refuses_what_is_nested_too_deep,
	  says_when_the_arena_is_full)
