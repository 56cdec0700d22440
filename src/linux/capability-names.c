#include "linux/capability-names.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>

int capability_number(const char *name)
{
	cap_value_t number;

	/* libcap also takes small letters, and numbers. */
	if (strncmp(name, "CAP_", 4) != 0)
		return -1;
	for (const char *c = name; *c; c++)
		if (islower((unsigned char)*c))
			return -1;
	return cap_from_name(name, &number) == 0 ? number : -1;
}

void capability_name(int number, char *text, size_t size)
{
	char *name = number < CAP_LAST_CAP + 1 ? cap_to_name(number) : NULL;

	if (name)
		snprintf(text, size, "%s", name);
	else
		snprintf(text, size, "CAP_%d", number);
	for (char *c = text; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	cap_free(name);
}
