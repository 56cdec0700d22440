/*
 * What is asked for is checked here as far as it can be without looking at the container: what the
 * caller hands over must be there before the runtime opens files of its own.
 */
#include "cli/request.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/log.h"
#include "cgroup/cgroup.h"

enum { FIRST_PRESERVED_FD = 3 };

const struct option create_options[] = {
	{"bundle", 'b', "DIR", "the bundle's directory [.]", CHOICE(TEXT, bundle)},
	{"config", 'f', "FILE", "the configuration in the bundle [config.json]",
	 CHOICE(TEXT, config)},
	{"console-socket", 0, "PATH", "send the terminal to this socket",
	 CHOICE(TEXT, console_socket)},
	{"no-new-keyring", 0, NULL, "keep the caller's session keyring",
	 CHOICE(SWITCH, no_new_keyring)},
	{"no-pivot", 0, NULL, "enter the root without pivot_root(2)", CHOICE(SWITCH, no_pivot)},
	{"no-subreaper", 0, NULL, "accepted for compatibility, of no effect", OPTION_IGNORED, 0},
	{"pid-file", 0, "FILE", "write the first process's pid to this file",
	 CHOICE(TEXT, pid_file)},
	{"pidfd-socket", 0, "PATH", "send the first process's pidfd to this socket",
	 CHOICE(TEXT, pidfd_socket)},
	{"preserve-fds", 0, "N", "hand over the N file descriptors from 3 on",
	 CHOICE(NUMBER, preserve_fds)},
	{NULL, 0, NULL, NULL, OPTION_IGNORED, 0},
};

/* A number of nothing but digits; 0 if it is none. */
static unsigned long count_in(const char *name)
{
	const char *text = getenv(name);
	unsigned long value;
	char *end;

	if (!text || *text < '0' || *text > '9')
		return 0;
	value = strtoul(text, &end, 10);
	return *end ? 0 : value;
}

/* How many sockets the caller hands over by the protocol of sd_listen_fds(3): they are there if
 * LISTEN_PID is this process. */
static unsigned long listen_fds(void)
{
	unsigned long pid = count_in("LISTEN_PID");

	if (pid && pid != (unsigned long)getpid()) {
		log_debug("LISTEN_FDS is left alone: it is for process %lu", pid);
		return 0;
	}
	return count_in("LISTEN_FDS");
}

int request_notify_socket(const char **address, struct error *err)
{
	const char *value = getenv("NOTIFY_SOCKET");

	*address = NULL;
	if (!value || !*value)
		return 0;
	if ((*value != '/' && *value != '@') || !value[1]) {
		error_config(err,
			     "NOTIFY_SOCKET: \"%s\" is neither an absolute path nor an "
			     "abstract name, which begins with @",
			     value);
		return error_hint(
			err, "unset it where nobody is to be told that the container is ready");
	}
	*address = value;
	return 0;
}

/* One that is not open now would be one of the runtime's own later. */
static int check_open(unsigned int preserve_fds, struct error *err)
{
	for (unsigned int i = 0; i < preserve_fds; i++) {
		int fd = FIRST_PRESERVED_FD + (int)i;

		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		error_config(err, "file descriptor %d is to be preserved, but is not open", fd);
		return error_hint(err, "--preserve-fds and LISTEN_FDS count from 3 on");
	}
	return 0;
}

int preserved_fds(const struct choices *choices, unsigned int *all, unsigned int *sockets,
		  struct error *err)
{
	unsigned long listened = listen_fds();
	unsigned long total = choices->preserve_fds + listened;

	if (total > INT_MAX - FIRST_PRESERVED_FD)
		return error_config(err, "%lu file descriptors cannot be preserved", total);
	*all = (unsigned int)total;
	*sockets = (unsigned int)listened;
	return check_open(*all, err);
}

int create_request_from(const struct choices *choices, struct create_request *request,
			struct error *err)
{
	int r;

	*request = (struct create_request){
		.id = choices->arguments[0],
		.bundle = choices->bundle,
		.config_file = choices->config,
		.pid_file = choices->pid_file,
		.console_socket = choices->console_socket,
		.pidfd_socket = choices->pidfd_socket,
		.cgroup_manager = choices->systemd_cgroup ? "systemd" : choices->cgroup_manager,
		.no_pivot = choices->no_pivot,
		.no_new_keyring = choices->no_new_keyring,
		.detach = choices->detach,
		.keep = choices->keep,
	};
	r = cgroup_check_manager(request->cgroup_manager, err);
	if (r == 0)
		r = request_notify_socket(&request->notify_socket, err);
	return r == 0 ? preserved_fds(choices, &request->preserve_fds, &request->listen_fds, err)
		      : r;
}
