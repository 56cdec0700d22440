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
enum { LAST_WORDS_MILLISECONDS = 100 };

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

/* Waits for every child that has ended; what init ended with, if it was among them, is put into
 * *exit_status, and true is returned. */
static bool reap(pid_t init, int *exit_status)
{
	bool ended = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != init)
			continue;
		ended = true;
		*exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
	return ended;
}

/* Handles what signals have come; true when the container's program has ended. */
static bool take_signals(const struct foreground *foreground, const struct launch *launch,
			 int *exit_status)
{
	struct signalfd_siginfo info;
	bool ended = false;

	while (read(foreground->signals, &info, sizeof(info)) == sizeof(info)) {
		int signal = (int)info.ssi_signo;

		if (signal == SIGCHLD)
			ended |= reap(launch->init.pid, exit_status);
		else if (signal == SIGWINCH)
			console_resize(launch->console);
		else if (signal != SIGURG)
			sys_pidfd_send_signal(launch->init_pidfd, signal);
	}
	return ended;
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
				int *exit_status, struct error *err)
{
	struct pollfd watched[FIRST_OF_CONSOLE];

	while (!take_signals(foreground, launch, exit_status)) {
		watch(foreground, watched);
		if (poll(watched, FIRST_OF_CONSOLE, -1) < 0 && errno != EINTR)
			return error_errno(err, errno, "wait for the container");
		take_notice(foreground, launch);
	}
	return 0;
}

static int wait_with_console(const struct foreground *foreground, const struct launch *launch,
			     int *exit_status, struct error *err)
{
	struct console console;
	bool ended = false;
	int r;

	console_begin(&console, launch->console);
	while (!ended || console_has_output(&console)) {
		struct pollfd watched[FIRST_OF_CONSOLE + CONSOLE_POLLS];

		watch(foreground, watched);
		console_watch(&console, &watched[FIRST_OF_CONSOLE], ended);
		r = poll(watched, FIRST_OF_CONSOLE + CONSOLE_POLLS,
			 ended ? LAST_WORDS_MILLISECONDS : -1);
		if (r < 0 && errno != EINTR) {
			console_end(&console);
			return error_errno(err, errno, "wait for the container");
		}
		/* Somebody else still has the terminal open, and says nothing. */
		if (r == 0)
			break;
		console_copy(&console, &watched[FIRST_OF_CONSOLE]);
		take_notice(foreground, launch);
		ended |= take_signals(foreground, launch, exit_status);
	}
	console_end(&console);
	return 0;
}

int foreground_wait(struct foreground *foreground, const struct launch *launch, int *exit_status,
		    struct error *err)
{
	if (launch->console >= 0)
		return wait_with_console(foreground, launch, exit_status, err);
	return wait_without_console(foreground, launch, exit_status, err);
}

void foreground_end(struct foreground *foreground)
{
	close_fd(&foreground->signals);
	sigprocmask(SIG_SETMASK, &foreground->mask, NULL);
}
