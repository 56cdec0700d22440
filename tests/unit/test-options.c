#include <errno.h>
#include <string.h>

#include "cli/options.h"
#include "unit.h"

struct values {
	bool all, keep;
	const char *bundle;
	unsigned int count;
	struct text_list env;
};

static const struct option some_options[] = {
	{"all", 'a', NULL, "take all", OPTION_INTO(SWITCH, struct values, all)},
	{"bundle", 'b', "DIR", "take it from there", OPTION_INTO(TEXT, struct values, bundle)},
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

static const struct option more_options[] = {
	{"count", 0, "N", "so many", OPTION_INTO(NUMBER, struct values, count)},
	{"env", 'e', "NAME", "add it", OPTION_INTO(LIST, struct values, env)},
	{"keep", 'k', NULL, "keep it", OPTION_INTO(SWITCH, struct values, keep)},
	{"old", 0, "VALUE", "of no effect", OPTION_IGNORED, 0},
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

static const struct option *const tables[] = {some_options, more_options, NULL};

/* Parses a line of words; returns what options_parse() does, and what remains in rest. */
static int parse(const char *line, enum options_place place, struct values *values, char *rest,
		 struct error *err)
{
	static char text[256];
	static char *items[32];
	struct words words = {items, 0};
	int r;

	strcpy(text, line);
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		items[words.count++] = word;
	r = options_parse(tables, &words, place, values, err);
	*rest = '\0';
	for (int i = 0; i < words.count; i++) {
		strcat(rest, i ? " " : "");
		strcat(rest, items[i]);
	}
	return r;
}

static struct values expect(const char *line, enum options_place place, const char *expected)
{
	struct values values = {0};
	struct error err = {0};
	char rest[256];

	ck_assert_int_eq(parse(line, place, &values, rest, &err), 0);
	ck_assert_str_eq(rest, expected);
	return values;
}

static void expect_error(const char *line, const char *text, const char *hint)
{
	struct values values = {0};
	struct error err = {0};
	char rest[256];

	ck_assert_int_eq(parse(line, OPTIONS_ANYWHERE, &values, rest, &err), -EINVAL);
	ck_assert_str_eq(err.text, text);
	ck_assert_str_eq(err.hint, hint);
}

TEST(takes_a_value_from_the_next_word_or_behind_an_equals_sign)
{
	ck_assert_str_eq(expect("--bundle /b", OPTIONS_ANYWHERE, "").bundle, "/b");
	ck_assert_str_eq(expect("--bundle=/b=c", OPTIONS_ANYWHERE, "").bundle, "/b=c");
	ck_assert_str_eq(expect("--bundle=", OPTIONS_ANYWHERE, "").bundle, "");
	ck_assert_str_eq(expect("--bundle -", OPTIONS_ANYWHERE, "").bundle, "-");
	ck_assert_uint_eq(expect("--count 12", OPTIONS_ANYWHERE, "").count, 12);
}

TEST(takes_letters_and_long_names_with_one_dash)
{
	ck_assert_str_eq(expect("-b /b", OPTIONS_ANYWHERE, "").bundle, "/b");
	ck_assert_str_eq(expect("-b=/b", OPTIONS_ANYWHERE, "").bundle, "/b");
	ck_assert_str_eq(expect("-bundle /b", OPTIONS_ANYWHERE, "").bundle, "/b");
	ck_assert(expect("-all", OPTIONS_ANYWHERE, "").all);
	ck_assert(expect("-a -k", OPTIONS_ANYWHERE, "").keep);
}

TEST(turns_switches_on_and_off)
{
	ck_assert(expect("--all=true", OPTIONS_ANYWHERE, "").all);
	ck_assert(!expect("--all --all=false", OPTIONS_ANYWHERE, "").all);
	expect_error("--all=maybe", "--all is on or off, \"maybe\" is neither", "");
}

TEST(finds_options_between_other_words)
{
	ck_assert(expect("web --all 9 -k", OPTIONS_ANYWHERE, "web 9").keep);
	expect("a - b", OPTIONS_ANYWHERE, "a - b");
}

TEST(leaves_the_options_behind_the_first_other_word_to_it)
{
	ck_assert(!expect("--all create --keep", OPTIONS_FIRST, "create --keep").keep);
}

TEST(ends_the_options_at_two_dashes)
{
	ck_assert(!expect("--keep -- --all -- -x", OPTIONS_ANYWHERE, "--all -- -x").all);
}

TEST(ignores_what_other_runtimes_know)
{
	expect("--old=true --old x y", OPTIONS_ANYWHERE, "y");
}

TEST(asks_for_a_missing_value_in_words_that_engines_know)
{
	expect_error("x --bundle", "flag needs an argument: --bundle", "");
	expect_error("-b", "flag needs an argument: --bundle", "");
}

TEST(refuses_an_unknown_option_and_guesses_what_was_meant)
{
	expect_error("--bndle /b", "unknown option --bndle", "did you mean --bundle?");
	expect_error("--bund /b", "unknown option --bund", "did you mean --bundle?");
	expect_error("-al", "unknown option -al", "did you mean --all?");
	expect_error("--a", "unknown option --a", "--help shows the options there are");
	expect_error("--nothing-like-it=1", "unknown option --nothing-like-it",
		     "--help shows the options there are");
}

TEST(refuses_what_is_no_number)
{
	expect_error("--count -1", "--count: \"-1\" is no number from 0 to 2147483647", "");
	expect_error("--count=", "--count: \"\" is no number from 0 to 2147483647", "");
	expect_error("--count 1x", "--count: \"1x\" is no number from 0 to 2147483647", "");
	expect_error("--count 2147483648",
		     "--count: \"2147483648\" is no number from 0 to 2147483647", "");
	expect_error("--count 99999999999999999999",
		     "--count: \"99999999999999999999\" is no number from 0 to 2147483647", "");
}

TEST(shows_a_line_for_each_option)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	options_print(tables, out);
	fclose(out);
	ck_assert_str_eq(text, "  -a, --all                   take all\n"
			       "  -b, --bundle DIR            take it from there\n"
			       "      --count N               so many\n"
			       "  -e, --env NAME              add it\n"
			       "  -k, --keep                  keep it\n"
			       "      --old VALUE             of no effect\n");
	free(text);
}

TEST(takes_all_values_of_one_that_is_repeated)
{
	struct values values = {0};
	struct error err = {0};
	char rest[256];

	ck_assert_int_eq(parse("-e A --env=B x -env C", OPTIONS_ANYWHERE, &values, rest, &err), 0);
	ck_assert_uint_eq(values.env.count, 3);
	ck_assert_str_eq(values.env.items[0], "A");
	ck_assert_str_eq(values.env.items[1], "B");
	ck_assert_str_eq(values.env.items[2], "C");
	options_release(tables, &values);
	ck_assert_uint_eq(values.env.count, 0);
	ck_assert_int_lt(parse("--env", OPTIONS_ANYWHERE, &values, rest, &err), 0);
	ck_assert_str_eq(err.text, "flag needs an argument: --env");
	options_release(tables, &values);
}

RUN_TESTS("options", takes_all_values_of_one_that_is_repeated,
	  takes_a_value_from_the_next_word_or_behind_an_equals_sign,
	  takes_letters_and_long_names_with_one_dash, turns_switches_on_and_off,
	  finds_options_between_other_words, leaves_the_options_behind_the_first_other_word_to_it,
	  ends_the_options_at_two_dashes, ignores_what_other_runtimes_know,
	  asks_for_a_missing_value_in_words_that_engines_know,
	  refuses_an_unknown_option_and_guesses_what_was_meant, refuses_what_is_no_number,
	  shows_a_line_for_each_option)
