/*
 * hooks: the programs to run at six moments of a container's life.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#posix-platform-hooks
 *
 *	prestart, createRuntime   runtime   the namespaces are there, the root is not entered
 *	createContainer           init      the mounts are there, the root is not entered
 *	startContainer            init      inside the container, before its program
 *	poststart                 runtime   the program has begun
 *	poststop                  runtime   the container is deleted
 *
 * What a hook writes to its standard output is nobody's, and the end of what it writes to its standard error
 * is kept for the error; with the annotations run.oci.hooks.stdout and .stderr each is added to a file.
 * That file is the host's: it is opened before the container is made, also for the hooks inside.
 *
 * Used by both programs: nothing here allocates.
 */
#include "linux/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/clock.h"
#include "basic/file.h"
#include "basic/log.h"
#include "basic/signals.h"
#include "basic/syscalls.h"
#include "linux/annotations.h"
#include "linux/section.h"

enum {
	TAIL_SIZE = 1024,    /* what is kept of a hook's standard error: its last bytes */
	PIPE_SIZE = 65536,   /* pipe(7) */
	WORTH_TELLING = 500, /* milliseconds: who fails sooner has failed at once */
	DURATION_SIZE = 32,
};

struct running_hook {
	pid_t pid;
	int pidfd;
	uint64_t begun; /* on the clock of clock_milliseconds() */
	int output;	/* the reading end of its standard error */
	int errors;	/* the file that gets a copy of that, or -1 */
	char tail[TAIL_SIZE + 1];
	size_t tail_len;
};

/* -- validate ---------------------------------------------------------------------------------- */

static int validate_list(const struct oci_hook *hooks, size_t count, const char *kind,
			 struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (hooks[i].path[0] != '/') {
			error_config(err, "path \"%s\" is not absolute", hooks[i].path);
			return error_in(err, "hooks.%s[%zu]", kind, i);
		}
		if (hooks[i].has_timeout && hooks[i].timeout <= 0) {
			error_config(err, "timeout %d is not above 0", hooks[i].timeout);
			error_hint(err, "it is in seconds; leave it out for no limit");
			return error_in(err, "hooks.%s[%zu]", kind, i);
		}
	}
	return 0;
}

static int hooks_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_hooks *hooks = config->hooks;
	int r = 0;

	if (!hooks)
		return 0;
	r = validate_list(hooks->prestart, hooks->prestart_len, "prestart", err);
	if (r == 0)
		r = validate_list(hooks->create_runtime, hooks->create_runtime_len, "createRuntime",
				  err);
	if (r == 0)
		r = validate_list(hooks->create_container, hooks->create_container_len,
				  "createContainer", err);
	if (r == 0)
		r = validate_list(hooks->start_container, hooks->start_container_len,
				  "startContainer", err);
	if (r == 0)
		r = validate_list(hooks->poststart, hooks->poststart_len, "poststart", err);
	if (r == 0)
		r = validate_list(hooks->poststop, hooks->poststop_len, "poststop", err);
	return r;
}

/* -- output ------------------------------------------------------------------------------------ */

static int open_output(const char *path, struct error *err)
{
	/* O_NONBLOCK: opening a FIFO would wait for a reader. */
	autoclose int fd = -1;

	if (path[0] != '/')
		return error_config(err, "\"%s\" is not absolute", path);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd < 0 || fcntl(fd, F_SETFL, O_APPEND) < 0)
		return error_errno(err, errno, "open %s", path);
	return take_fd(&fd);
}

static int open_annotated(const struct oci_pair *annotations, size_t count, const char *key,
			  struct error *err)
{
	const char *path = annotation_in(annotations, count, key);
	int fd = path ? open_output(path, err) : -1;

	if (path && fd < 0)
		error_in(err, "annotations[\"%s\"]", key);
	return fd;
}

int hook_output_open(const struct oci_pair *annotations, size_t count, struct hook_output *output,
		     struct error *err)
{
	struct error failed = {0};

	output->standard = open_annotated(annotations, count, "run.oci.hooks.stdout", &failed);
	output->errors = -1;
	if (!failed.code)
		output->errors =
			open_annotated(annotations, count, "run.oci.hooks.stderr", &failed);
	if (!failed.code)
		return 0;
	hook_output_close(output);
	*err = failed;
	return -err->code;
}

