/* Init's steps that belong to no property of config.json: its talk with the runtime, and its end. */
#include "launch/init-steps.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/signals.h"
#include "basic/syscalls.h"
#include "launch/protocol.h"
#include "linux/hook-state.h"
#include "linux/hooks.h"
#include "linux/namespaces.h"

static int ask_runtime(struct container *container, enum message message, int fd, struct error *err)
{
	const struct letter request = {.message = message, .fd = fd};
	int64_t pid = 0;
	int r = ask(container->socket, &request, &pid, err);

	if (r == 0 && pid)
		container->init_pid = (pid_t)pid;
	return r;
}

/* Without a stage init itself joins and makes what it was not cloned into. */
static int join_namespaces(struct container *container, struct error *err)
{
	int made = CLONE_NEWUSER | CLONE_NEWPID;
	int r;

	if (container->staged)
		return 0;
	r = namespaces_join(container, true, err);
	return r == 0 ? namespaces_make(container, ~made, err) : r;
}

const struct step step_join_namespaces = {"linux.namespaces", join_namespaces};

/* -- hooks ------------------------------------------------------------------------------------- */

static int run_hooks(struct container *container, struct error *err)
{
	const struct oci_hooks *hooks = container->config->hooks;

	if (!hooks->prestart_len && !hooks->create_runtime_len && !hooks->create_container_len)
		return 0;
	return ask_runtime(container, RUN_HOOKS, -1, err);
}

const struct step step_run_hooks = {"hooks: createRuntime", run_hooks};

static int create_container_hooks(struct container *container, struct error *err)
{
	const struct oci_hooks *hooks = container->config->hooks;
	struct hook_list list;

	if (!hooks->create_container_len)
		return 0;
	list = (struct hook_list){"createContainer", hooks->create_container,
				  hooks->create_container_len, container->bundle};
	return hooks_run(&list, hook_state(container, "creating"), err);
}

const struct step step_create_container_hooks = {"hooks: createContainer", create_container_hooks};

static int start_container_hooks(struct container *container, struct error *err)
{
	const struct oci_hooks *hooks = container->config->hooks;
	struct hook_list list;

	if (!hooks || !hooks->start_container_len)
		return 0;
	list = (struct hook_list){"startContainer", hooks->start_container,
				  hooks->start_container_len, NULL};
	return hooks_run(&list, hook_state(container, "created"), err);
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

/* From here on init holds its stdio, what the caller wants kept and one socket. */
static int keep_one_socket(struct container *container, struct error *err)
{
	unsigned int first = 3 + container->preserve_fds;
	unsigned int kept = (unsigned int)(container->start_socket >= 0 ? container->start_socket
									: container->socket);

	if ((kept > first && sys_close_range(first, kept - 1, 0) < 0) ||
	    sys_close_range(kept + 1, ~0U, 0) < 0)
		return error_errno(err, errno, "close what the container must not have");
	return 0;
}

static int ready(struct container *container, struct error *err)
{
	return ask_runtime(container, READY, -1, err);
}

const struct step step_ready = {"ready", ready};

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

/* Waits until somebody says START; who comes and goes without a word is no reason to give up. */
static int wait_for_start(struct container *container, struct error *err)
{
	struct letter letter = {.fd = -1};
	bool listening = container->start_socket >= 0;
	int r;

	r = keep_one_socket(container, err);
	if (r < 0)
		return r;
	obey_signals();
	do {
		if (listening) {
			container->socket =
				accept4(container->start_socket, NULL, NULL, SOCK_CLOEXEC);
			if (container->socket < 0)
				return error_errno(err, errno, "wait for start");
		}
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

static int execute(struct container *container, struct error *err)
{
	const char **args = container->config->process->args;
	int r;

	signals_reset();
	r = tell(container->socket, EXECUTING, err);
	if (r == 0)
		r = step_seccomp_late.apply(container, err);
	if (r < 0)
		return r;
	execve(container->executable, (char *const *)(uintptr_t)args,
	       (char *const *)(uintptr_t)container->env);
	error_errno(err, errno, "exec: \"%s\"", args[0]);
	if (err->code == ENOENT)
		error_hint(err, "the file is there: the interpreter that it names is not");
	return error_in(err, "process.args[0]");
}

const struct step step_execute = {"execute", execute};
