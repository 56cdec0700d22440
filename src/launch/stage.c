/*
 * The stage: a process that goes into namespaces which only its next child is in.
 *
 *	pid_namespaces(7): setns(2) and unshare(2) with CLONE_NEWPID concern children
 *	time_namespaces(7): the offsets are set after unshare(2), before the first child
 *	user_namespaces(7): what the host's user namespace owns is joined before another is made
 *
 * Init is made with CLONE_PARENT: it is the runtime's child, and the stage can end.
 */
#include "launch/stage.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/syscalls.h"
#include "basic/trace.h"
#include "launch/protocol.h"
#include "linux/id-mappings.h"
#include "linux/namespaces.h"
#include "linux/narrow-host.h"
#include "linux/time-offsets.h"

static int ask_runtime(const struct container *container, enum message message, struct error *err)
{
	const struct letter request = {.message = message, .fd = -1};

	return ask(container->stage_socket, &request, err);
}

static int make_user_namespace(struct container *container, struct error *err)
{
	int r;

	if (!(container->new_namespaces & CLONE_NEWUSER))
		return 0;
	r = namespaces_make(container, CLONE_NEWUSER, err);
	if (r == 0)
		r = ask_runtime(container, MAP_IDS, err);
	return r == 0 ? id_mappings_become(container, err) : r;
}

/* Enters the user namespace, new or joined, with what can only be joined before and after. */
static int enter_namespaces(struct container *container, struct error *err)
{
	int r;

	r = namespaces_join(container, false, err);
	if (r == 0)
		r = namespaces_join_user(container, err);
	if (r == 0 && (container->joined_namespaces & CLONE_NEWUSER))
		r = id_mappings_become(container, err);
	if (r == 0)
		r = make_user_namespace(container, err);
	return r == 0 ? namespaces_join(container, true, err) : r;
}

static int set_clocks(const struct container *container, struct error *err)
{
	if (!(container->new_namespaces & CLONE_NEWTIME))
		return 0;
	/* The change of users has made /proc/self root's, and not that of the user namespace's root. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return time_offsets_write(container, err);
}

/* Returns the child's pid, and 0 in the child. */
static pid_t clone_init(struct error *err)
{
	struct clone_args args = {.flags = CLONE_PARENT};
	pid_t pid;

	/* Whoever is in a joined pid namespace sees init from its first moment. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	pid = sys_clone3(&args);
	return pid >= 0 ? pid : error_errno(err, errno, "clone init");
}

int stage_run(struct container *container, struct error *err)
{
	pid_t pid;
	int r;

	r = narrow_host(container, err);
	if (r == 0)
		r = enter_namespaces(container, err);
	if (r == 0)
		r = namespaces_make(container, ~CLONE_NEWUSER, err);
	if (r == 0)
		r = set_clocks(container, err);
	if (r < 0)
		return r;
	trace_phase("namespaces");
	pid = clone_init(err);
	if (pid < 0)
		return pid;
	if (pid > 0) {
		r = tell_value(container->stage_socket, INIT_IS, pid, err);
		trace_phase("clone init");
		if (r < 0)
			tell_failure(container->stage_socket, err);
		_exit(r < 0);
	}
	trace_begin(TRACE_INIT);
	close_fd(&container->stage_socket);
	return 0;
}