void hook_output_close(struct hook_output *output)
{
	close_fd(&output->standard);
	close_fd(&output->errors);
}

static int hooks_prepare(struct container *container, struct error *err)
{
	const struct oci_config *config = container->config;

	if (!config->hooks)
		return 0;
	return hook_output_open(config->annotations, config->annotations_len,
				&container->hook_output, err);
}

/* -- run --------------------------------------------------------------------------------------- */

/* A file with the state, to be read from its beginning: unlike with a pipe it does not matter whether the
 * hook reads it. */
static int open_state(const char *state, struct error *err)
{
	autoclose int fd = memfd_create("state", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return error_errno(err, errno, "make the hook's input");
	r = file_write_all(fd, state, strlen(state));
	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, r < 0 ? -r : errno, "write the hook's input");
	return take_fd(&fd);
}

/* output becomes its standard output, or nothing does if it is -1. */
static _Noreturn void become_hook(const struct oci_hook *hook, const char *directory, int input,
				  int output, int errors)
{
	static const char *nothing[] = {NULL};
	const char *path_alone[] = {hook->path, NULL};
	const char **args = hook->args_len ? hook->args : path_alone;
	const char **env = hook->env_len ? hook->env : nothing;
	char reason[ERROR_REASON_SIZE];
	autoclose int null = output < 0 ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;

	/* Nobody would wait for it any more. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	signals_reset(EVERY_SIGNAL);
	setpgid(0, 0);
	/* In a container's mount namespace the bundle may be out of reach; the hook decides what that means. */
	if (directory && chdir(directory) < 0)
		(void)!chdir("/");
	/* Its input and output have numbers above 2 here: stdio is open in every command. */
	dup2(input, STDIN_FILENO);
	dup2(output >= 0 ? output : null >= 0 ? null : errors, STDOUT_FILENO);
	dup2(errors, STDERR_FILENO);
	sys_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	execve(hook->path, (char *const *)(uintptr_t)args, (char *const *)(uintptr_t)env);
	error_reason(errno, reason);
	dprintf(STDERR_FILENO, "%s", reason);
	_exit(127);
}

/* Without a pidfd its end could not be waited for. */
static int give_up(struct running_hook *run, struct error *err)
{
	int reason = errno;

	kill(run->pid, SIGKILL);
	waitpid(run->pid, NULL, 0);
	return error_errno(err, reason, "watch the hook");
}

static int start_hook(const struct oci_hook *hook, const struct hook_list *list, const char *state,
		      struct running_hook *run, struct error *err)
{
	int output = list->output ? list->output->standard : -1;
	autoclose int input = -1, writer = -1, reader = -1;
	int ends[2];

	input = open_state(state, err);
	if (input < 0)
		return input;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "make a pipe");
	reader = ends[0];
	writer = ends[1];
	run->pid = fork();
	if (run->pid == 0)
		become_hook(hook, list->directory, input, output, writer);
	if (run->pid < 0)
		return error_errno(err, errno, "fork");
	run->pidfd = sys_pidfd_open(run->pid);
	if (run->pidfd < 0)
		return give_up(run, err);
	run->output = take_fd(&reader);
	run->errors = list->output ? list->output->errors : -1;
	fcntl(run->output, F_SETFL, O_NONBLOCK);
	return 0;
}

/* Takes what the hook has written, and keeps the end of it.  Returns 0 when there is nothing more at the
 * moment, and a negative errno when there never will be. */
static int drain(struct running_hook *run)
{
	char piece[TAIL_SIZE];
	ssize_t count = read(run->output, piece, sizeof(piece));
	size_t fresh, kept;

	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (count <= 0)
		return count < 0 ? -errno : -EPIPE;
	fresh = (size_t)count;
	if (run->errors >= 0)
		(void)file_write_all(run->errors, piece, fresh);
	kept = run->tail_len + fresh > TAIL_SIZE ? TAIL_SIZE - fresh : run->tail_len;
	memmove(run->tail, run->tail + run->tail_len - kept, kept);
	memcpy(run->tail + kept, piece, fresh);
	run->tail_len = kept + fresh;
	return 1;
}

