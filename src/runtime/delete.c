/*
 * What create made is taken away in the opposite order, and the record last: as long as anything is
 * left, so is the record that tells of it.  What cannot be removed is an error, and "delete" can be
 * called again.
 */
#include "runtime/delete.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/entries.h"
#include "basic/log.h"
#include "basic/process.h"
#include "basic/syscalls.h"
#include "cgroup/cgroup.h"
#include "cgroup/root-options.h"
#include "linux/hooks.h"
#include "linux/intel-rdt.h"
#include "linux/mounts.h"
#include "runtime/record.h"
#include "runtime/state.h"

enum {
	END_MILLISECONDS = 10000,
	MOST_FOLDERS = 16, /* in one another */
};

/* Ends the first process and all that is in the cgroup, where there may be others if the container
 * shares a pid namespace; returns when they are gone, as the caller will remove their root next. */
static int end_processes(const struct view *view, struct error *err)
{
	const struct oci_record_cgroup *cgroup = view->record->cgroup;
	int r;

	if (view->pidfd >= 0 && sys_pidfd_send_signal(view->pidfd, SIGKILL) < 0 && errno != ESRCH)
		return error_errno(err, errno, "kill process %d", view->pid);
	r = cgroup && cgroup->made ? cgroup_kill(cgroup, err) : 0;
	if (r < 0 || view->pidfd < 0)
		return r;
	r = process_wait(view->pidfd, END_MILLISECONDS);
	if (r < 0)
		return error_errno(err, -r, "wait for process %d", view->pid);
	if (r == 0) {
		error_errno(err, ETIMEDOUT, "wait for the end of process %d", view->pid);
		return error_hint(err, "it was killed, but is busy in the kernel");
	}
	return 0;
}

static int remove_cgroup(const struct oci_record_cgroup *cgroup, struct error *err)
{
	return cgroup->made ? cgroup_remove(cgroup, err) : cgroup_remove_empty(cgroup, err);
}

static int remove_resources(const struct oci_record *record, bool cgroup_gone, struct error *err)
{
	int r = record->intel_rdt ? intel_rdt_remove(record->intel_rdt, err) : 0;

	if (r == 0 && record->cgroup && !cgroup_gone)
		r = remove_cgroup(record->cgroup, err);
	if (r < 0)
		return r;
	if (record->host_mounts_len == 0)
		return 0;
	return mounts_detach(record->rootfs, record->host_mounts, record->host_mounts_len, err);
}

