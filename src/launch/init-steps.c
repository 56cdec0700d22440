/* Init's steps that belong to no property of config.json: its talk with the runtime, and its end. */
#include "launch/init-steps.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/procfs.h"
#include "basic/signals.h"
#include "basic/syscalls.h"
#include "launch/protocol.h"
#include "linux/hook-state.h"
#include "linux/hooks.h"
#include "linux/id-mappings.h"
#include "linux/namespaces.h"
#include "linux/seccomp-load.h"

/* Ten seconds of them. */
enum { MOST_ACCEPT_FAILURES = 200 };

int init_voice(const struct container *container)
{
	return container->stage_socket >= 0 ? container->stage_socket : container->socket;
}

static int ask_runtime(struct container *container, enum message message, int fd, struct error *err)
{
	const struct letter request = {.message = message, .fd = fd};

	return ask(init_voice(container), &request, err);
}

/* Without a stage init itself joins and makes what it was not cloned into. */
static int join_namespaces(struct container *container, struct error *err)
{
	/* A cgroup namespace begins where its maker is: it waits until init is in all of its cgroups. */
	int wait = container->memory_tasks >= 0 ? CLONE_NEWCGROUP : 0;
	int r;

	if (container->staged)
		return 0;
	r = namespaces_join(container, true, err);
	return r == 0 ? namespaces_make(container, ~(CLONE_NEWUSER | CLONE_NEWPID | wait), err) : r;
}

const struct step step_join_namespaces = {"linux.namespaces", join_namespaces};

/* Before any setting of the network, which may be one of theirs. */
static int move_devices(struct container *container, struct error *err)
{
	const struct oci_linux *properties = container->config->linux;
	autoclose int namespace = -1;

	if (!properties || !properties->net_devices_len)
		return 0;
	namespace = procfs_follow(container->proc_fd, "self/ns/net", O_RDONLY);
	if (namespace < 0)
		return error_errno(err, -namespace, "linux.netDevices: open /proc/self/ns/net");
	return ask_runtime(container, MOVE_DEVICES, namespace, err);
}

const struct step step_move_devices = {"linux.netDevices", move_devices};

/* -- hooks ------------------------------------------------------------------------------------- */

static int run_hooks(struct container *container, struct error *err)
{
	const struct oci_hooks *hooks = container->config->hooks;

	if (!hooks->prestart_len && !hooks->create_runtime_len && !hooks->create_container_len)
		return 0;
	return ask_runtime(container, RUN_HOOKS, -1, err);
}

const struct step step_run_hooks = {"hooks: createRuntime", run_hooks};

/* What hooks read that run in the container: its pid is the one that they see. */
static const char *state_inside(struct container *container, const char *status)
{
	container->init_pid = getpid();
	return hook_state(container, status);
}

static int create_container_hooks(struct container *container, struct error *err)
{
	const struct oci_hooks *hooks = container->config->hooks;
	struct hook_list list;

	if (!hooks->create_container_len)
		return 0;
	list = (struct hook_list){"createContainer", hooks->create_container,
				  hooks->create_container_len, container->bundle,
				  &container->hook_output};
	return hooks_run(&list, state_inside(container, "creating"), err);
}

const struct step step_create_container_hooks = {"hooks: createContainer", create_container_hooks};

static bool has_start_container_hooks(const struct container *container)
{
	const struct oci_hooks *hooks = container->config->hooks;

	return hooks && hooks->start_container_len;
}

static int start_container_hooks(struct container *container, struct error *err)
{
	const struct oci_hooks *hooks = container->config->hooks;
	struct hook_list list;

	if (!has_start_container_hooks(container))
		return 0;
	list = (struct hook_list){"startContainer", hooks->start_container,
				  hooks->start_container_len, NULL, &container->hook_output};
	return hooks_run(&list, state_inside(container, "created"), err);
}

const struct step step_start_container_hooks = {"hooks: startContainer", start_container_hooks};

/* -- the runtime ------------------------------------------------------------------------------- */

static int give_console(struct container *container, struct error *err)
{
	int r;

	if (container->console_fd < 0)
		return 0;
	r = ask_runtime(container, TAKE_CONSOLE, container->console_fd, err);
	close_fd(&container->console_fd);
	return r;
}

