/* What the runtime does when the stage or init asks: one function for each request of the protocol. */
#include "launch/answers.h"

#include <errno.h>
#include <fcntl.h>

#include "basic/cleanup.h"
#include "basic/socket.h"
#include "basic/syscalls.h"
#include "cgroup/cgroup.h"
#include "launch/listener.h"
#include "launch/order.h"
#include "launch/protocol.h"
#include "linux/hook-state.h"
#include "linux/hooks.h"
#include "linux/id-mappings.h"
#include "linux/net-devices.h"
#include "linux/seccomp-listener.h"

/* The process that asks before init is known: the stage, or init itself. */
static pid_t asker(const struct launch *launch)
{
	return launch->stage ? launch->stage : launch->init.pid;
}

static int map_ids(void *context, const struct letter *request, struct error *err)
{
	const struct launch *launch = context;

	(void)request;
	return id_mappings_write(launch->container, asker(launch), err);
}

int launch_know_init(struct launch *launch, pid_t pid, struct error *err)
{
	launch->container->init_pid = pid;
	if (!launch->container->exec)
		return process_identify(pid, launch->init_pidfd, &launch->init, err);
	launch->init.pid = pid; /* no record tells of it */
	return 0;
}

/* Init is a child of this process that nobody has waited for: its pid cannot be another's. */
static int init_is(void *context, const struct letter *request, struct error *err)
{
	struct launch *launch = context;
	pid_t pid = (pid_t)request->value;
	int r;

	launch->init_pidfd = sys_pidfd_open(pid);
	if (launch->init_pidfd < 0)
		return error_errno(err, errno, "open the container's init");
	r = launch_know_init(launch, pid, err);
	return r < 0 ? r : SAID_DONE; /* the stage waits for no word */
}

static int move_devices(void *context, const struct letter *request, struct error *err)
{
	struct launch *launch = context;

	if (request->fd < 0)
		return error_errno(err, EPROTO, "move network devices");
	return net_devices_move(launch->container, request->fd, &launch->net_devices, err);
}

int launch_hooks(struct container *container, struct error *err)
{
	const struct oci_hooks *hooks = container->config->hooks;
	const struct hook_list prestart = {"prestart", hooks->prestart, hooks->prestart_len,
					   container->bundle, &container->hook_output};
	const struct hook_list create_runtime = {"createRuntime", hooks->create_runtime,
						 hooks->create_runtime_len, container->bundle,
						 &container->hook_output};
	const char *state = hook_state(container, "creating");
	int r = hooks_run(&prestart, state, err);

	return r == 0 ? hooks_run(&create_runtime, state, err) : r;
}

static int run_hooks(void *context, const struct letter *request, struct error *err)
{
	(void)request;
	return launch_hooks(((struct launch *)context)->container, err);
}

int launch_take_console(struct launch *launch, int fd, struct error *err)
{
	autoclose int socket = -1;

	if (fd < 0)
		return error_errno(err, EPROTO, "take the terminal");
	if (!launch->console_socket) {
		launch->console = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		return launch->console < 0 ? error_errno(err, errno, "take the terminal") : 0;
	}
	socket = socket_connect(launch->console_socket, err);
	if (socket < 0 || socket_send_fd(socket, fd, "/dev/ptmx", err) < 0)
		return error_in(err, "--console-socket");
	return 0;
}

static int take_console(void *context, const struct letter *request, struct error *err)
{
	return launch_take_console(context, request->fd, err);
}

int launch_errand(const struct launch *launch, const char *status, struct listener_errand *errand,
		  struct error *err)
{
	const struct container *container = launch->container;
	const struct oci_config *config = container->config;
	const struct seccomp_plan *seccomp = &container->seccomp;
	const struct oci_state state = {
		.oci_version = config->oci_version,
		.id = container->id,
		.status = status,
		.has_pid = true,
		.pid = container->exec ? container->target_pid : container->init_pid,
		.bundle = container->bundle,
		.annotations = config->annotations,
		.annotations_len = config->annotations_len,
	};

