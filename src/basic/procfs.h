/*
 * Files of a procfs that is open: what is read is the kernel's word, and what is written goes to the kernel.
 *
 * Whatever somebody has mounted in it, be it on /proc/self/attr, /proc/sys or a process's uid_map, is never
 * gone through, nor is a link that leads out: a label or a map that ends in another file would be none.
 */
#pragma once

/* Opens path below proc, a procfs's root; flags as for open(2).  Returns a negative errno: EXDEV if there is
 * something else in the way. */
int procfs_open(int proc, const char *path, int flags);

/* Writes text in one piece, which the kernel takes for one value; a negative errno. */
int procfs_write(int proc, const char *path, const char *text);
