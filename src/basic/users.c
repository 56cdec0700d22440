#include "basic/users.h"

#include <pwd.h>
#include <stdio.h>

void user_name(uid_t uid, char *name, size_t size)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *entry;

	name[0] = '\0';
	while (file && (entry = fgetpwent(file))) {
		if (entry->pw_uid != uid)
			continue;
		if (snprintf(name, size, "%s", entry->pw_name) >= (int)size)
			name[0] = '\0';
		break;
	}
	if (file)
		fclose(file);
}
