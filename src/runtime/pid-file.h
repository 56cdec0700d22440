/*
 * The file that --pid-file names.  Where it goes is found out before anything is made; it is written when
 * all has gone well, and in one piece: engines watch for it.
 */
#pragma once

#include <sys/types.h>

#include "basic/error.h"

struct pid_file {
	const char *path; /* NULL: none was asked for */
	int directory;	  /* of it, or -1 */
};

/* path may be NULL; pid_file_release() is due also after a failure. */
int pid_file_open(struct pid_file *file, const char *path, struct error *err);

int pid_file_write(const struct pid_file *file, pid_t pid, struct error *err);

/* Takes back what pid_file_write() did. */
void pid_file_remove(const struct pid_file *file);

void pid_file_release(struct pid_file *file);
