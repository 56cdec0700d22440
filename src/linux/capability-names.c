/*
 * The names of capabilities(7).  They are libcap's, as the build machine has it: scripts/capability-names writes them
 * down.
 */
#include "linux/capability-names.h"

#include <stdio.h>
#include <string.h>

static const char *next(const char *name)
{
	return name + strlen(name) + 1;
}

int capability_number(const char *name)
{
	int number = 0;

	for (const char *known = capability_names; *known; known = next(known), number++)
		if (strcmp(known, name) == 0)
			return number;
	return -1;
}

void capability_name(int number, char *text, size_t size)
{
	const char *name = capability_names;

	for (int i = 0; i != number && *name; i++)
		name = next(name);
	if (*name)
		snprintf(text, size, "%s", name);
	else
		snprintf(text, size, "CAP_%d", number);
}
