/*
 * getopt_long(3) is not used: its errors go to stderr by themselves, past the log that engines
 * read, and what it takes for an option depends on the environment.
 */
#include "cli/options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/similar.h"

/* A word that is an option, taken apart: "--name=value". */
struct taken {
	char name[64];
	const char *value; /* behind "=", or NULL */
	bool one_dash;
};

static void take_apart(const char *word, struct taken *taken)
{
	const char *name = word + (word[1] == '-' ? 2 : 1);
	const char *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);

	snprintf(taken->name, sizeof(taken->name), "%.*s", (int)(length & INT_MAX), name);
	taken->value = equals ? equals + 1 : NULL;
	taken->one_dash = word[1] != '-';
}

static bool is_meant(const struct option *option, const struct taken *taken)
{
	if (strcmp(option->name, taken->name) == 0)
		return true;
	return taken->one_dash && option->letter && taken->name[0] == option->letter &&
	       taken->name[1] == '\0';
}

static const struct option *find_option(const struct option *const tables[],
					const struct taken *taken)
{
	for (size_t i = 0; tables[i]; i++)
		for (const struct option *row = tables[i]; row->name; row++)
			if (is_meant(row, taken))
				return row;
	return NULL;
}

static int unknown_option(const struct option *const tables[], const struct taken *taken,
			  struct error *err)
{
	const char *dashes = taken->one_dash ? "-" : "--";

	error_config(err, "unknown option %s%s", dashes, taken->name);
	for (size_t i = 0; tables[i]; i++)
		for (const struct option *row = tables[i]; row->name; row++)
			if (similar(taken->name, row->name))
				return error_hint(err, "did you mean --%s?", row->name);
	return error_hint(err, "--help shows the options there are");
}

static int set_switch(bool *target, const struct option *option, const char *value,
		      struct error *err)
{
	if (!value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0)
		*target = true;
	else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
		*target = false;
	else
		return error_config(err, "--%s is on or off, \"%s\" is neither", option->name,
				    value);
	return 0;
}

static int set_number(unsigned int *target, const struct option *option, const char *value,
		      struct error *err)
{
	unsigned long number = 0;
	char *end = NULL;

	/* strtoul() would take a sign and spaces. */
	if (*value >= '0' && *value <= '9')
		number = strtoul(value, &end, 10);
	if (!end || *end || number > INT_MAX)
		return error_config(err, "--%s: \"%s\" is no number from 0 to %d", option->name,
				    value, INT_MAX);
	*target = (unsigned int)number;
	return 0;
}

static int set_value(const struct option *option, const char *value, void *values,
		     struct error *err)
{
	void *target = (char *)values + option->offset;

	switch (option->kind) {
	case OPTION_SWITCH:
		return set_switch(target, option, value, err);
	case OPTION_NUMBER:
		return set_number(target, option, value, err);
	case OPTION_TEXT:
		*(const char **)target = value;
		return 0;
	case OPTION_LIST:
		return text_list_add(target, value)
			       ? 0
			       : error_errno(err, ENOMEM, "--%s", option->name);
	case OPTION_IGNORED:
		break;
	}
	return 0;
}

/* Deals with the option at *index, and moves that on if the next word is its value. */
static int parse_option(const struct option *const tables[], const struct words *words, int *index,
			void *values, struct error *err)
{
	const struct option *option;
	struct taken taken = {0};

	take_apart(words->items[*index], &taken);
	option = find_option(tables, &taken);
	if (!option)
		return unknown_option(tables, &taken, err);
	if (option->argument && !taken.value) {
		/* Podman asks what a runtime can do by leaving a value out, and looks for this. */
		if (*index + 1 >= words->count)
			return error_config(err, "flag needs an argument: --%s", option->name);
		taken.value = words->items[++*index];
	}
	return set_value(option, taken.value, values, err);
}

int options_parse(const struct option *const tables[], struct words *words,
		  enum options_place place, void *values, struct error *err)
{
	bool ended = false;
	int kept = 0, r;

	for (int i = 0; i < words->count; i++) {
		char *word = words->items[i];

		if (!ended && strcmp(word, "--") == 0) {
			ended = true;
		} else if (!ended && word[0] == '-' && word[1]) {
			r = parse_option(tables, words, &i, values, err);
			if (r < 0)
				return r;
		} else {
			words->items[kept++] = word;
			ended = ended || place == OPTIONS_FIRST;
		}
	}
	words->count = kept;
	return 0;
}

void options_release(const struct option *const tables[], void *values)
{
	for (size_t i = 0; tables[i]; i++)
		for (const struct option *row = tables[i]; row->name; row++)
			if (row->kind == OPTION_LIST)
				text_list_release((void *)((char *)values + row->offset));
}

void options_print(const struct option *const tables[], FILE *out)
{
	enum { COLUMN = 30 };

	for (size_t i = 0; tables[i]; i++) {
		for (const struct option *row = tables[i]; row->name; row++) {
			char letter[] = {'-', row->letter, ',', '\0'};
			int width;

			width = fprintf(out, "  %3s --%s%s%s", row->letter ? letter : "", row->name,
					row->argument ? " " : "",
					row->argument ? row->argument : "");
			fprintf(out, "%*s%s\n", width < COLUMN ? COLUMN - width : 1, "", row->help);
		}
	}
}
