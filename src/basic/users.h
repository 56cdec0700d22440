/* Users: their names, and where they are what they seem. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Puts the name of uid into name, by /etc/passwd alone: no directory service, no library loaded for it; or "" if /etc/passwd has none. */
void user_name(uid_t uid, char *name, size_t size);

/* Whether root is root here: in the user namespace that the system started with. */
bool in_first_user_namespace(void);
