/*
 * annotations: a line "KEY=VALUE" for each.  They are validated by all who read some of them, and a filter in
 * base64 among them is decoded and encoded again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/base64.h"
#include "fuzz.h"
#include "libocispec/json-string.h"
#include "linux/annotations.h"
#include "linux/hook-state.h"
#include "linux/seccomp-raw.h"
#include "linux/section.h"

enum { MOST = 32 };

static int read_pairs(struct input *input, struct arena *arena, struct oci_config *config,
		      struct error *err)
{
	while (input->size && config->annotations_len < MOST) {
		char *line = (char *)input_text(input, '\n', arena);
		char *equals = line ? strchr(line, '=') : NULL;
		bool bad = line && json_bad_utf8(line, strlen(line));
		struct oci_pair *pair = &config->annotations[config->annotations_len];

		if (!line)
			return arena_full(arena, err);
		*pair = (struct oci_pair){line, equals ? equals + 1 : ""};
		if (equals)
			*equals = '\0';
		/* The decoder lets no key be given twice, and nothing that is no UTF-8. */
		if (!bad && !annotation_find(config, line))
			config->annotations_len++;
	}
	return 0;
}

static void expect_lookups(const struct oci_config *config)
{
	for (size_t i = 0; i < config->annotations_len; i++) {
		const struct oci_pair *pair = &config->annotations[i];

		EXPECT(annotation_find(config, pair->key) == pair->value);
		EXPECT(annotation_is_set(config, pair->key) == (strcmp(pair->value, "0") != 0));
	}
	EXPECT(!annotation_find(config, "no\nkey"));
}

/* The text of bytes. */
static void encode(const unsigned char *bytes, size_t length, char *text)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < length; i += 3) {
		uint32_t group = (uint32_t)bytes[i] << 16;

		group |= i + 1 < length ? (uint32_t)bytes[i + 1] << 8 : 0;
		group |= i + 2 < length ? bytes[i + 2] : 0;
		for (int j = 0; j < 4; j++)
			*text++ =
				i + (size_t)j <= length ? letters[group >> (18 - 6 * j) & 63] : '=';
	}
	*text = '\0';
}

/* What was decoded is the same text again, but for bits that its last letter has too many. */
static int check_base64(const char *text, struct arena *arena, struct error *err)
{
	size_t length = strlen(text), room = base64_room(text);
	unsigned char *bytes = arena_alloc(arena, room), *twice = arena_alloc(arena, room);
	char *again = arena_alloc(arena, length + 5);
	ssize_t count, second;

	if (!bytes || !twice || !again)
		return arena_full(arena, err);
	count = base64_decode(text, bytes);
	if (count < 0)
		return 0;
	encode(bytes, (size_t)count, again);
	EXPECT(strlen(again) == length);
	EXPECT(length < 4 || strncmp(again, text, length - 4) == 0);
	second = base64_decode(again, twice);
	EXPECT(second == count && memcmp(bytes, twice, (size_t)count) == 0);
	return 0;
}

static int check_raw(const struct oci_config *config, struct arena *arena, struct error *err)
{
	struct container container = {.config = config, .arena = arena};
	const char *raw = annotation_find(config, SECCOMP_RAW_ANNOTATION);
	int r = raw ? check_base64(raw, arena, err) : 0;

	if (raw && r == 0)
		r = seccomp_raw(&container, raw, err);
	if (raw && r == 0)
		EXPECT(container.seccomp.filter_len > 0 &&
		       container.seccomp.filter_len <= BPF_MAXINSNS);
	return r;
}

/* Hooks are told of the annotations: the state ends in the pid, whatever these are. */
static int check_state(const struct oci_config *config, struct arena *arena, struct error *err)
{
	struct container container = {
		.config = config, .arena = arena, .id = "fuzz", .bundle = "/", .init_pid = 7};
	const char *end = ",\"status\":\"running\",\"pid\":7}", *state;
	void *value;
	int r = hook_state_prepare(&container, err);

	if (r < 0)
		return r;
	state = hook_state(&container, "running");
	EXPECT(strcmp(state + strlen(state) - strlen(end), end) == 0);
	r = fuzz_decode(&oci_state_object, (struct input){(const uint8_t *)state, strlen(state)},
			arena, &value, err);
	EXPECT(r == 0 || r == -ENOMEM);
	return r;
}

static int attempt(struct input input, struct arena *arena, struct error *err)
{
	struct oci_pair pairs[MOST];
	struct oci_config config = {.oci_version = "1.2.0", .annotations = pairs};
	int r = read_pairs(&input, arena, &config, err);

	if (r == 0) {
		expect_lookups(&config);
		r = section_annotations.validate(&config, err);
	}
	if (r == 0)
		r = section_hooks.validate(&config, err);
	if (r == 0)
		r = check_raw(&config, arena, err);
	return r == 0 ? check_state(&config, arena, err) : r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_with_arena(attempt, data, size);
	return 0;
}
