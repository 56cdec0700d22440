/*
 * Which processes are a container's: those in its cgroup and the cgroups below; where it has none, those in its
 * pid namespace and the namespaces below that, if it has one of its own.  Who their parents are would tell
 * nothing for certain: it changes when a parent ends.
 *
 *	pid_namespaces(7), ioctl_ns(2)
 */
#include "runtime/ps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/entries.h"
#include "basic/procfs.h"
#include "basic/syscalls.h"
#include "cgroup/cgroup.h"
#include "runtime/ps-table.h"
#include "runtime/status.h"

/* -- without a cgroup ------------------------------------------------------------------------- */

static int open_namespace(const char *pid)
{
	char path[64];

	snprintf(path, sizeof(path), "%.20s/ns/pid", pid);
	return procfs_follow(procfs_own(), path, O_RDONLY);
}

static ino_t inode_of(int fd)
{
	struct stat status;

	return fd < 0 || fstat(fd, &status) < 0 ? 0 : status.st_ino;
}

/* Whether the process is in that pid namespace or in one below it. */
static bool is_inside(const char *pid, ino_t wanted)
{
	autoclose int namespace = open_namespace(pid);

	while (namespace >= 0) {
		int above;

		if (inode_of(namespace) == wanted)
			return true;
		/* Where the caller's own lies there is nothing above that could be seen. */
		above = ioctl(namespace, NS_GET_PARENT);
		close_fd(&namespace);
		namespace = above;
	}
	return false;
}

static size_t list_inside(struct entries *proc, ino_t wanted, pid_t *list, size_t room)
{
	const char *name;
	size_t count = 0;

	while (count < room && (name = entries_next(proc)) != NULL)
		if (name[0] >= '1' && name[0] <= '9' && is_inside(name, wanted))
			list[count++] = (pid_t)strtol(name, NULL, 10);
	return count;
}

static int find_by_namespace(const struct view *view, struct arena *arena, struct ps_pids *pids,
			     struct error *err)
{
	enum { MOST = 65536 };
	autoclose int namespace = -1, proc = -1;
	struct entries entries;
	char init[24];
	pid_t *list;
	ino_t wanted;

	snprintf(init, sizeof(init), "%d", view->pid);
	namespace = open_namespace(init);
	if (namespace < 0)
		return namespace == -ENOENT
			       ? 0
			       : error_errno(err, -namespace, "open its pid namespace");
	wanted = inode_of(namespace);
	/* Its pid may have become another's before that was opened. */
	if (sys_pidfd_send_signal(view->pidfd, 0) < 0)
		return 0;
	list = arena_array(arena, pid_t, MOST);
	if (!list)
		return arena_full(arena, err);
	proc = procfs_open(procfs_own(), ".", O_RDONLY | O_DIRECTORY);
	if (proc < 0)
		return error_errno(err, -proc, "read /proc");
	entries = (struct entries){.dir = proc};
	pids->list = list;
	pids->count = list_inside(&entries, wanted, list, MOST);
	qsort(list, pids->count, sizeof(*list), ps_compare);
	return 0;
}

/* -- which there are -------------------------------------------------------------------------- */

static int find(const struct view *view, struct arena *arena, struct ps_pids *pids,
		struct error *err)
{
	const struct oci_record *record = view->record;
	pid_t *list = NULL;
	int r;

	*pids = (struct ps_pids){0};
	if (cgroup_none(record->cgroup, err) == 0) {
		/* Until it is made nobody knows whose processes are in it. */
		if (!record->cgroup->made)
			return 0;
		r = cgroup_processes(record->cgroup, arena, &list, &pids->count, err);
		pids->list = list;
		return r;
	}
	if (record->shares_pids)
		return -err->code;
	*err = (struct error){0};
	return view->pidfd < 0 ? 0 : find_by_namespace(view, arena, pids, err);
}

static void write_json(const struct ps_pids *pids, FILE *out)
{
	fputc('[', out);
	for (size_t i = 0; i < pids->count; i++)
		fprintf(out, "%s%d", i ? "," : "", pids->list[i]);
	fputs("]\n", out);
}

static int show(const struct view *view, const struct ps_request *request, struct arena *arena,
		FILE *out, struct error *err)
{
	struct ps_pids pids;
	int r = find(view, arena, &pids, err);

	if (r < 0)
		return r;
	if (!request->json)
		return ps_table(&pids, request->words, out, err);
	write_json(&pids, out);
	return 0;
}

int container_ps(const struct state_root *root, const char *id, const struct ps_request *request,
		 FILE *out, struct error *err)
{
	autoarena struct arena arena = {0};
	struct view view;
	int r = arena_open_private(&arena, err);

	if (r == 0)
		r = view_open(&view, root, id, &arena, err);
	if (r < 0)
		return r;
	if (show(&view, request, &arena, out, err) < 0)
		r = error_in(err, "%s", id);
	view_release(&view);
	return r;
}
