#include "basic/users.h"

#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>

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

/* It always has this inode number, PROC_USER_INIT_INO in the kernel. */
bool in_first_user_namespace(void)
{
	struct stat status;

	return stat("/proc/self/ns/user", &status) == 0 && status.st_ino == 0xeffffffd;
}

bool is_plain_user(uid_t uid)
{
	return uid != 0 || !in_first_user_namespace();
}
