/*
 * Paths inside a root that is not trusted: a container's.
 *
 * Whatever symbolic links, "..", FIFOs or devices the root holds, and whoever changes it at the same
 * time, nothing outside of it is ever reached: each path is resolved by openat2(2) with
 * RESOLVE_IN_ROOT and used through the file descriptor.  root is open on the root's directory; path
 * is taken from there whether or not it begins with "/".  All fds are close-on-exec.
 */
#pragma once

#include <sys/types.h>

#include "basic/error.h"

/* Opens what is there; flags as for open(2).  Does not create (see below). */
int inside_open(int root, const char *path, int flags, struct error *err);

/* Like inside_open(), but without following the last component if it is a symbolic link, and without
 * an error text: returns a negative errno.  For what may well be missing. */
int inside_try(int root, const char *path, int flags);

/* Opens the directory at path, O_PATH, after making what is missing of it with mode. */
int inside_make_directory(int root, const char *path, mode_t mode, struct error *err);

/* Opens the file at path, O_PATH, after making it empty, and the directories above it with 0755, if it
 * is missing.  It may be of any type but a symbolic link or a directory. */
int inside_make_file(int root, const char *path, mode_t mode, struct error *err);

/* Makes what path names, a directory or a file by the type in mode, in a directory that is there, and opens it,
 * O_PATH; returns a negative errno: EEXIST also for a link that leads nowhere, ENOENT where more is missing. */
int inside_add(int root, const char *path, mode_t mode);

/* The same in the directory that is open, by a name without "/". */
int inside_add_here(int parent, const char *name, mode_t mode);

/* Opens the directory that path's last component lies in, O_PATH, making it if need be, and points
 * *name at that component.  An error if path names the root itself or ends in "..". */
int inside_make_parent(int root, const char *path, const char **name, struct error *err);
