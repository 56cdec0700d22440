/* Names of users, from /etc/passwd alone: no directory service, no library loaded for it. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Puts the name of uid into name, or "" if /etc/passwd has none. */
void user_name(uid_t uid, char *name, size_t size);