const struct step step_give_console = {"process.terminal: give", give_console};

/* Closes all from first on but those that are kept. */
static int close_all_but(unsigned int first, const int *kept, size_t count)
{
	unsigned int next = ~0U;

	for (size_t i = 0; i < count; i++)
		if (kept[i] >= 0 && (unsigned int)kept[i] >= first && (unsigned int)kept[i] < next)
			next = (unsigned int)kept[i];
	if (next > first && sys_close_range(first, next == ~0U ? next : next - 1, 0) < 0)
		return -errno;
	return next == ~0U ? 0 : close_all_but(next + 1, kept, count);
}

/* From here on init holds its stdio, what the caller wants kept and its sockets; and where a hook inside is
 * to have it, the file that gets what hooks write.  This may fail, so it comes before the commit point. */
static int keep_needed(struct container *container, struct error *err)
{
	const int kept[] = {
		container->start_socket,
		container->socket,
		has_start_container_hooks(container) ? container->hook_output.standard : -1,
		has_start_container_hooks(container) ? container->hook_output.errors : -1,
	};
	int r = close_all_but(3 + container->preserve_fds, kept, sizeof(kept) / sizeof(kept[0]));

	return r < 0 ? error_errno(err, -r, "close what the container must not have") : 0;
}

/*
 * Asks the runtime to take the filter's listener to the agent, right before the filter is loaded: as
 * loading it takes the lowest descriptor that is free, its number is that of the memory's, once that is
 * closed.
 */
static int give_listener(struct container *container, struct error *err)
{
	struct seccomp_plan *plan = &container->seccomp;
	autoclose int memory = memfd_create("listener", MFD_CLOEXEC);
	const size_t size = sizeof(*plan->handed_over);
	struct letter request = {.message = TAKE_LISTENER, .value = memory, .fd = memory};

	plan->listener = memory;
	if (memory < 0 || ftruncate(memory, (off_t)size) < 0)
		return error_errno(err, errno, "make memory for the listener");
	plan->handed_over = mmap(NULL, size, PROT_READ, MAP_SHARED, memory, 0);
	if (plan->handed_over == MAP_FAILED)
		return error_errno(err, errno, "map memory for the listener");
	return ask(container->socket, &request, err);
}

static int give_listener_early(struct container *container, struct error *err)
{
	return seccomp_is_early(container) && container->seccomp.agent
		       ? give_listener(container, err)
		       : 0;
}

const struct step step_give_listener = {"linux.seccomp: give the listener", give_listener_early};

static void end_by_signal(int signal)
{
	_exit(128 + signal);
}

/* The first process of a pid namespace gets only the signals that it has handlers for.  Who waits to be
 * started does not outlive being told to end. */
static void obey_signals(void)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM};
	const struct sigaction end = {.sa_handler = end_by_signal};
	sigset_t none;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &end, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int ready(struct container *container, struct error *err)
{
	int r = container->exec ? 0 : keep_needed(container, err);

	/* Before: whoever hears that it is ready may send it a signal at once. */
	obey_signals();
	return r < 0 ? r : ask_runtime(container, READY, -1, err);
}

const struct step step_ready = {"ready", ready};

/* "created" has been said already: a machine that is short of memory or descriptors for a moment is no
 * reason to end. */
static int accept_somebody(int listening, struct error *err)
{
	const struct timespec moment = {.tv_nsec = 50000000};
	int fd, failures = 0;

	while ((fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC)) < 0) {
		if (++failures == MOST_ACCEPT_FAILURES)
			return error_errno(err, errno, "wait for start");
		nanosleep(&moment, NULL);
	}
	return fd;
}

/* Waits until somebody says START; who comes and goes without a word is no reason to give up. */
static int wait_for_start(struct container *container, struct error *err)
{
	struct letter letter = {.fd = -1};
	bool listening = container->start_socket >= 0;
	int r;

	if (listening)
		close_fd(&container->socket);
	do {
		if (listening)
			container->socket = accept_somebody(container->start_socket, err);
		if (container->socket < 0)
			return container->socket;
		r = receive(container->socket, &letter, err);
		if (r < 0 && listening)
			close_fd(&container->socket);
	} while (r < 0 && listening);
	close_fd(&container->start_socket);
	if (r == 0 && letter.message != START)
		return error_errno(err, EPROTO, "%s came instead of start",
				   message_name(letter.message));
	return r;
}

