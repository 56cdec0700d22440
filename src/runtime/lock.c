/*
 * The lock is on the directory itself, so that there is no file which could be left over or
 * replaced; the kernel gives it up when its holder ends in whatever way, see flock(2).
 */
#include "runtime/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "basic/process.h"
#include "basic/procfs.h"

enum {
	WAIT_MILLISECONDS = 10000,
	STEP_MILLISECONDS = 5,
	LOCKS_SIZE = 64 * 1024, /* of /proc/locks; a line has some 60 bytes */
};

void lock_release(int directory)
{
	flock(directory, LOCK_UN);
}

bool lock_held_elsewhere(int directory)
{
	return flock(directory, LOCK_SH | LOCK_NB) < 0;
}

/* Returns the pid that holds the lock, or 0.  See /proc/locks in proc(5):
 * "1: FLOCK  ADVISORY  WRITE 1234 00:2a:5678 0 EOF" */
static pid_t find_holder(int directory)
{
	char text[LOCKS_SIZE], *line, *rest = text;
	struct stat status;

	if (fstat(directory, &status) < 0 ||
	    procfs_read(procfs_own(), "locks", text, sizeof(text)) <= 0)
		return 0;
	for (line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
		unsigned long long inode;
		char waits[4];
		int pid;

		/* "1: -> FLOCK": somebody who waits, as we do */
		if (sscanf(line, "%*d: %3s", waits) != 1 || strcmp(waits, "->") == 0)
			continue;
		if (sscanf(line, "%*d: FLOCK %*s %*s %d %*x:%*x:%llu", &pid, &inode) == 2 &&
		    inode == (unsigned long long)status.st_ino)
			return (pid_t)pid;
	}
	return 0;
}

static int busy(int directory, struct error *err)
{
	struct process_status holder;
	pid_t pid = find_holder(directory);

	error_config(err, "another command has been at work on the container for %d seconds",
		     WAIT_MILLISECONDS / 1000);
	err->code = EBUSY;
	if (pid > 0 && process_status(pid, &holder) == 0)
		return error_hint(err, "it is process %d (%s)", pid, holder.name);
	return -err->code;
}

int lock_wait(int directory, struct error *err)
{
	const struct timespec step = {.tv_nsec = STEP_MILLISECONDS * 1000L * 1000};

	for (int waited = 0; waited < WAIT_MILLISECONDS; waited += STEP_MILLISECONDS) {
		if (flock(directory, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_errno(err, errno, "lock the container's directory");
		nanosleep(&step, NULL);
	}
	return busy(directory, err);
}
