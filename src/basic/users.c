#include "basic/users.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/cleanup.h"
#include "basic/large.h"
#include "basic/lines.h"
#include "basic/procfs.h"

/* Its inode: PROC_USER_INIT_INO in the kernel. */
enum { FIRST_USER_NAMESPACE = 0xeffffffd };

/* Steps over a number and the colon behind it; false when there is none, or none that a uid could be. */
static bool take_id(const char **text, unsigned long *id)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	*id = strtoul(*text, &end, 10);
	*text = end + 1;
	return *end == ':' && *id <= UINT32_MAX;
}

/* Whether a line of passwd(5), "name:password:uid:gid:...", is this user's; its name is then *length long. */
static bool is_users(const char *line, uid_t uid, size_t *length)
{
	const char *password, *ids;
	unsigned long user, group;

	*length = strcspn(line, ":");
	password = line + *length;
	ids = *password ? strchr(password + 1, ':') : NULL;
	if (!ids || *length == 0)
		return false;
	ids++;
	return take_id(&ids, &user) && take_id(&ids, &group) && user == uid;
}

void user_name(uid_t uid, char *name, size_t size)
{
	autoclose int fd = openat(AT_FDCWD, "/etc/passwd", O_RDONLY | O_CLOEXEC);
	static struct lines lines LARGE;
	const char *line;
	size_t length = 0;

	name[0] = '\0';
	lines_begin(&lines, fd);
	while ((line = lines_next(&lines)) != NULL)
		if (is_users(line, uid, &length))
			break;
	if (line && length < size)
		snprintf(name, size, "%.*s", (int)length, line);
}

bool is_first_user_namespace(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && status.st_ino == FIRST_USER_NAMESPACE;
}

int own_user_namespace(ino_t *inode)
{
	static ino_t own; /* nothing that asks enters another */
	int r = own ? 0 : procfs_namespace(procfs_own(), "self/ns/user", &own);

	*inode = own;
	return r;
}

bool in_first_user_namespace(void)
{
	ino_t own;

	return own_user_namespace(&own) == 0 && own == FIRST_USER_NAMESPACE;
}

bool is_plain_user(uid_t uid)
{
	return uid != 0 || !in_first_user_namespace();
}
