/*
 * Files of a procfs that is open: what is read is the kernel's word, and what is written goes to the kernel.
 *
 * Whatever somebody has mounted in it, be it on /proc/self/attr, /proc/sys or a process's uid_map, is never
 * gone through, nor is a link that leads out: a label or a map that ends in another file would be none.
 *
 * Nobody else opens anything by a path that begins with /proc; scripts/check-paths sees to that.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "basic/error.h"

/* The host's, at /proc, for as long as the process lives: -EXDEV if that is no procfs. */
int procfs_own(void);

/* Whether it is that of the caller's pid namespace; in others the numbers are other processes'. */
int procfs_expect_own_pids(int proc);

/* Says why nothing can be gone by in /proc, for an error of these functions that has been told. */
int procfs_hint(struct error *err);

/* Opens path below proc, a procfs's root; flags as for open(2).  Returns a negative errno: EXDEV if there is
 * something else in the way. */
int procfs_open(int proc, const char *path, int flags);

/* Reads what fits of a small file, as file_read_small() does. */
ssize_t procfs_read(int proc, const char *path, char *text, size_t size);

/* Writes text in one piece, which the kernel takes for one value; a negative errno. */
int procfs_write(int proc, const char *path, const char *text);

/* The links of a process that lead out, "self/exe" or "PID/ns/net": where to, ended by a NUL, and what that is. */
int procfs_read_link(int proc, const char *path, char *text, size_t size);
int procfs_follow(int proc, const char *path, int flags);

/* The inode of a process's namespace, by the link that path is; or a negative errno. */
int procfs_namespace(int proc, const char *path, ino_t *inode);

/* Names what is open as fd, for calls that know nothing but paths. */
enum { PROCFS_FD_SIZE = 32 };
int procfs_name_fd(int fd, char path[PROCFS_FD_SIZE]);

/* A path as mountinfo writes it, with "\040" for a space and so for a tab, newline or backslash: as it is, in place. */
void procfs_unescape(char *text);
