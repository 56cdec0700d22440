/*
 * Options by table: what is parsed and what --help shows comes from the same rows.
 *
 *	--name VALUE    --name=VALUE    -name VALUE    -n VALUE    --switch    --switch=false
 *
 * A long name may have one dash, as in Go's programs, whose callers are used to it; so letters
 * cannot be put together behind one dash.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "basic/error.h"
#include "basic/text-list.h"

enum option_kind {
	OPTION_SWITCH,	/* a bool */
	OPTION_TEXT,	/* a const char * */
	OPTION_LIST,	/* a struct text_list: given several times, it has several values */
	OPTION_NUMBER,	/* an unsigned int */
	OPTION_IGNORED, /* accepted, as other runtimes know it; of no effect */
};

struct option {
	const char *name;     /* without dashes; NULL in the last row */
	char letter;	      /* or 0 */
	const char *argument; /* what help calls its value; NULL: it has none */
	const char *help;
	enum option_kind kind;
	size_t offset; /* of the member in the struct that is filled in */
};

/* For rows: OPTION_INTO(TEXT, struct choices, bundle); the types are compared by the compiler. */
#define OPTION_SWITCH_TYPE bool
#define OPTION_TEXT_TYPE   const char *
#define OPTION_LIST_TYPE   struct text_list
#define OPTION_NUMBER_TYPE unsigned int
#define OPTION_INTO(what, type, member)    \
	.kind = OPTION_##what,             \
	.offset = offsetof(type, member) + \
		  0 * sizeof(&((type *)0)->member == (OPTION_##what##_TYPE *)0)

/* What stands on the command line and is not dealt with yet. */
struct words {
	char **items;
	int count;
};

enum options_place {
	OPTIONS_FIRST,	  /* they end at the first word that is none */
	OPTIONS_ANYWHERE, /* they stand before, between and behind other words */
};

/*
 * Takes the options out of words and puts their values into the struct at values; what remains are
 * the other words, in their order.  "--" ends the options.  tables ends with NULL.
 */
int options_parse(const struct option *const tables[], struct words *words,
		  enum options_place place, void *values, struct error *err);

/* Gives back what options_parse() took for lists. */
void options_release(const struct option *const tables[], void *values);

/* Writes a line for each option, as part of a help text. */
void options_print(const struct option *const tables[], FILE *out);