	*errand = (struct listener_errand){
		.agent = seccomp->agent,
		.pidfd = launch->init_pidfd,
	};
	if (!errand->agent)
		return 0;
	errand->state = seccomp_listener_state(&state, container->init_pid, seccomp->metadata,
					       container->arena);
	return errand->state ? 0 : arena_full(container->arena, err);
}

static int take_listener(void *context, const struct letter *request, struct error *err)
{
	const struct launch *launch = context;
	struct listener_errand errand;
	const char *status = launch->target_status ? launch->target_status : "creating";
	int r = launch_errand(launch, status, &errand, err);

	if (r == 0)
		r = listener_take(launch->socket, &errand, request, err);
	return r < 0 ? r : SAID_DONE;
}

/* Now that init needs no more memory, processes and device nodes. */
static int limit(const struct launch *launch, struct error *err)
{
	const struct oci_linux *properties = launch->container->config->linux;
	const struct oci_resources *resources = properties ? properties->resources : NULL;

	if (launch->container->exec)
		return 0;
	if (cgroup_tell_limits(launch->cgroup, resources, launch->keeper, err) < 0)
		return -err->code;
	return cgroup_limit(launch->cgroup, resources, err);
}

static int send_pidfd(const struct launch *launch, struct error *err)
{
	const char *name = launch->container->exec ? "setns" : "standard";
	autoclose int socket = -1;

	if (!launch->pidfd_socket)
		return 0;
	socket = socket_connect(launch->pidfd_socket, err);
	if (socket < 0 || socket_send_fd(socket, launch->init_pidfd, name, err) < 0)
		return error_in(err, "--pidfd-socket");
	return 0;
}

int launch_attach(const struct launch *launch, section_filter *wanted, struct error *err)
{
	if (limit(launch, err) < 0)
		return -err->code;
	if (launch->keeper)
		cgroup_dismiss(launch->keeper);
	for (const struct section *const *section = attach_order; *section; section++)
		if (wanted(*section) &&
		    (*section)->attach(launch->container, launch->init.pid, err) < 0)
			return -err->code;
	return send_pidfd(launch, err);
}

static int ready(void *context, const struct letter *request, struct error *err)
{
	const struct launch *launch = context;

	(void)request;
	return launch_attach(launch, launch->container->exec ? section_is_for_exec : section_is_any,
			     err);
}

static answer_function *const answers[MESSAGE_COUNT] = {
	[MAP_IDS] = map_ids,	       [INIT_IS] = init_is,
	[MOVE_DEVICES] = move_devices, [RUN_HOOKS] = run_hooks,
	[TAKE_CONSOLE] = take_console, [TAKE_LISTENER] = take_listener,
	[GOES_ON_AS] = init_is,	       [READY] = ready,
};

static struct conversation talk_over(struct launch *launch, int socket)
{
	return (struct conversation){
		.socket = socket,
		.answers = answers,
		.context = launch,
	};
}

int answer_stage(struct launch *launch, struct error *err)
{
	const struct conversation talk = talk_over(launch, launch->stage_socket);

	return answer_requests(&talk, NO_MESSAGE, launch->container->exec ? GOES_ON_AS : INIT_IS,
			       err);
}

int answer_init(struct launch *launch, struct error *err)
{
	const struct conversation talk = talk_over(launch, launch->socket);
	/* exec's stage has a whole conversation of its own. */
	bool goes_on = launch->container->staged && !launch->container->exec;
	enum message after = goes_on ? INIT_IS : NO_MESSAGE;

	return answer_requests(&talk, after, READY, err);
}

int answer_ready(struct launch *launch, struct error *err)
{
	const struct conversation talk = talk_over(launch, launch->socket);

	return answer_done(&talk, err);
}
