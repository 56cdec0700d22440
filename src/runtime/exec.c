/*
 * "exec": another program in a container that is there.
 *
 * Nothing is locked, and nothing is written that would outlive the program: it is a process of the
 * container's, which ends with it, by its pid namespace or its cgroup.  Whoever deletes the container
 * meanwhile takes the process along, at whatever step it is.
 */
#include "runtime/exec.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>

#include "basic/cleanup.h"
#include "basic/process.h"
#include "basic/trace.h"
#include "cgroup/below.h"
#include "cgroup/cgroup.h"
#include "launch/launch.h"
#include "linux/cpu-affinity.h"
#include "linux/namespaces.h"
#include "linux/seccomp-compile.h"
#include "runtime/console.h"
#include "runtime/exec-process.h"
#include "runtime/exec-record.h"
#include "runtime/foreground.h"
#include "runtime/pid-file.h"
#include "runtime/record.h"
#include "runtime/status.h"

enum {
	END_MILLISECONDS = 1000,     /* until it has been killed, too */
	ENDING_MILLISECONDS = 10000, /* once it has */
	STEP_MILLISECONDS = 10,
};

struct exec {
	const struct exec_request *request;
	struct arena arena;
	struct container *container;
	struct view view;
	struct launch launch;
	struct oci_record_cgroup cgroup;
	struct pid_file pid_file;
	struct foreground foreground;
};

/* -- may it be? -------------------------------------------------------------------------------- */

/* Engines look for "container not running". */
static int refuse_stopped(struct error *err)
{
	error_config(err, "cannot exec in a stopped container: container not running");
	err->code = ESRCH;
	return -err->code;
}

static int check_status(const struct exec *exec, struct error *err)
{
	switch (exec->view.status) {
	case STATUS_CREATING:
		return error_config(err, "cannot exec in a container that is still being created");
	case STATUS_STOPPED:
		return refuse_stopped(err);
	case STATUS_PAUSED:
		if (!exec->request->ignore_paused)
			return error_config(err, "cannot exec in a paused container (use "
						 "--ignore-paused to override)");
		break;
	case STATUS_CREATED:
	case STATUS_RUNNING:
		break;
	}
	return 0;
}

/* What fails in a container that is about to end: its processes are killed first, and it ends after them. */
static bool is_sign_of_end(int code)
{
	return code == EPIPE || code == ECONNRESET || code == ESRCH || code == ENOMEM ||
	       code == ENODEV;
}

/* Whether the container ends within as many milliseconds.  The stage may have made a process and been killed
 * before it told of it: as long as nobody has waited for that, its pid namespace cannot end. */
static bool ends_within(const struct view *view, int milliseconds)
{
	int pidfd = view->pidfd, waited = 0;

	while (process_wait(pidfd, 0) == 0 &&
	       (waited < milliseconds ||
		(waited < ENDING_MILLISECONDS && process_is_ending(view->pid)))) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
		process_wait(pidfd, STEP_MILLISECONDS);
		waited += STEP_MILLISECONDS;
	}
	return process_wait(pidfd, 0) > 0;
}

/* Whatever failed, if it did because the container ended, then that is what there is to tell. */
static int explain_end(const struct exec *exec, struct error *err)
{
	int patience = is_sign_of_end(err->code) ? END_MILLISECONDS : 0;

	if (exec->view.pidfd >= 0 && ends_within(&exec->view, patience))
		return refuse_stopped(err);
	return -err->code;
}

/* -- plan -------------------------------------------------------------------------------------- */

/* The part of a config.json that the process has to do with. */
static int make_config(struct exec *exec, const struct oci_record_exec *common, struct error *err)
{
	const struct oci_record *record = exec->view.record;
	struct oci_config *config = arena_array(&exec->arena, struct oci_config, 1);
	struct oci_linux *properties = arena_array(&exec->arena, struct oci_linux, 1);
	int r;

	if (!config || !properties)
		return arena_full(&exec->arena, err);
	properties->personality = common->personality;
	properties->memory_policy = common->memory_policy;
	*config = (struct oci_config){
		.oci_version = record->oci_version,
		.annotations = record->annotations,
		.annotations_len = record->annotations_len,
		.linux = properties,
	};
	r = exec_process(exec->request, common->process, &exec->arena, &config->process, err);
	exec->container->config = config;
	return r == 0 ? console_check(config->process, exec->request->console_socket,
				      !exec->request->detach, err)
		      : r;
}

/* Of the container's own mounts only a record tells: those of a chroot are in the very namespace that its
 * maker was in, and that may not be this one. */
static int find_namespaces(struct container *container, const struct oci_record_exec *common,
			   struct error *err)
{
	bool own_mounts = !common->has_root_inode;
	int r;

	container->target_namespaces = (int)common->new_namespaces;
	r = namespaces_unlike(container->target_pid, &container->target_namespaces, err);
	container->joined_namespaces = container->target_namespaces & ~CLONE_NEWNS;
	if (own_mounts)
		container->joined_namespaces |= CLONE_NEWNS;
	return r;
}

