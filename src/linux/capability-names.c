/*
 * The names of capabilities(7).  They are libcap's, as the build machine has it: scripts/capability-names writes them
 * down.
 */
#include "linux/capability-names.h"

#include <stdio.h>
#include <string.h>

static const char prefix[] = "CAP_";

int capability_number(const char *name)
{
	const size_t common = sizeof(prefix) - 1;

	if (strncmp(name, prefix, common) != 0)
		return -1;
	name += common;
	for (int number = 0; *capability_names[number]; number++) {
		const char *known = capability_names[number] + common;

		/* Hundreds are compared: most differ here. */
		if (known[0] == name[0] && known[1] == name[1] && strcmp(known, name) == 0)
			return number;
	}
	return -1;
}

void capability_name(int number, char *text, size_t size)
{
	int known = 0;

	while (known != number && *capability_names[known])
		known++;
	if (*capability_names[known])
		snprintf(text, size, "%s", capability_names[known]);
	else
		snprintf(text, size, "CAP_%d", number);
}