static int remove_entry(int directory, const char *name)
{
	if (unlinkat(directory, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR && unlinkat(directory, name, AT_REMOVEDIR) == 0)
		return 0;
	return -errno;
}

static int remove_files(int directory, int depth, struct error *err);

/* The folder of NOTIFY_SOCKET is in the container, where privileged programs can write to it. */
static int remove_folder(int directory, const char *name, int depth, struct error *err)
{
	autoclose int folder =
		openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (folder < 0)
		return -errno;
	if (remove_files(folder, depth, err) < 0)
		return -err->code;
	return unlinkat(directory, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* Removes the files in the container's directory, all but the record, and what is in its folders.  directory
 * is open for this: nobody has read it. */
static int remove_files(int directory, int depth, struct error *err)
{
	struct entries entries = {.dir = directory};
	const char *name;
	int r = 0;

	while (r == 0 && (name = entries_next(&entries)) != NULL) {
		if (strcmp(name, RECORD_FILE) == 0)
			continue;
		r = remove_entry(directory, name);
		if (r == -ENOTEMPTY && depth > 0)
			r = remove_folder(directory, name, depth - 1, err);
		if (r < 0)
			error_errno(err, -r, "remove %s of the state directory", name);
	}
	if (r == 0 && entries.error)
		r = error_errno(err, entries.error, "read the state directory");
	return r;
}

static int remove_directory(const struct state_root *root, const char *id, int directory,
			    struct error *err)
{
	int r;

	r = remove_files(directory, MOST_FOLDERS, err);
	if (r < 0)
		return r;
	r = remove_entry(directory, RECORD_FILE);
	if (r == 0 && unlinkat(root->fd, id, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	return r < 0 ? error_errno(err, -r, "remove %s/%s", root->path, id) : 0;
}

/* The container is gone by now, whatever they do: their failure is told, and nothing else. */
static void run_poststop_hooks(const struct oci_record *record, struct arena *arena)
{
	const struct oci_hooks *hooks = record->hooks;
	struct hook_output output = {-1, -1};
	struct error err = {0};
	const char *state;

	if (!hooks || hooks->poststop_len == 0)
		return;
	state = state_for_hooks(record, STATUS_STOPPED, 0, arena);
	if (!state) {
		arena_full(arena, &err);
		log_warning("%s: %s", record->id, err.text);
		return;
	}
	if (hook_output_open(record->annotations, record->annotations_len, &output, &err) < 0)
		log_warning("%s: %s", record->id, err.text);
	for (size_t i = 0; i < hooks->poststop_len; i++) {
		const struct hook_list one = {"poststop", &hooks->poststop[i], 1, record->bundle,
					      &output};

		if (hooks_run(&one, state, &err) < 0)
			log_warning("%s: %s", record->id, err.text);
	}
	hook_output_close(&output);
}

int container_destroy(const struct state_root *root, const char *id, const struct view *view,
		      struct arena *arena, struct error *err)
{
	const struct oci_record_cgroup *cgroup = view->record->cgroup;
	bool gone = view->pidfd < 0 && cgroup && cgroup->made && cgroup_remove_at_once(cgroup);
	int r = gone ? 0 : end_processes(view, err);

	if (r == 0)
		r = remove_resources(view->record, gone, err);
	if (r == 0)
		r = remove_directory(root, id, view->directory, err);
	if (r < 0)
		return error_in(err, "%s", id);
	run_poststop_hooks(view->record, arena);
	return 0;
}

/* What has no record was left by a runtime that was killed before it made anything else; or it was damaged,
 * and so was the one before. */
static int remove_remains(const struct state_root *root, const char *id, struct error *err)
{
	autoclose int directory = container_directory_lock(root, id, err);
	int r;

	if (directory < 0)
		return directory == -ENOENT ? 0 : directory;
	if (faccessat(directory, RECORD_FILE, F_OK, 0) == 0)
		log_warning("%s: removed without its record, which is damaged", id);
	r = remove_directory(root, id, directory, err);
	return r < 0 ? error_in(err, "%s", id) : 0;
}

static int refuse(const char *id, enum status status, struct error *err)
{
	error_config(err, "cannot delete container %s that is not stopped: %s", id,
		     status_name(status));
	err->code = EBUSY;
	error_hint(err, "\"delete --force\" kills it first");
	return -err->code;
}

/* If it was a restore that was killed, CRIU may have had no time for it. */
static void mend_cgroups(const struct oci_record *record)
{
	struct root_options options;

	if (strcmp(record->status, status_name(STATUS_CREATING)) != 0)
		return;
	root_options_remember(&options);
	root_options_forget(&options);
}

static int delete_in(const struct state_root *root, const char *id, bool force, struct arena *arena,
		     struct error *err)
{
	struct view view;
	int r;

	r = view_open_locked(&view, root, id, arena, err);
	if (force && container_id_valid(id) && r == -EINVAL) {
		log_warning("%s: its record is damaged: the one before it counts", id);
		r = view_open_before(&view, root, id, arena, err);
	}
	if (force && container_id_valid(id) && (r == -ENOENT || r == -EINVAL))
		return remove_remains(root, id, err);
	if (r < 0)
		return r;
	if (!force && (view.status == STATUS_RUNNING || view.status == STATUS_PAUSED))
		r = refuse(id, view.status, err);
	else
		r = container_destroy(root, id, &view, arena, err);
	if (r == 0)
		mend_cgroups(view.record);
	view_release(&view);
	return r;
}

int container_delete(const struct state_root *root, const char *id, bool force, struct error *err)
{
	autoarena struct arena arena = {0};
	int r = arena_open_private(&arena, err);

	return r == 0 ? delete_in(root, id, force, &arena, err) : r;
}