static int fill_container(struct exec *exec, struct error *err)
{
	const struct exec_request *request = exec->request;
	const struct oci_record *record = exec->view.record;
	struct container *container = exec->container;
	const struct oci_record_exec *common;

	container->arena = &exec->arena;
	container->exec = true;
	container->id = record->id;
	container->bundle = record->bundle;
	container->rootfs = record->rootfs;
	container->intel_rdt = record->intel_rdt;
	container->target = exec->view.pidfd;
	container->target_pid = exec->view.pid;
	container->preserve_fds = request->preserve_fds;
	container->listen_fds = request->listen_fds;
	container->has_cgroup = exec->cgroup.v2 || exec->cgroup.directories_len;
	if (exec_record_load(exec->view.directory, container, &common, err) < 0)
		return -err->code;
	if (container->seccomp.filter && seccomp_expect_flags(container->seccomp.flags, err) < 0)
		return -err->code;
	if (find_namespaces(container, common, err) < 0)
		return -err->code;
	return make_config(exec, common, err);
}

static int plan(struct exec *exec, struct error *err)
{
	const struct exec_request *request = exec->request;
	struct launch *launch = &exec->launch;
	int r;

	launch->container = exec->container;
	launch->cgroup = &exec->cgroup;
	launch->console_socket = request->console_socket;
	launch->pidfd_socket = request->pidfd_socket;
	launch->target_status = status_name(exec->view.status);
	launch->patient = request->ignore_paused;
	launch->below = request->cgroups.count > 0;
	launch->lock = -1;
	r = cgroup_below(exec->view.record->cgroup, &request->cgroups, &exec->arena, &exec->cgroup,
			 err);
	if (r == 0)
		r = fill_container(exec, err);
	trace_phase("plan");
	return r == 0 ? launch_plan_exec(exec->container, err) : r;
}

/* -- run --------------------------------------------------------------------------------------- */

/* From here on nothing is done to the container, but to this process and its children. */
static int begin(struct exec *exec, struct error *err)
{
	int r = cpu_affinity_begin(exec->container, err);

	if (r == 0)
		r = launch_begin(&exec->launch, err);
	if (r == 0)
		r = launch_see_ready(&exec->launch, err);
	/* Only now: until it is ready, what ends this process ends it. */
	if (r == 0 && !exec->request->detach)
		r = foreground_begin(&exec->foreground, err);
	/* One that shares all its namespaces with the runtime would not have noticed. */
	if (r == 0 && process_wait(exec->view.pidfd, 0) > 0)
		r = refuse_stopped(err);
	if (r == 0)
		console_resize(exec->launch.console);
	if (r == 0)
		r = launch_commit(&exec->launch, err);
	if (r == 0)
		r = launch_become(&exec->launch, err);
	if (r == 0)
		r = pid_file_write(&exec->pid_file, exec->launch.init.pid, err);
	return r;
}

static int run(struct exec *exec, int *exit_status, struct error *err)
{
	int r = begin(exec, err);

	if (r == 0 && !exec->request->detach)
		r = foreground_wait(&exec->foreground, &exec->launch, exit_status, err);
	trace_phase("wait for the program");
	if (r == 0)
		return 0;
	/* First: as long as nobody has waited for it, its pid namespace cannot end. */
	launch_abort(&exec->launch);
	return explain_end(exec, err);
}

static int exec_in(struct exec *exec, int *exit_status, struct error *err)
{
	int r = check_status(exec, err);

	if (r == 0)
		r = pid_file_open(&exec->pid_file, exec->request->pid_file, err);
	if (r == 0)
		r = plan(exec, err);
	if (r < 0)
		return explain_end(exec, err);
	return run(exec, exit_status, err);
}

static void release(struct exec *exec)
{
	if (exec->foreground.signals >= 0)
		foreground_end(&exec->foreground);
	close_fd(&exec->launch.socket);
	close_fd(&exec->launch.init_pidfd);
	close_fd(&exec->launch.console);
	pid_file_release(&exec->pid_file);
}

int container_exec(const struct state_root *root, const struct exec_request *request,
		   int *exit_status, struct error *err)
{
	struct exec exec = {
		.request = request,
		.launch =
			{
				.socket = -1,
				.stage_socket = -1,
				.init_pidfd = -1,
				.stage_pidfd = -1,
				.console = -1,
			},
		.pid_file = {.directory = -1},
		.foreground = {.signals = -1},
	};
	int r;

	*exit_status = 0;
	r = arena_open_shared(&exec.arena, err);
	if (r < 0)
		return r;
	/* First in the arena, where proa-init looks for it. */
	exec.container = arena_alloc(&exec.arena, sizeof(*exec.container));
	r = exec.container ? view_open(&exec.view, root, request->id, &exec.arena, err)
			   : arena_full(&exec.arena, err);
	trace_phase("record");
	if (r == 0) {
		r = exec_in(&exec, exit_status, err);
		if (r < 0)
			error_in(err, "%s", request->id);
		view_release(&exec.view);
	}
	release(&exec);
	arena_release(&exec.arena);
	return r;
}
