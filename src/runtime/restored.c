#include "runtime/restored.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/procfs.h"
#include "basic/syscalls.h"
#include "linux/namespaces.h"

enum {
	MOST_STATUS =
		64 * 1024, /* a process may have 65536 groups: what is wanted stands behind them */
	UNKNOWN = -1,
};

/* What /proc/PID/status tells. */
struct confinement {
	uint64_t bounding;
	int no_new_privileges, seccomp; /* or UNKNOWN */
};

/* Behind "name:", or NULL. */
static const char *find_field(const char *status, const char *name)
{
	const char *line = strstr(status, name);

	return line && line > status && line[-1] == '\n' ? line + strlen(name) : NULL;
}

static int read_status(pid_t pid, struct arena *arena, struct confinement *found, struct error *err)
{
	const char *bounding, *no_new_privileges, *seccomp;
	char path[32], *text = arena_alloc(arena, MOST_STATUS);
	ssize_t length;

	if (!text)
		return arena_full(arena, err);
	snprintf(path, sizeof(path), "%d/status", pid);
	length = procfs_read(procfs_own(), path, text, MOST_STATUS);
	if (length < 0)
		return error_errno(err, (int)-length, "look at process %d", pid);
	bounding = find_field(text, "CapBnd:");
	no_new_privileges = find_field(text, "NoNewPrivs:");
	seccomp = find_field(text, "Seccomp:");
	found->bounding = bounding ? strtoull(bounding, NULL, 16) : UINT64_MAX;
	found->no_new_privileges = no_new_privileges ? atoi(no_new_privileges) : UNKNOWN;
	found->seccomp = seccomp ? atoi(seccomp) : UNKNOWN;
	return 0;
}

static int refuse(pid_t pid, const char *path, const char *what, struct error *err)
{
	error_config(err, "%s: the checkpoint's process %d %s", path, pid, what);
	err->code = EPERM;
	return error_hint(err, "--trust-image lets it go on all the same");
}

static int check_process(struct creation *creation, pid_t pid, struct error *err)
{
	const struct container *container = creation->container;
	const struct oci_process *process = container->config->process;
	int own = container->new_namespaces & ~CLONE_NEWTIME, found = 0;
	struct arena *arena = &creation->arena;
	struct confinement status = {0};

	if (read_status(pid, arena, &status, err) < 0 || namespaces_unlike(pid, &found, err) < 0)
		return -err->code;
	if (own & ~found)
		return refuse(pid, "linux.namespaces", "is in a namespace of the host's", err);
	if (status.bounding & ~container->capabilities.bounding)
		return refuse(pid, "process.capabilities", "may get others", err);
	if (container->seccomp.filter && status.seccomp != SECCOMP_MODE_FILTER)
		return refuse(pid, "linux.seccomp", "has no filter", err);
	if (process && process->no_new_privileges && status.no_new_privileges != 1)
		return refuse(pid, "process.noNewPrivileges", "may get new ones", err);
	return 0;
}

/* All in the cgroup, or the first where there is none. */
static int list_processes(struct creation *creation, pid_t **pids, size_t *count, struct error *err)
{
	struct arena *arena = &creation->arena;

	if (creation->cgroup.v2 || creation->cgroup.directories_len)
		return cgroup_processes(&creation->cgroup, arena, pids, count, err);
	*pids = arena_array(arena, pid_t, 1);
	if (!*pids)
		return arena_full(arena, err);
	(*pids)[0] = creation->launch.init.pid;
	*count = 1;
	return 0;
}

int restored_check(struct creation *creation, pid_t maker, struct error *err)
{
	pid_t *pids;
	size_t count;

	if (list_processes(creation, &pids, &count, err) < 0)
		return -err->code;
	for (size_t i = 0; i < count; i++)
		if (pids[i] != maker && check_process(creation, pids[i], err) < 0)
			return -err->code;
	return 0;
}

void restored_kill(struct creation *creation, pid_t maker)
{
	struct error unheard = {0};
	pid_t *pids;
	size_t count;

	/* In a pid namespace all others end with it. */
	kill(creation->launch.init.pid, SIGKILL);
	if (list_processes(creation, &pids, &count, &unheard) == 0)
		for (size_t i = 0; i < count; i++)
			if (pids[i] != maker)
				kill(pids[i], SIGKILL);
	/* Last, because it holds them; and it would wait for them in the wrong order. */
	kill(maker, SIGKILL);
}
