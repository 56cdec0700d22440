/*
 * How a process tells a Linux security module what it is to become: the files of /proc/self/attr.
 *
 *	proc_pid_attr(5)
 *
 * What is written there must reach the kernel: a file of the container's in the same place would take the
 * label, and the container would run without it (CVE-2019-16884, CVE-2025-52881).  So proc is the host's
 * procfs, verified by the runtime, which no mount of the container covers; nothing on the way may be a
 * mount or a magic link; and what was written is read back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "basic/error.h"

/* Whether there is such a file: "exec", "apparmor/exec". */
bool lsm_attribute_exists(int proc, const char *name);

/* Reads what fits of it into text, without the line's end or the NUL that some modules put there; returns
 * 0 or a negative errno.  An unset attribute is "". */
int lsm_attribute_read(int proc, const char *name, char *text, size_t size);

/* Writes value; returns 0 or a negative errno. */
int lsm_attribute_write(int proc, const char *name, const char *value);

/* The error of having written it, with the path in back-ticks, by which engines know it. */
int lsm_attribute_error(struct error *err, int code, const char *name);
