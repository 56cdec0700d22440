/* "run": create and start by one process, which may stay until the end. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/trace.h"
#include "launch/launch.h"
#include "runtime/console.h"
#include "runtime/create.h"
#include "runtime/creation.h"
#include "runtime/delete.h"
#include "runtime/foreground.h"
#include "runtime/lock.h"
#include "runtime/notify-socket.h"
#include "runtime/run.h"
#include "runtime/start.h"
#include "runtime/status.h"

static int create_and_start(struct creation *creation, struct notify_proxy *notify,
			    struct error *err)
{
	int r = creation_make(creation, true, err);

	if (r < 0)
		return r;
	/* Before the program can ask for it. */
	console_resize(creation->launch.console);
	r = notify_proxy_begin(notify, creation->directory, creation->record.notify,
			       creation->request->notify_socket, err);
	if (r == 0)
		r = launch_start(&creation->launch, err);
	if (r == 0 && strcmp(creation->record.status, status_name(STATUS_RUNNING)) != 0)
		r = creation_record(creation, status_name(STATUS_RUNNING), err);
	if (r == 0)
		r = run_poststart_hooks(&creation->record, creation->launch.init.pid,
					&creation->arena, err);
	trace_phase("record: running");
	if (r < 0)
		creation_undo(creation);
	return r;
}

/* The program has ended: what is left of its container goes too, unless somebody has deleted it
 * meanwhile, and perhaps made another of its name, in another directory.  Nobody else writes the record of a
 * container that runs. */
static int finish(struct creation *creation, struct error *err)
{
	const struct state_root *root = creation->root;
	const char *id = creation->request->id;
	const struct view view = {
		.record = &creation->record,
		.status = STATUS_STOPPED,
		.pidfd = -1,
		.directory = creation->directory,
	};
	int r;

	if (creation->request->keep)
		return 0;
	r = container_directory_lock_again(root, id, creation->directory, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return container_destroy(root, id, &view, &creation->arena, err);
}

/* Its status alone does not tell that it was not somebody's signal. */
static void explain_end(const struct creation *creation, int exit_status, struct error *end)
{
	if (exit_status == 128 + SIGKILL && oom_happened(&creation->launch.memory)) {
		oom_explain(&creation->launch.memory, end);
		error_in(end, "%s", creation->request->id);
	}
}

/* After an error that is the one to be told. */
__attribute__((noinline)) static void finish_unheard(struct creation *creation)
{
	struct error unheard = {0};

	launch_abort(&creation->launch);
	(void)finish(creation, &unheard);
}

static int run_in_foreground(struct creation *creation, run_begin *begin, int *exit_status,
			     struct error *end, struct error *err)
{
	struct notify_proxy notify = {-1, -1, -1};
	struct foreground foreground;
	int r;

	r = foreground_begin(&foreground, err);
	if (r == 0)
		r = begin(creation, &notify, err);
	if (r == 0) {
		/* Others may kill, pause or look at it meanwhile. */
		lock_release(creation->directory);
		foreground.notify = &notify;
		r = foreground_wait(&foreground, &creation->launch, exit_status, err);
		trace_phase("wait for the program");
		explain_end(creation, *exit_status, end);
		if (r < 0)
			finish_unheard(creation);
		else
			r = finish(creation, err);
		trace_phase("delete");
	}
	notify_proxy_end(&notify);
	foreground_end(&foreground);
	return r;
}

static int run_detached(struct creation *creation, run_begin *begin, struct error *err)
{
	struct notify_proxy notify = {-1, -1, -1};
	int r = begin(creation, &notify, err);

	close_fd(&creation->directory);
	if (r == 0)
		notify_proxy_wait(&notify, creation->launch.init.pid, creation->launch.init_pidfd);
	notify_proxy_end(&notify);
	return r;
}

int run_by(struct creation *creation, run_begin *begin, int *exit_status, struct error *end,
	   struct error *err)
{
	int r;

	*exit_status = 0;
	r = creation->request->detach ? run_detached(creation, begin, err)
				      : run_in_foreground(creation, begin, exit_status, end, err);
	creation_release(creation);
	return r;
}

int container_run(const struct state_root *root, const struct create_request *request,
		  int *exit_status, struct error *end, struct error *err)
{
	struct creation creation = {.root = root, .request = request};

	return run_by(&creation, create_and_start, exit_status, end, err);
}
