/* "exec": another program in a container that is there.  What stands behind the id is that program's. */
#include "runtime/exec.h"

#include <limits.h>

#include "cli/request.h"

static const struct option exec_options[] = {
	{"additional-gids", 'g', "GID", "add this supplementary group; can be repeated",
	 CHOICE(LIST, additional_gids)},
	{"apparmor", 0, "PROFILE", "the AppArmor profile", CHOICE(TEXT, apparmor)},
	{"cap", 'c', "NAME", "add this capability; can be repeated", CHOICE(LIST, cap)},
	{"cgroup", 0, "PATH",
	 "a cgroup below the container's; can be repeated for v1, as "
	 "CONTROLLERS:PATH",
	 CHOICE(LIST, cgroup)},
	{"console-socket", 0, "PATH", "send the terminal to this socket",
	 CHOICE(TEXT, console_socket)},
	{"cwd", 0, "DIR", "the directory to start in", CHOICE(TEXT, cwd)},
	{"detach", 'd', NULL, "do not wait for the program's end", CHOICE(SWITCH, detach)},
	{"env", 'e', "NAME=VALUE", "add to the environment; can be repeated", CHOICE(LIST, env)},
	{"ignore-paused", 0, NULL,
	 "a paused container will do: the program begins when it is resumed",
	 CHOICE(SWITCH, ignore_paused)},
	{"no-new-privs", 0, NULL, "set no_new_privs", CHOICE(SWITCH, no_new_privs)},
	{"no-subreaper", 0, NULL, "accepted for compatibility, of no effect", OPTION_IGNORED, 0},
	{"pid-file", 0, "FILE", "write the process's pid to this file", CHOICE(TEXT, pid_file)},
	{"pidfd-socket", 0, "PATH", "send the process's pidfd to this socket",
	 CHOICE(TEXT, pidfd_socket)},
	{"preserve-fds", 0, "N", "hand over the N file descriptors from 3 on",
	 CHOICE(NUMBER, preserve_fds)},
	{"process", 'p', "FILE", "what to run and how, as in config.json; - is standard input",
	 CHOICE(TEXT, process)},
	{"process-label", 0, "LABEL", "the SELinux label", CHOICE(TEXT, process_label)},
	{"tty", 't', NULL, "give it a terminal", CHOICE(SWITCH, tty)},
	{"user", 'u', "UID[:GID]", "who it runs as", CHOICE(TEXT, user)},
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

static int run(const struct choices *choices, struct error *err)
{
	struct exec_request request = {
		.id = choices->arguments[0],
		.process_file = choices->process,
		.args = (const char *const *)choices->arguments + 1,
		.env = choices->env,
		.capabilities = choices->cap,
		.additional_gids = choices->additional_gids,
		.cgroups = choices->cgroup,
		.cwd = choices->cwd,
		.user = choices->user,
		.apparmor = choices->apparmor,
		.selinux_label = choices->process_label,
		.console_socket = choices->console_socket,
		.pid_file = choices->pid_file,
		.pidfd_socket = choices->pidfd_socket,
		.terminal = choices->tty,
		.no_new_privileges = choices->no_new_privs,
		.detach = choices->detach,
		.ignore_paused = choices->ignore_paused,
	};
	struct state_root root = {.fd = -1};
	int exit_status = 0;
	int r;

	r = preserved_fds(choices, &request.preserve_fds, &request.listen_fds, err);
	if (r == 0)
		r = state_root_open(&root, choices->root, false, err);
	if (r == 0)
		r = container_exec(&root, &request, &exit_status, err);
	state_root_release(&root);
	return r < 0 ? r : exit_status;
}

const struct command command_exec = {
	.name = "exec",
	.arguments = "ID [PROGRAM [ARGUMENT...]]",
	.summary = "run another program in a container",
	.options = {exec_options},
	.least = 1,
	.most = INT_MAX,
	.options_first = true,
	.failure = 255,
	.run = run,
};
