/*
 * One read of the record and one look at the process; the cgroup is only asked while the process
 * lives.  Small commands cost little more than that.
 */
#include "runtime/status.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/process.h"
#include "basic/procfs.h"
#include "cgroup/cgroup.h"
#include "launch/image.h"
#include "runtime/lock.h"
#include "runtime/record.h"

const char *status_name(enum status status)
{
	static const char *const names[] = {
		[STATUS_CREATING] = "creating", [STATUS_CREATED] = "created",
		[STATUS_RUNNING] = "running",	[STATUS_PAUSED] = "paused",
		[STATUS_STOPPED] = "stopped",
	};

	return names[status];
}

/* What the record says, before anybody looks at the process. */
static bool recorded_as(const struct oci_record *record, enum status status)
{
	return strcmp(record->status, status_name(status)) == 0;
}

/* The record's error, as the container's: a directory without a record is no container. */
static int explain(int code, const struct state_root *root, const char *id, struct error *err)
{
	if (code == -ENOENT)
		return container_missing(root, id, err);
	return code < 0 ? error_in(err, "%s", id) : 0;
}

static int load(struct view *view, const struct state_root *root, const char *id,
		struct arena *arena, struct error *err)
{
	return explain(record_load(view->directory, arena, &view->record, err), root, id, err);
}

/* A process that is the container's first: created or running, by the program that it is. */
static enum status living_status(const struct oci_record *record, const struct process_status *init)
{
	if (record->cgroup && cgroup_frozen(record->cgroup))
		return STATUS_PAUSED;
	return init && strcmp(init->name, INIT_NAME) == 0 ? STATUS_CREATED : STATUS_RUNNING;
}

/* What cannot be looked at may be alive, and "delete" must not take it for gone. */
static int find_status(struct view *view, const struct state_root *root, const char *id,
		       struct error *err)
{
	struct process init = record_init(view->record);
	struct process_status look = {.state = 0};
	struct process_status *process = recorded_as(view->record, STATUS_CREATED) ? &look : NULL;
	int pidfd;

	init.of_this_boot = root->forgets;
	pidfd = process_open(&init, process);
	if (pidfd < 0 && pidfd != -ESRCH) {
		error_errno(err, -pidfd, "%s: look at process %d", id, init.pid);
		return procfs_hint(err);
	}
	view->pidfd = pidfd < 0 ? -1 : pidfd;
	view->pid = pidfd < 0 ? 0 : init.pid;
	if (recorded_as(view->record, STATUS_CREATING))
		view->status = STATUS_STOPPED;
	else if (view->pidfd >= 0)
		view->status = living_status(view->record, process);
	else
		view->status = STATUS_STOPPED;
	return 0;
}

int view_open(struct view *view, const struct state_root *root, const char *id, struct arena *arena,
	      struct error *err)
{
	autoclose int directory = container_directory_open(root, id, err);
	bool at_work = false;
	int r;

	if (directory < 0)
		return directory;
	*view = (struct view){.pidfd = -1, .directory = directory};
	r = load(view, root, id, arena, err);
	if (r == 0 && recorded_as(view->record, STATUS_CREATING)) {
		at_work = lock_held_elsewhere(directory);
		/* Without a maker at work the record is final; but it may be another by now. */
		r = at_work ? 0 : load(view, root, id, arena, err);
	}
	if (r == 0)
		r = find_status(view, root, id, err);
	if (r < 0)
		return r;
	if (at_work)
		view->status = STATUS_CREATING;
	take_fd(&directory);
	return 0;
}

static int look_up(struct view *view, const struct state_root *root, const char *id,
		   struct arena *arena, struct error *err)
{
	int r = container_id_validate(id, err);

	if (r < 0)
		return r;
	*view = (struct view){.pidfd = -1, .directory = -1};
	if (root->fd < 0)
		return container_missing(root, id, err);
	return explain(record_look(root->fd, id, arena, &view->record, err), root, id, err);
}

static int look_closely(struct view *view, const struct state_root *root, const char *id,
			struct arena *arena, struct error *err)
{
	/* Whether its maker is at work, the lock of the directory tells. */
	int r = recorded_as(view->record, STATUS_CREATING) ? view_open(view, root, id, arena, err)
							   : find_status(view, root, id, err);

	if (r == 0)
		view_release(view);
	return r;
}

int view_look(struct view *view, const struct state_root *root, const char *id, struct arena *arena,
	      struct error *err)
{
	int r = look_up(view, root, id, arena, err);

	return r < 0 ? r : look_closely(view, root, id, arena, err);
}

/*
 * Whether the container runs, by what costs half as much as its first process's pidfd and its freezer.
 *
 * Of a pid namespace of its own the first process ends as the last, so while one of its processes is in the cgroup,
 * init lives.  It began a session, which nobody who has begun one can leave: so whatever else has its pid now is
 * most likely told apart, too.  What deceives this is a process in the cgroup that is not in the pid namespace, as
 * somebody has put it there, and at the same time an init that has ended and whose number is still or again that of
 * a session's leader: a zombie that nobody has waited for yet, or a new process.
 */
static bool runs_at_a_glance(const struct view *view, const struct state_root *root)
{
	const struct oci_record *record = view->record;
	const struct oci_record_process *init = record->init;

	return root->forgets && recorded_as(record, STATUS_RUNNING) && !record->shares_pids &&
	       record->cgroup && init && init->pid > 0 && getsid(init->pid) == init->pid &&
	       cgroup_at_work(record->cgroup);
}

int view_glance(struct view *view, const struct state_root *root, const char *id,
		struct arena *arena, struct error *err)
{
	int r = look_up(view, root, id, arena, err);

	if (r < 0)
		return r;
	if (!runs_at_a_glance(view, root))
		return look_closely(view, root, id, arena, err);
	view->status = STATUS_RUNNING;
	view->pid = view->record->init->pid;
	return 0;
}

int view_open_locked(struct view *view, const struct state_root *root, const char *id,
		     struct arena *arena, struct error *err)
{
	autoclose int directory = container_directory_lock(root, id, err);
	int r;

	if (directory < 0)
		return directory;
	*view = (struct view){.pidfd = -1, .directory = directory};
	r = load(view, root, id, arena, err);
	if (r == 0)
		r = find_status(view, root, id, err);
	if (r < 0)
		return r;
	take_fd(&directory);
	return 0;
}

int view_open_before(struct view *view, const struct state_root *root, const char *id,
		     struct arena *arena, struct error *err)
{
	autoclose int directory = container_directory_lock(root, id, err);
	int r;

	if (directory < 0)
		return directory;
	*view = (struct view){.pidfd = -1, .directory = directory};
	r = record_load_before(directory, arena, &view->record, err);
	if (r < 0)
		return error_in(err, "%s", id);
	r = find_status(view, root, id, err);
	if (r < 0)
		return r;
	take_fd(&directory);
	return 0;
}

int view_not_running(const char *id, struct error *err)
{
	error_config(err, "%s: container not running", id);
	err->code = ESRCH;
	return -err->code;
}

void view_release(struct view *view)
{
	close_fd(&view->pidfd);
	close_fd(&view->directory);
}