/* Waits for the hook's end, at most until the deadline (0: for ever); false when that has passed. */
static bool wait_for_hook(struct running_hook *run, uint64_t deadline)
{
	struct pollfd watched[] = {
		{.fd = run->pidfd, .events = POLLIN},
		{.fd = run->output, .events = POLLIN},
	};

	for (;;) {
		uint64_t now = deadline ? clock_milliseconds() : 0;
		uint64_t left = deadline > now ? deadline - now : 0;
		int timeout = !deadline ? -1 : left > INT_MAX ? INT_MAX : (int)left;

		if (deadline && left == 0)
			return false;
		if (poll(watched, 2, timeout) < 0 && errno != EINTR)
			return false;
		if (watched[1].revents && drain(run) < 0)
			watched[1].fd = -1;
		if (watched[0].revents)
			return true;
	}
}

/* The last line that the hook wrote, without what a terminal or a log would take for more than text. */
static const char *last_line(struct running_hook *run)
{
	char *line;

	while (run->tail_len > 0 && strchr("\r\n \t", run->tail[run->tail_len - 1]))
		run->tail_len--;
	run->tail[run->tail_len] = '\0';
	line = strrchr(run->tail, '\n');
	line = line ? line + 1 : run->tail;
	for (char *byte = line; *byte; byte++)
		if ((unsigned char)*byte < ' ')
			*byte = ' ';
	return line;
}

/* " after 1.2 s", or nothing. */
static const char *duration(const struct running_hook *run, char text[DURATION_SIZE])
{
	uint64_t spent = clock_milliseconds() - run->begun;

	text[0] = '\0';
	if (spent >= WORTH_TELLING)
		snprintf(text, DURATION_SIZE, " after %u.%u s", (unsigned int)(spent / 1000),
			 (unsigned int)(spent % 1000 / 100));
	return text;
}

static int judge(const struct oci_hook *hook, struct running_hook *run, int status,
		 struct error *err)
{
	char spent[DURATION_SIZE];
	const char *line;

	duration(run, spent);
	/* As much as a pipe holds: what it has left running may never stop. */
	for (int i = 0; i < PIPE_SIZE / TAIL_SIZE && drain(run) > 0; i++)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	line = last_line(run);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return error_config(err, "run %s: %s", hook->path,
				    line[0] ? line : "exit status 127");
	if (WIFSIGNALED(status))
		error_config(err, "%s was killed by signal %d%s", hook->path, WTERMSIG(status),
			     spent);
	else
		error_config(err, "%s: exit status %d%s", hook->path, WEXITSTATUS(status), spent);
	return line[0] ? error_hint(err, "it said: %s", line) : -err->code;
}

static int run_hook(const struct oci_hook *hook, const struct hook_list *list, const char *state,
		    struct error *err)
{
	struct running_hook run = {.pid = -1, .pidfd = -1, .output = -1, .errors = -1};
	uint64_t deadline = 0;
	bool ended;
	int status = 0, r;

	run.begun = clock_milliseconds();
	if (hook->has_timeout)
		deadline = run.begun + (uint64_t)hook->timeout * 1000;
	r = start_hook(hook, list, state, &run, err);
	if (r < 0)
		return r;
	ended = wait_for_hook(&run, deadline);
	if (!ended)
		kill(-run.pid, SIGKILL);
	if (!ended)
		kill(run.pid, SIGKILL);
	while (waitpid(run.pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (ended)
		r = judge(hook, &run, status, err);
	else
		r = error_config(err, "%s did not end within its timeout of %d s", hook->path,
				 hook->timeout);
	log_debug("%s hook %s: %u ms", list->kind, hook->path,
		  (unsigned int)(clock_milliseconds() - run.begun));
	close_fd(&run.pidfd);
	close_fd(&run.output);
	return r;
}

int hooks_run(const struct hook_list *list, const char *state, struct error *err)
{
	for (size_t i = 0; i < list->count; i++)
		if (run_hook(&list->hooks[i], list, state, err) < 0)
			return error_in(err, "hooks.%s[%zu]: error running %s hook #%zu",
					list->kind, i, list->kind, i);
	return 0;
}

const struct section section_hooks = {
	.path = "hooks",
	.validate = hooks_validate,
	.prepare = hooks_prepare,
};
