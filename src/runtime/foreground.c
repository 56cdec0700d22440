/*
 * "run" in the foreground: as long as the container's program runs the runtime stands in for it.  What
 * signals the runtime gets it passes on, and when the program ends it ends in the same way.
 */
#include "runtime/foreground.h"

#include <errno.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/log.h"
#include "basic/syscalls.h"
#include "runtime/console.h"
#include "runtime/notify-socket.h"

/* What the program wrote before its end is still there to be read. */
enum { LAST_WORDS_MILLISECONDS = 100, SIGNALS_AT_ONCE = 8 };

int foreground_begin(struct foreground *foreground, struct error *err)
{
	sigset_t all;

	*foreground = (struct foreground){.signals = -1};
	sigfillset(&all);
	/* Those are this process's own mistakes, and must end it. */
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGABRT);
	if (sigprocmask(SIG_BLOCK, &all, &foreground->mask) < 0)
		return error_errno(err, errno, "block signals");
	foreground->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (foreground->signals < 0)
		return error_errno(err, errno, "watch signals");
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	return 0;
}

/* How the container's program ended, once it has. */
struct outcome {
	bool ended;
	int exit_status;
};

/* Waits for every child that has ended, of which init may be one.  Its end is announced but once: if it
 * cannot be found out then, that is an error, and nothing to go on waiting for. */
static int reap(pid_t init, struct outcome *outcome, struct error *err)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) != 0) {
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return outcome->ended ? 0
					      : error_errno(err, errno, "wait for the container");
		if (pid != init)
			continue;
		/* Who is left has this process for a parent no longer than it takes to clean up. */
		outcome->ended = true;
		outcome->exit_status =
			WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		return 0;
	}
	return 0;
}

/* Handles what signals have come, of many some at a time. */
static int take_signals(const struct foreground *foreground, const struct launch *launch,
			struct outcome *outcome, struct error *err)
{
	struct signalfd_siginfo infos[SIGNALS_AT_ONCE];
	ssize_t length = read(foreground->signals, infos, sizeof(infos));
	int r = 0;

	for (ssize_t i = 0; r == 0 && i < length / (ssize_t)sizeof(infos[0]); i++) {
		int signal = (int)infos[i].ssi_signo;

		if (signal == SIGCHLD)
			r = reap(launch->init.pid, outcome, err);
		else if (signal == SIGWINCH)
			console_resize(launch->console);
		else if (signal != SIGURG)
			sys_pidfd_send_signal(launch->init_pidfd, signal);
	}
	return r;
}

/* The rows of poll(2). */
enum { SIGNALS, NOTICES, FIRST_OF_CONSOLE };

static void watch(const struct foreground *foreground, struct pollfd *rows)
{
	const struct notify_proxy *notify = foreground->notify;

	rows[SIGNALS] = (struct pollfd){.fd = foreground->signals, .events = POLLIN};
	rows[NOTICES] = (struct pollfd){.fd = notify ? notify->inside : -1, .events = POLLIN};
}

static void take_notice(const struct foreground *foreground, const struct launch *launch)
{
	if (foreground->notify)
		notify_proxy_take(foreground->notify, launch->init.pid);
}

static int wait_without_console(const struct foreground *foreground, const struct launch *launch,
				struct outcome *outcome, struct error *err)
{
	struct pollfd watched[FIRST_OF_CONSOLE];
	int r;

	do {
		watch(foreground, watched);
		if (poll(watched, FIRST_OF_CONSOLE, -1) < 0 && errno != EINTR)
			return error_errno(err, errno, "wait for the container");
		take_notice(foreground, launch);
		r = take_signals(foreground, launch, outcome, err);
	} while (r == 0 && !outcome->ended);
	return r;
}

static int wait_with_console(const struct foreground *foreground, const struct launch *launch,
			     struct outcome *outcome, struct error *err)
{
	struct console console;
	int r = 0;

	console_begin(&console, launch->console);
	while (r == 0 && (!outcome->ended || console_has_output(&console))) {
		struct pollfd watched[FIRST_OF_CONSOLE + CONSOLE_POLLS];
		int ready;

		watch(foreground, watched);
		console_watch(&console, &watched[FIRST_OF_CONSOLE], outcome->ended);
		ready = poll(watched, FIRST_OF_CONSOLE + CONSOLE_POLLS,
			     outcome->ended ? LAST_WORDS_MILLISECONDS : -1);
		if (ready < 0 && errno != EINTR)
			r = error_errno(err, errno, "wait for the container");
		/* Somebody else still has the terminal open, and says nothing. */
		if (ready == 0 || r < 0)
			break;
		console_copy(&console, &watched[FIRST_OF_CONSOLE]);
		take_notice(foreground, launch);
		r = take_signals(foreground, launch, outcome, err);
	}
	console_end(&console);
	return r;
}

int foreground_wait(struct foreground *foreground, const struct launch *launch, int *exit_status,
		    struct error *err)
{
	struct outcome outcome = {0};
	int r;

	if (launch->console >= 0)
		r = wait_with_console(foreground, launch, &outcome, err);
	else
		r = wait_without_console(foreground, launch, &outcome, err);
	*exit_status = outcome.exit_status;
	return r;
}

void foreground_end(struct foreground *foreground)
{
	close_fd(&foreground->signals);
	sigprocmask(SIG_SETMASK, &foreground->mask, NULL);
}
