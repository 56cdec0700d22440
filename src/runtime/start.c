/*
 * "start": the program of a created container begins.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/runtime.md#start
 *
 * Init listens on a socket in the container's state directory.  Whoever connects and says START sees it
 * through: the startContainer hooks, the exec, or what is in its way.
 */
#include "runtime/start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/process.h"
#include "basic/socket.h"
#include "basic/syscalls.h"
#include "cgroup/oom.h"
#include "launch/launch.h"
#include "launch/listener.h"
#include "linux/hooks.h"
#include "linux/seccomp-listener.h"
#include "runtime/create.h"
#include "runtime/delete.h"
#include "runtime/notify-socket.h"
#include "runtime/record.h"
#include "runtime/state.h"
#include "runtime/status.h"

enum { END_MILLISECONDS = 1000 };

static int refuse_stopped(const struct oci_record *record, struct error *err)
{
	struct oom_before memory = {0};

	if (record->cgroup && strcmp(record->status, status_name(STATUS_CREATED)) == 0)
		oom_since_made(record->cgroup, &memory);
	if (!oom_happened(&memory))
		return error_config(err, "cannot start a container that has stopped");
	oom_explain(&memory, err);
	return error_in(err, "cannot start a container that has stopped");
}

static int refuse(const struct view *view, struct error *err)
{
	if (view->status == STATUS_STOPPED)
		return refuse_stopped(view->record, err);
	if (view->status == STATUS_CREATING)
		return error_config(err, "cannot start a container that is still being created");
	if (view->status == STATUS_PAUSED &&
	    strcmp(view->record->status, status_name(STATUS_CREATED)) == 0) {
		error_config(err, "cannot start a container that is paused");
		return error_hint(err, "\"resume\" it first");
	}
	return error_config(err, "cannot start an already running container");
}

int run_poststart_hooks(const struct oci_record *record, pid_t pid, struct arena *arena,
			struct error *err)
{
	const struct oci_hooks *hooks = record->hooks;
	struct hook_output output;
	struct hook_list list;
	const char *state;
	int r;

	if (!hooks || hooks->poststart_len == 0)
		return 0;
	list = (struct hook_list){"poststart", hooks->poststart, hooks->poststart_len,
				  record->bundle, &output};
	state = state_for_hooks(record, STATUS_RUNNING, pid, arena);
	if (!state)
		return arena_full(arena, err);
	r = hook_output_open(record->annotations, record->annotations_len, &output, err);
	if (r < 0)
		return r;
	r = hooks_run(&list, state, err);
	hook_output_close(&output);
	return r;
}

/* Where the listener of init's seccomp filter goes; the agent is NULL where there is none. */
static int prepare_errand(const struct view *view, struct arena *arena,
			  struct listener_errand *errand, struct error *err)
{
	const struct oci_record *record = view->record;
	const struct oci_state state = {
		.oci_version = record->oci_version,
		.id = record->id,
		.status = status_name(STATUS_CREATED),
		.has_pid = true,
		.pid = view->pid,
		.bundle = record->bundle,
		.annotations = record->annotations,
		.annotations_len = record->annotations_len,
	};

	*errand = (struct listener_errand){.pidfd = view->pidfd};
	if (!record->listener)
		return 0;
	errand->agent = record->listener->agent;
	errand->state =
		seccomp_listener_state(&state, view->pid, record->listener->metadata, arena);
	return errand->state ? 0 : arena_full(arena, err);
}

static int say_start(const struct view *view, struct arena *arena, bool *executing,
		     struct error *err)
{
	autoclose int socket = -1;
	struct listener_errand errand;

	if (prepare_errand(view, arena, &errand, err) < 0)
		return -err->code;
	socket = socket_connect_at(view->directory, START_SOCKET);
	/* Who ends closes what it listens on before it is seen to have ended. */
	if (socket == -ECONNREFUSED && process_is_ending(view->pid)) {
		error_config(err, "cannot start a container that has stopped");
		err->code = ECONNRESET;
		return -err->code;
	}
	if (socket == -ECONNREFUSED)
		return error_config(err, "cannot start an already running container");
	if (socket < 0)
		return error_errno(err, -socket, "reach the container's init");
	return start_over(socket, &errand, executing, err);
}

/* Its end looks like the program's beginning, or like a silent failure: the socket closes.  An init that create's
 * limits killed may end only now, though the kernel had counted it before "start" looked. */
static bool died_of_memory(const struct view *view, bool killed, struct oom_before *memory)
{
	bool ended = process_wait(view->pidfd, killed ? END_MILLISECONDS : 0) > 0;

	if (killed && !oom_happened(memory) && view->record->cgroup)
		oom_since_made(view->record->cgroup, memory);
	return (killed || ended) && oom_happened(memory);
}

/* The specification: when a startContainer or poststart hook fails the container is stopped and deleted.
 * When its program can't be executed it is stopped, and remains to be looked at. */
static int start_in(const struct state_root *root, const char *id, struct view *view,
		    struct arena *arena, struct error *err)
{
	struct oci_record record = *view->record;
	struct oom_before memory = {0};
	struct error unheard = {0};
	bool executing = true, killed;
	int r;

	if (record.cgroup)
		oom_remember(record.cgroup, &memory);
	r = say_start(view, arena, &executing, err);
	killed = r == -ECONNRESET;
	if (died_of_memory(view, killed, &memory))
		r = oom_explain(&memory, err);
	if (r < 0) {
		/* Init has said why and is about to end, or was killed: whoever looks next is to see that
		 * it has. */
		if (executing || killed)
			process_wait(view->pidfd, END_MILLISECONDS);
		else
			(void)container_destroy(root, id, view, arena, &unheard);
		return r;
	}
	unlinkat(view->directory, START_SOCKET, 0);
	record.status = "running";
	r = record_store(view->directory, &record, arena, err);
	if (r == 0)
		r = run_poststart_hooks(&record, view->pid, arena, err);
	if (r < 0)
		(void)container_destroy(root, id, view, arena, &unheard);
	return r;
}

int container_start(const struct state_root *root, const char *id, const char *notify_socket,
		    struct error *err)
{
	struct notify_proxy proxy = {-1, -1, -1};
	autoarena struct arena arena = {0};
	struct view view;
	int r = arena_open_private(&arena, err);

	if (r == 0)
		r = view_open_locked(&view, root, id, &arena, err);
	if (r < 0)
		return r;
	if (view.status == STATUS_CREATED)
		r = notify_proxy_begin(&proxy, view.directory, view.record->notify, notify_socket,
				       err);
	else
		r = refuse(&view, err);
	if (r == 0)
		r = start_in(root, id, &view, &arena, err);
	if (r < 0)
		error_in(err, "%s", id);
	close_fd(&view.directory); /* and with it the lock, however long it takes */
	if (r == 0)
		notify_proxy_wait(&proxy, view.pid, view.pidfd);
	notify_proxy_end(&proxy);
	view_release(&view);
	return r;
}
