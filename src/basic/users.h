/* Users: their names, and where they are what they seem. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Puts the name of uid into name, by /etc/passwd alone: no directory service, no library loaded for it; or "" if /etc/passwd has none. */
void user_name(uid_t uid, char *name, size_t size);

/* Whether fd is open on the user namespace that the system started with. */
bool is_first_user_namespace(int fd);

/* The number of the user namespace that this process is in; or a negative errno. */
int own_user_namespace(ino_t *inode);

/* Whether root is root here: in the user namespace that the system started with. */
bool in_first_user_namespace(void);

/* Whether uid, as this process sees it, is no more than a plain user to the system: so is the root
 * of an engine's user namespace. */
bool is_plain_user(uid_t uid);
