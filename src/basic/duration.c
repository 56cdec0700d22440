/*
 * Lengths of time on the command line: see duration.h.
 *
 *	https://pkg.go.dev/time#ParseDuration
 */
#include "basic/duration.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const struct unit {
	const char *name;
	uint64_t nanoseconds;
} units[] = {
	/* The longer of two names with the same beginning comes first. */
	{"ns", 1},
	{"us", 1000},
	{"\xc2\xb5s", 1000}, /* the micro sign */
	{"ms", 1000000},
	{"s", 1000000000},
	{"m", UINT64_C(60) * 1000000000},
	{"h", UINT64_C(3600) * 1000000000},
};

static const uint64_t most = INT64_MAX;

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* value * factor / divisor, added to *sum; false if that is too much. */
static bool add(uint64_t *sum, uint64_t value, uint64_t factor, uint64_t divisor)
{
	uint64_t product;

	if (__builtin_mul_overflow(value, factor, &product) ||
	    __builtin_add_overflow(*sum, product / divisor, sum))
		return false;
	return *sum <= most;
}

/* Takes digits off the text; what is behind the ninth of a fraction is too small to count. */
static bool take_digits(const char **text, uint64_t *value, uint64_t *divisor)
{
	for (*value = 0, *divisor = 1; is_digit(**text); (*text)++) {
		if (*divisor > 100000000)
			continue;
		if (*value > most / 10)
			return false;
		*value = *value * 10 + (uint64_t)(**text - '0');
		*divisor *= 10;
	}
	return true;
}

static const struct unit *take_unit(const char **text)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t length = strlen(units[i].name);

		if (strncmp(*text, units[i].name, length) == 0) {
			*text += length;
			return &units[i];
		}
	}
	return NULL;
}

/* Takes "1.5s" off the text. */
static bool take_part(const char **text, uint64_t *sum)
{
	uint64_t whole = 0, fraction = 0, divisor = 1;
	const char *begin = *text;
	const struct unit *unit;

	for (; is_digit(**text); (*text)++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, (uint64_t)(**text - '0'), &whole))
			return false;
	if (*text == begin && !is_digit((*text)[**text == '.']))
		return false;
	if (**text == '.') {
		(*text)++;
		if (!take_digits(text, &fraction, &divisor))
			return false;
	}
	unit = take_unit(text);
	return unit && add(sum, whole, unit->nanoseconds, 1) &&
	       add(sum, fraction, unit->nanoseconds, divisor);
}

int duration_parse(const char *text, uint64_t *nanoseconds, struct error *err)
{
	const char *rest = text;

	*nanoseconds = 0;
	do
		if (!take_part(&rest, nanoseconds)) {
			error_config(err, "\"%s\" is no length of time", text);
			return error_hint(err, "it is written as in 5s, 500ms or 1m30s");
		}
	while (*rest);
	if (*nanoseconds == 0)
		return error_config(err, "\"%s\" is not above 0", text);
	return 0;
}
