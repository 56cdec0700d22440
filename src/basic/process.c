#include "basic/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "basic/cleanup.h"
#include "basic/large.h"
#include "basic/lines.h"
#include "basic/procfs.h"
#include "basic/syscalls.h"

#ifndef PID_FS_MAGIC
#define PID_FS_MAGIC 0x50494446 /* linux/magic.h since 6.9 */
#endif

/* In /proc/PID/stat the fields after the name, which stands in parentheses and may hold any byte. */
enum { FIELD_STATE = 3, FIELD_PARENT = 4, FIELD_FLAGS = 9, FIELD_START_TIME = 22 };

enum { FLAG_EXITING = 4 }; /* PF_EXITING in the kernel */

/* A process that is not there, or is another one, is gone; but not where the procfs at /proc is that of another
 * pid namespace, in which others have these numbers. */
static int none_or_elsewhere(void)
{
	int r = procfs_expect_own_pids(procfs_own());

	return r < 0 ? r : -ESRCH;
}

int process_status(pid_t pid, struct process_status *status)
{
	char path[32], text[1024];
	char *open, *close, *field;
	ssize_t length;

	snprintf(path, sizeof(path), "%d/stat", pid);
	length = procfs_read(procfs_own(), path, text, sizeof(text));
	if (length <= 0)
		return length == 0 || length == -ENOENT ? none_or_elsewhere() : (int)length;
	open = strchr(text, '(');
	close = strrchr(text, ')');
	if (!open || !close || close < open || close[1] != ' ')
		return -EPROTO;
	*close = '\0';
	snprintf(status->name, sizeof(status->name), "%s", open + 1);
	field = close + 2;
	status->state = *field;
	for (int i = FIELD_STATE; i < FIELD_START_TIME && field; i++) {
		if (i == FIELD_PARENT)
			status->parent = (pid_t)strtol(field, NULL, 10);
		else if (i == FIELD_FLAGS)
			status->exiting = strtoul(field, NULL, 10) & FLAG_EXITING;
		field = strchr(field, ' ');
		field = field ? field + 1 : NULL;
	}
	if (!field)
		return -EPROTO;
	status->start_time = strtoull(field, NULL, 10);
	return 0;
}

/* *inode is 0 where all pidfds share one, before Linux 6.9, and after an error. */
static int find_inode(int pidfd, uint64_t *inode)
{
	static enum { UNKNOWN, SHARED, OWN } inodes; /* the same for all pidfds: asked but once */
	struct statfs filesystem;
	struct stat status;

	*inode = 0;
	if (inodes == UNKNOWN) {
		if (fstatfs(pidfd, &filesystem) < 0)
			return -errno;
		inodes = filesystem.f_type == PID_FS_MAGIC ? OWN : SHARED;
	}
	if (inodes == SHARED)
		return 0;
	if (fstat(pidfd, &status) < 0)
		return -errno;
	*inode = (uint64_t)status.st_ino;
	return 0;
}

int process_identify(pid_t pid, int pidfd, struct process *process, struct error *err)
{
	struct process_status status = {.start_time = 0};
	uint64_t inode;
	int r = find_inode(pidfd, &inode);

	if (r < 0 || !inode || !process->of_this_boot)
		r = process_status(pid, &status);
	if (r < 0) {
		error_errno(err, -r, "read /proc/%d/stat", pid);
		return procfs_hint(err);
	}
	process->pid = pid;
	process->start_time = status.start_time;
	process->pidfd_inode = inode;
	return 0;
}

/* A first thread that has ended is a zombie, too, for as long as there are others. */
static int expect_alive(int pidfd)
{
	int r = process_wait(pidfd, 0);

	return r > 0 ? -ESRCH : r;
}

/* Looks at the process that the pidfd has been opened by. */
static int look_at(const struct process *process, int pidfd, struct process_status *status)
{
	int r = process_status(process->pid, status);

	/* One that lives and is not to be seen is hidden: "hidepid" in proc(5). */
	return r == -ESRCH && process_wait(pidfd, 0) == 0 ? -EPERM : r;
}

/* 1: it is the one that was meant; 0: the inode alone does not tell; or a negative errno. */
static int compare_inodes(const struct process *process, int pidfd)
{
	uint64_t inode = 0;
	int r = process->pidfd_inode ? find_inode(pidfd, &inode) : 0;

	if (r < 0) /* without a time there is nothing else to know it by */
		return process->start_time ? 0 : r;
	if (inode && inode != process->pidfd_inode)
		return -ESRCH;
	return inode && process->of_this_boot;
}

int process_open(const struct process *process, struct process_status *status)
{
	struct process_status here = {.state = 'Z'}; /* as long as nobody has looked */
	autoclose int pidfd = -1;
	int known, r = 0;

	if (process->pid <= 0)
		return -ESRCH;
	/* First the pidfd, then the look: from then on the pid cannot become another's unnoticed. */
	pidfd = sys_pidfd_open(process->pid);
	/* The pid can also have become that of another process's thread. */
	if (pidfd < 0)
		return errno == EINVAL || errno == ENOENT ? -ESRCH : -errno;
	known = compare_inodes(process, pidfd);
	if (known < 0)
		return known;
	if (!known || status)
		r = look_at(process, pidfd, &here);
	if (r == 0 && !known && here.start_time != process->start_time)
		r = none_or_elsewhere();
	if (status)
		*status = here;
	if (r == 0 && (here.state == 'Z' || here.state == 'X'))
		r = expect_alive(pidfd);
	return r < 0 ? r : take_fd(&pidfd);
}

/* In "SigPnd" or "ShdPnd" of /proc/PID/status; a thread that has taken it leaves it in the second. */
static bool has_been_killed(pid_t pid)
{
	char path[32];
	autoclose int fd = -1;
	static struct lines lines LARGE;
	const char *line;

	snprintf(path, sizeof(path), "%d/status", pid);
	fd = procfs_open(procfs_own(), path, O_RDONLY);
	if (fd < 0)
		return false;
	lines_begin(&lines, fd);
	while ((line = lines_next(&lines)) != NULL)
		if (strncmp(line, "SigPnd:", 7) == 0 || strncmp(line, "ShdPnd:", 7) == 0)
			if (strtoull(line + 7, NULL, 16) >> (SIGKILL - 1) & 1)
				return true;
	return false;
}

bool process_is_ending(pid_t pid)
{
	struct process_status status;

	return (process_status(pid, &status) == 0 && status.exiting) || has_been_killed(pid);
}

int process_wait(int pidfd, int timeout)
{
	struct pollfd wait = {.fd = pidfd, .events = POLLIN};
	int r;

	do
		r = poll(&wait, 1, timeout);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}
