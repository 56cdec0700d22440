/*
 * The runtime's side of proa-systemd, which speaks to systemd for it: see systemd/main.c.
 *
 * It lies in a fixed place, or beside the runtime where that has not been installed; never is it searched.
 * It gets a socket, and neither environment nor files: what the caller handed over for the container is none
 * of its business.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/clock.h"
#include "basic/log.h"
#include "basic/procfs.h"
#include "basic/signals.h"
#include "basic/syscalls.h"
#include "cgroup/systemd.h"

#define PROGRAM	  "proa-systemd"
#define INSTALLED LIBEXECDIR "/proa/" PROGRAM

int systemd_check_built(struct error *err)
{
	if (WITH_SYSTEMD)
		return 0;
	error_config(err, "this build of proa has no systemd cgroup manager");
	return error_hint(err, "use --cgroup-manager cgroupfs");
}

/* -- the program -------------------------------------------------------------------------------- */

/* The one of the same build, in the folder in which the runtime lies.  That folder may be anybody's, as /tmp
 * is: the file counts only if it belongs to whoever made the runtime, and nobody else may write to it. */
static int open_beside(void)
{
	char path[PATH_MAX];
	autoclose int fd = -1, runtime = procfs_follow(procfs_own(), "self/exe", O_PATH);
	struct stat own, status;
	char *slash;

	if (runtime < 0 || fstat(runtime, &own) < 0 ||
	    procfs_read_link(procfs_own(), "self/exe", path, sizeof(path) - sizeof(PROGRAM)) < 0)
		return -1;
	slash = strrchr(path, '/');
	if (!slash)
		return -1;
	strcpy(slash + 1, PROGRAM);
	fd = openat(AT_FDCWD, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
	    status.st_uid != own.st_uid || (status.st_mode & S_IWOTH))
		return -1;
	return take_fd(&fd);
}

static int open_program(struct error *err)
{
	int fd = open_beside();

	if (fd < 0)
		fd = openat(AT_FDCWD, INSTALLED, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	error_config(err, "the systemd cgroup manager needs " INSTALLED ", which is missing");
	return error_hint(err, "install proa as a whole, or use --cgroup-manager cgroupfs");
}

static _Noreturn void become_helper(int program, int socket, int null)
{
	char *const args[] = {(char *)PROGRAM, NULL};
	char *const environment[] = {NULL};

	signals_reset(EVERY_SIGNAL);
	/* All of them have numbers above 2 here: stdio is open in every command. */
	dup2(socket, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	sys_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	if (chdir("/") == 0)
		syscall(SYS_execveat, program, "", args, environment, AT_EMPTY_PATH);
	_exit(127);
}

int helper_begin(struct cgroup_keeper *helper, struct error *err)
{
	autoclose int program = open_program(err), null = -1, own = -1, its = -1;
	int ends[2];

	if (program < 0)
		return program;
	null = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return error_errno(err, errno, "open /dev/null");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, errno, "make a socket for " PROGRAM);
	own = ends[0];
	its = ends[1];
	helper->pid = fork();
	if (helper->pid == 0)
		become_helper(program, its, null);
	if (helper->pid < 0) {
		helper->pid = 0;
		return error_errno(err, errno, "start " PROGRAM);
	}
	helper->socket = take_fd(&own);
	return 0;
}

void helper_end(struct cgroup_keeper *helper)
{
	if (helper->pid == 0)
		return;
	close_fd(&helper->socket);
	/* It has answered whatever it was asked.  A child that is not waited for: the pid is its. */
	kill(helper->pid, SIGKILL);
	while (waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	helper->pid = 0;
}

/* -- the talk ----------------------------------------------------------------------------------- */

static int send_request(int socket, struct request *request, struct error *err)
{
	if (request->failed)
		return error_errno(err, ENOMEM, "ask systemd");
	if (request->length > REQUEST_MOST_BYTES) {
		error_config(err,
			     "the properties of the unit take %zu bytes, and there is room for %d",
			     request->length, REQUEST_MOST_BYTES);
		return error_hint(err, "linux.resources has too many devices");
	}
	if (send(socket, request->bytes, request->length, MSG_NOSIGNAL) < 0)
		return error_errno(err, errno, "ask " PROGRAM);
	return 0;
}

static int wait_for_answer(int socket, struct error *err)
{
	uint64_t deadline = clock_milliseconds() + HELPER_MILLISECONDS;
	struct pollfd wait = {.fd = socket, .events = POLLIN};

	for (;;) {
		uint64_t now = clock_milliseconds();
		int r = now < deadline ? poll(&wait, 1, (int)(deadline - now)) : 0;

		if (r > 0)
			return 0;
		if (r == 0)
			return error_config(err, PROGRAM ": no answer within %d s",
					    HELPER_MILLISECONDS / 1000);
		if (errno != EINTR)
			return error_errno(err, errno, "wait for " PROGRAM);
	}
}

static int take_answer(int socket, struct error *err)
{
	struct answer answer;
	ssize_t length = recv(socket, &answer, sizeof(answer), 0);

	if (length == 0 || (length < 0 && errno == ECONNRESET)) {
		error_config(err, PROGRAM " ended without an answer");
		return error_hint(err, "it may lack its library, libsystemd.so.0, or be of "
				       "another version than proa");
	}
	if (length < 0)
		return error_errno(err, errno, "hear from " PROGRAM);
	if (length != sizeof(answer))
		return error_config(err, PROGRAM " is of another version than proa");
	answer.dropped[sizeof(answer.dropped) - 1] = '\0';
	answer.err.text[sizeof(answer.err.text) - 1] = '\0';
	answer.err.hint[sizeof(answer.err.hint) - 1] = '\0';
	if (answer.dropped[0])
		log_debug("this systemd does not know %s", answer.dropped);
	if (answer.err.code == 0)
		return 0;
	*err = answer.err;
	return error_in(err, "systemd");
}

int helper_ask(const struct cgroup_keeper *helper, struct request *request, struct error *err)
{
	int r = send_request(helper->socket, request, err);

	free(request->bytes);
	*request = (struct request){0};
	if (r == 0)
		r = wait_for_answer(helper->socket, err);
	return r < 0 ? r : take_answer(helper->socket, err);
}

int helper_ask_once(struct request *request, struct error *err)
{
	struct cgroup_keeper helper = {.socket = -1};
	int r = helper_begin(&helper, err);

	if (r == 0)
		r = helper_ask(&helper, request, err);
	else
		free(request->bytes);
	helper_end(&helper);
	return r;
}
