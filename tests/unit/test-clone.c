#include "basic/clone.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "basic/syscalls.h"
#include "unit.h"

/* What the child writes, who works in the parent's memory. */
static volatile pid_t seen;
static volatile bool here; /* is the child about to execute, or to end */

static pid_t lend(void (*work)(void *context), void *context, int patience)
{
	const struct clone_args args = {.exit_signal = SIGCHLD};
	pid_t pid;

	here = false;
	seen = 0;
	errno = 0;
	pid = clone_lending(&args, work, context, patience);
	if (!clone_can_lend) {
		ck_assert_int_eq(pid, -1);
		ck_assert_int_eq(errno, ENOSYS);
	}
	return pid;
}

static int end_of(pid_t pid)
{
	int status = -1;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void take_a_while(void)
{
	nanosleep(&(const struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
}

static void execute(void *context)
{
	char *const args[] = {(char *)"sh", (char *)"-c", context, NULL};
	char room[32 * 1024]; /* on its own stack */

	memset(room, 1, sizeof(room));
	seen = getpid();
	take_a_while();
	here = room[0] == 1;
	execv("/bin/sh", args);
	_exit(99);
}

TEST(goes_on_when_the_child_has_executed_a_program)
{
	pid_t pid = lend(execute, (char *)"exit 7", 0);

	if (!clone_can_lend)
		return;
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(seen, pid);
	ck_assert(here);
	ck_assert_int_eq(WEXITSTATUS(end_of(pid)), 7);
}

static void end(void *context)
{
	take_a_while();
	here = true;
	_exit((int)(intptr_t)context);
}

TEST(goes_on_when_the_child_has_ended)
{
	pid_t pid = lend(end, (void *)5, 0);

	if (!clone_can_lend)
		return;
	ck_assert_int_gt(pid, 0);
	ck_assert(here);
	ck_assert_int_eq(WEXITSTATUS(end_of(pid)), 5);
}

static void close_input(void *context)
{
	(void)context;
	_exit(close(STDIN_FILENO) < 0);
}

TEST(gives_the_child_descriptors_of_its_own)
{
	pid_t pid = lend(close_input, NULL, 0);

	if (!clone_can_lend)
		return;
	ck_assert_int_eq(end_of(pid), 0);
	ck_assert_int_ge(fcntl(STDIN_FILENO, F_GETFD), 0);
}

static volatile int alarms;

static void on_alarm(int signal)
{
	(void)signal;
	alarms++;
}

TEST(is_not_ended_by_a_signal)
{
	const struct sigaction action = {.sa_handler = on_alarm}, usual = {.sa_handler = SIG_DFL};
	const struct itimerspec soon = {.it_value = {.tv_nsec = 5 * 1000 * 1000}};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	timer_t timer;
	pid_t pid;

	if (!clone_can_lend)
		return;
	sigaction(SIGALRM, &action, NULL);
	ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	ck_assert_int_eq(timer_settime(timer, 0, &soon, NULL), 0);
	pid = lend(end, NULL, 10);
	ck_assert(here);
	ck_assert_int_eq(alarms, 1);
	ck_assert_int_eq(end_of(pid), 0);
	timer_delete(timer);
	sigaction(SIGALRM, &usual, NULL);
}

static void stay(void *context)
{
	*(volatile pid_t *)context = getpid();
	for (;;)
		pause();
}

TEST(kills_a_child_that_takes_too_long)
{
	pid_t child = 0;

	if (lend(stay, &child, 1) >= 0)
		ck_abort_msg("a child that does nothing has begun");
	if (!clone_can_lend)
		return;
	ck_assert_int_eq(errno, ETIME);
	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(WTERMSIG(end_of(child)), SIGKILL);
}

TEST(says_why_there_is_no_child)
{
	const struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.cgroup = 1000000,
		.exit_signal = SIGCHLD,
	};

	errno = 0;
	ck_assert_int_eq(clone_lending(&args, end, NULL, 0), -1);
	ck_assert_int_eq(errno, clone_can_lend ? EBADF : ENOSYS);
}

RUN_TESTS("clone", goes_on_when_the_child_has_executed_a_program, goes_on_when_the_child_has_ended,
	  gives_the_child_descriptors_of_its_own, is_not_ended_by_a_signal,
	  kills_a_child_that_takes_too_long, says_why_there_is_no_child)
