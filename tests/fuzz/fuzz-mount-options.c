/*
 * mounts[].options: a line for the destination, one for the type, and one for each option.  For the words that
 * set and clear one bit, what comes out is compared with what the last word of each pair says.
 */
#include <errno.h>
#include <string.h>

#include "basic/syscalls.h"
#include "fuzz.h"
#include "linux/mount-options.h"
#include "linux/mounts.h"

enum {
	MOST_WORDS = 24,
	BITS = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
	       MOUNT_ATTR_NOSYMFOLLOW | MOUNT_ATTR_NODIRATIME,
};

static const struct {
	const char *set, *clear; /* with an "r" before it for all mounts below */
	uint64_t bit;
} pairs[] = {
	{"ro", "rw", MOUNT_ATTR_RDONLY},
	{"nosuid", "suid", MOUNT_ATTR_NOSUID},
	{"nodev", "dev", MOUNT_ATTR_NODEV},
	{"noexec", "exec", MOUNT_ATTR_NOEXEC},
	{"nosymfollow", "symfollow", MOUNT_ATTR_NOSYMFOLLOW},
	{"nodiratime", "diratime", MOUNT_ATTR_NODIRATIME},
};

/* Which words count. */
enum scope { OWN, BELOW, BOTH };

/* Whether a word is this one, in the form that is for all mounts, or the other. */
static bool is_word(const char *word, const char *expected, bool recursive)
{
	return (!recursive || *word == 'r') && word[recursive] == *expected &&
	       strcmp(word + recursive, expected) == 0;
}

/* What the last of the words says of pair's bit: 1, 0, or -1 for nothing.  One for all mounts ends what was
 * said of the mount itself. */
static int last_word(const struct oci_mount *mount, size_t pair, enum scope scope)
{
	int says = -1;

	for (size_t i = 0; i < mount->options_len; i++)
		for (int form = 0; form < 4; form++) {
			bool on = form & 1, recursive = form & 2;

			if (!is_word(mount->options[i], on ? pairs[pair].set : pairs[pair].clear,
				     recursive))
				continue;
			if (scope == BOTH || recursive == (scope == BELOW))
				says = on;
			else if (scope == OWN)
				says = -1;
		}
	return says;
}

/* Compares the single bits. */
static void expect_last(const struct oci_mount *mount, enum scope scope, uint64_t set,
			uint64_t clear)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		int says = last_word(mount, i, scope);

		EXPECT(!(set & pairs[i].bit) == (says != 1));
		EXPECT(!(clear & pairs[i].bit) == (says != 0));
	}
}

/* No bit is both set and cleared, but for the times: those are a number, which is cleared as a whole. */
static void expect_sound(uint64_t set, uint64_t clear)
{
	uint64_t times = MOUNT_ATTR__ATIME;

	EXPECT((set & clear & ~times) == 0);
	EXPECT(((set | clear) & ~(BITS | times)) == 0);
	EXPECT((clear & times) == 0 || (clear & times) == times);
	EXPECT((set & times) == 0 || (clear & times) == times);
	EXPECT((set & times) != times);
}

static bool is_option(const char *word)
{
	const char *known;

	for (size_t i = 0; (known = mount_option_word(i)); i++)
		if (*known == *word && strcmp(known, word) == 0)
			return true;
	return strncmp(word, "idmap=", 6) == 0 || strncmp(word, "ridmap=", 7) == 0;
}

/* How many parameters of the file system there are, if nothing protects a comma. */
static void expect_data(const struct oci_mount *mount, const struct mount_options *options)
{
	size_t count = 0;

	for (size_t i = 0; i < mount->options_len; i++) {
		const char *word = mount->options[i];

		if (strpbrk(word, "\"\\"))
			return;
		for (const char *c = word; !is_option(word) && *c; c++)
			count += *c != ',' && (c == word || c[-1] == ',');
	}
	EXPECT(options->data_len == count);
}

static void expect_flags(const struct mount_options *options)
{
	for (size_t i = 0; i < options->flags_len; i++) {
		EXPECT(is_option(options->flags[i]));
		for (size_t j = 0; j < i; j++)
			EXPECT(strcmp(options->flags[i], options->flags[j]) != 0);
	}
}

static int attempt(struct input input, struct arena *arena, struct error *err)
{
	const char *words[MOST_WORDS + 1] = {NULL};
	const char *destination = input_text(&input, '\n', arena);
	struct oci_mount mount = {.destination = destination ? destination : "/data",
				  .type = input_text(&input, '\n', arena),
				  .options = words};
	struct mount_options options, checked;
	int unchecked, r;

	while (mount.options_len < MOST_WORDS && input.size)
		words[mount.options_len++] = input_text(&input, '\n', arena);
	if (arena_refused())
		return arena_full(arena, err);
	unchecked = mount_options_parse(&mount, NULL, &checked, err);
	r = mount_options_parse(&mount, arena, &options, err);
	EXPECT(r == unchecked || err->code == ENOMEM);
	if (r < 0)
		return r;
	EXPECT(options.set == checked.set && options.clear == checked.clear);
	EXPECT(options.rec_set == checked.rec_set && options.rec_clear == checked.rec_clear);
	EXPECT(options.propagation_len <= sizeof(options.propagation) / sizeof(uint64_t));
	expect_sound(options.set, options.clear);
	expect_sound(options.rec_set, options.rec_clear);
	expect_flags(&options);
	if (mount.options_len) {
		expect_last(&mount, OWN, options.set, options.clear);
		expect_last(&mount, BELOW, options.rec_set, options.rec_clear);
		expect_data(&mount, &options);
	}
	mount_fold_recursive(&options);
	expect_sound(options.set, options.clear);
	EXPECT(options.rec_set == 0 && options.rec_clear == 0);
	if (mount.options_len)
		expect_last(&mount, BOTH, options.set, options.clear);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_with_arena(attempt, data, size);
	return 0;
}