const struct step step_wait_for_start = {"wait for start", wait_for_start};

/* -- the end ----------------------------------------------------------------------------------- */

static int no_process(struct error *err)
{
	error_config(err, "process is missing");
	return error_hint(err, "a container can be created without, but not started");
}

/* Loads a filter that comes late, and becomes the program. */
static int become_program(struct container *container, struct error *err)
{
	const struct oci_process *process = container->config->process;
	int r = 0;

	if (!seccomp_is_early(container) && container->seccomp.agent)
		r = give_listener(container, err);
	if (r == 0)
		r = step_seccomp_late.apply(container, err);
	if (r < 0)
		return r;
	execve(container->executable, (char *const *)(uintptr_t)process->args,
	       (char *const *)(uintptr_t)container->env);
	error_errno(err, errno, "exec: \"%s\"", process->args[0]);
	if (err->code == ENOENT)
		error_hint(err, "the file is there: the interpreter that it names is not");
	return error_in(err, "process.args[0]");
}

static int execute(struct container *container, struct error *err)
{
	int r;

	signals_heed(container->self.ignored);
	r = tell(container->socket, EXECUTING, err);
	if (r == 0 && !container->config->process)
		return no_process(err);
	return r == 0 ? become_program(container, err) : r;
}

const struct step step_execute = {"execute", execute};

/* -- exec -------------------------------------------------------------------------------------- */

/* Who is root of the host's in a user namespace of the container's could still open what is root's. */
static int enter_namespaces(struct container *container, struct error *err)
{
	int r = namespaces_enter(container, err);

	if (r == 0 && (container->target_namespaces & CLONE_NEWUSER))
		r = id_mappings_become(container, err);
	return r;
}

const struct step step_enter_namespaces = {"exec: enter the namespaces", enter_namespaces};

/* What is left is the container's: its root, and two sockets. */
static int keep_sockets(struct container *container, struct error *err)
{
	const int kept[] = {container->socket, container->stage_socket, container->root_fd};
	int r = close_all_but(3 + container->preserve_fds, kept, sizeof(kept) / sizeof(kept[0]));

	return r < 0 ? error_errno(err, -r, "close what the container must not have") : 0;
}

const struct step step_keep_sockets = {"exec: close", keep_sockets};

static int explain_clone(const struct container *container, struct error *err)
{
	error_errno(err, errno, "clone into the container's pid namespace");
	if (container->seccomp.filter && seccomp_is_early(container))
		error_hint(err, "linux.seccomp may forbid it: with process.noNewPrivileges it is "
				"loaded later");
	return -err->code;
}

/* The plain call: a filter that is loaded already lets it through sooner than clone3(2). */
static int enter_pid_namespace(struct container *container, struct error *err)
{
	pid_t pid;
	int r;

	if (container->stage_socket < 0)
		return 0;
	pid = sys_clone(CLONE_PARENT);
	if (pid < 0)
		return explain_clone(container, err);
	if (pid == 0) {
		close_fd(&container->stage_socket);
		return 0;
	}
	r = tell_value(container->stage_socket, GOES_ON_AS, pid, err);
	if (r < 0)
		tell_failure(container->stage_socket, err);
	_exit(r < 0);
}

/* An agent that answers for the filter is told who is under it: then that has to be there before. */
static int enter_pid_namespace_early(struct container *container, struct error *err)
{
	bool listens = seccomp_is_early(container) && container->seccomp.agent;

	return listens ? enter_pid_namespace(container, err) : 0;
}

const struct step step_enter_pid_early = {"exec: enter the pid namespace for an agent",
					  enter_pid_namespace_early};
const struct step step_enter_pid = {"exec: enter the pid namespace", enter_pid_namespace};

static int execute_more(struct container *container, struct error *err)
{
	signals_heed(container->self.ignored);
	return become_program(container, err);
}

const struct step step_execute_more = {"exec: execute", execute_more};
