/* Lists such as "0-3,7", see number-list.h; for the runtime, before anything is made. */
#include "basic/number-list.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* Takes a number and the blanks around it off the front of *text; one that reaches limit is limit. */
static bool take_number(const char **text, size_t limit, size_t *number)
{
	const char *digit = *text + strspn(*text, " ");

	if (!isdigit((unsigned char)*digit))
		return false;
	for (*number = 0; isdigit((unsigned char)*digit); digit++) {
		*number = *number * 10 + (size_t)(*digit - '0');
		if (*number > limit)
			*number = limit;
	}
	*text = digit + strspn(digit, " ");
	return true;
}

/* Takes "7" or "0-3" off the front of *text. */
static bool take_range(const char **text, size_t limit, size_t *first, size_t *last)
{
	if (!take_number(text, limit, first))
		return false;
	*last = *first;
	if (**text == '-') {
		++*text;
		if (!take_number(text, limit, last))
			return false;
	}
	return **text == ',' || **text == '\0';
}

int number_list_parse(const char *list, size_t limit, unsigned long *bits, struct error *err)
{
	const char *rest = list + strspn(list, " ,");
	int count = 0;

	for (; *rest; rest += strspn(rest, " ,")) {
		size_t first, last;

		if (!take_range(&rest, limit, &first, &last)) {
			error_config(err, "\"%s\" is not a list of numbers", list);
			return error_hint(err, "write one like \"0-3,7\"");
		}
		if (last >= limit)
			return error_config(err, "\"%s\": the largest number is %zu", list,
					    limit - 1);
		if (last < first)
			return error_config(err, "\"%s\": %zu-%zu ends before it begins", list,
					    first, last);
		for (size_t i = first; bits && i <= last; i++)
			bits[i / NUMBER_LIST_WORD] |= 1UL << i % NUMBER_LIST_WORD;
		count++;
	}
	return count;
}
