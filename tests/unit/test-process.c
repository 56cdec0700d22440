#include "basic/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/clock.h"
#include "basic/syscalls.h"
#include "child.h"
#include "unit.h"

static struct error err;

/* A child that has a name and waits until it is killed. */
static pid_t start(const char *name)
{
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		close(ready[0]);
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static int identify(pid_t pid, struct process *process)
{
	autoclose int pidfd = sys_pidfd_open(pid);

	*process = (struct process){.of_this_boot = false};
	return process_identify(pid, pidfd, process, &err);
}

static void expect_name(const char *name, const char *expected)
{
	struct process_status status = {0};
	struct process process;
	pid_t pid = start(name);

	ck_assert_int_eq(process_status(pid, &status), 0);
	ck_assert_int_eq(identify(pid, &process), 0);
	stop(pid);
	ck_assert_str_eq(status.name, expected);
	ck_assert(status.state == 'S' || status.state == 'R');
	ck_assert_uint_gt(status.start_time, 0);
	ck_assert_uint_eq(process.start_time, status.start_time);
}

TEST(reads_names_of_any_bytes)
{
	expect_name("sh", "sh");
	expect_name("two words", "two words");
	expect_name("a) Z 1 (b", "a) Z 1 (b");
	expect_name("((", "((");
	expect_name("))", "))");
	expect_name(") R 1 1 1 1 1 1", ") R 1 1 1 1 1 1");
	expect_name("line\nbreak", "line\nbreak");
	expect_name("", "");
	expect_name("longer than fifteen", "longer than fif");
}

TEST(knows_that_there_is_no_such_process)
{
	struct process_status status;
	struct process process;
	pid_t pid = start("gone");

	stop(pid);
	ck_assert_int_eq(process_status(pid, &status), -ESRCH);
	ck_assert_int_eq(identify(pid, &process), -ESRCH);
	ck_assert_ptr_nonnull(strstr(err.text, ": no such process"));
}

TEST(opens_the_process_that_it_identified)
{
	struct process_status status = {0};
	struct process process;
	pid_t pid = start("meant");
	int fd, again;

	ck_assert_int_eq(identify(pid, &process), 0);
	ck_assert_int_eq(process.pid, pid);
	fd = process_open(&process, &status);
	again = process_open(&process, NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(again, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_str_eq(status.name, "meant");
	close(fd);
	close(again);
	stop(pid);
	ck_assert_int_eq(process_open(&process, NULL), -ESRCH);
}

TEST(does_not_open_another_with_the_same_pid)
{
	struct process process, other;
	pid_t pid = start("another");

	ck_assert_int_eq(identify(pid, &process), 0);
	other = process;
	other.start_time++;
	ck_assert_int_eq(process_open(&other, NULL), -ESRCH);
	other = process;
	other.start_time = 0;
	ck_assert_int_eq(process_open(&other, NULL), -ESRCH);
	/* Started in the same tick, and told apart by what the kernel counts. */
	other = process;
	other.pidfd_inode++;
	if (process.pidfd_inode)
		ck_assert_int_eq(process_open(&other, NULL), -ESRCH);
	/* Recorded by a kernel that did not tell. */
	other.pidfd_inode = 0;
	ck_assert_int_ge(process_open(&other, NULL), 0);
	stop(pid);
}

TEST(the_inode_is_enough_since_the_machine_was_started)
{
	struct process process, other;
	autoclose int pidfd = -1;
	siginfo_t end;
	pid_t pid = start("of this boot");

	ck_assert_int_eq(identify(pid, &process), 0);
	if (process.pidfd_inode) {
		other = process;
		other.of_this_boot = true;
		other.start_time = 0;
		ck_assert_int_ge(process_open(&other, NULL), 0);
		other.pidfd_inode++;
		ck_assert_int_eq(process_open(&other, NULL), -ESRCH);
	}
	/* Then nobody asks for the time, either. */
	other = (struct process){.of_this_boot = true};
	ck_assert_int_eq(process_identify(pid, -1, &other, &err), 0);
	ck_assert_uint_eq(other.start_time, process.start_time);
	pidfd = sys_pidfd_open(pid);
	ck_assert_int_eq(process_identify(pid, pidfd, &other, &err), 0);
	ck_assert_uint_eq(other.pidfd_inode, process.pidfd_inode);
	ck_assert_uint_eq(other.start_time, process.pidfd_inode ? 0 : process.start_time);
	/* Where the kernel does not tell, it is the time that counts. */
	other = process;
	other.of_this_boot = true;
	other.pidfd_inode = 0;
	ck_assert_int_ge(process_open(&other, NULL), 0);
	other.start_time++;
	ck_assert_int_eq(process_open(&other, NULL), -ESRCH);

	process.of_this_boot = true;
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(process_open(&process, NULL), -ESRCH);
	stop(pid);
	ck_assert_int_eq(process_open(&process, NULL), -ESRCH);
}

static void *end_later(void *pipe)
{
	char byte;

	_exit(read(*(int *)pipe, &byte, 1) == 0 ? 0 : 1);
}

TEST(a_process_lives_as_long_as_one_of_its_threads)
{
	struct process_status status = {0};
	struct process process;
	int ends[2];
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		pthread_t handle;

		close(ends[1]);
		pthread_create(&handle, NULL, end_later, &ends[0]);
		syscall(SYS_exit, 0); /* this thread alone */
	}
	ck_assert_int_eq(identify(pid, &process), 0);
	while (process_status(pid, &status) == 0 && status.state != 'Z')
		sched_yield();
	for (int i = 0; i < 2; i++) {
		process.of_this_boot = i;
		ck_assert_int_ge(process_open(&process, NULL), 0);
		ck_assert_int_ge(process_open(&process, &status), 0);
	}
	close(ends[1]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(process_open(&process, NULL), -ESRCH);
}

TEST(opens_no_process_when_none_is_meant)
{
	const struct process none = {.pid = 0}, all = {.pid = -1};

	ck_assert_int_eq(process_open(&none, NULL), -ESRCH);
	ck_assert_int_eq(process_open(&all, NULL), -ESRCH);
}

TEST(takes_a_zombie_for_gone)
{
	struct process_status status = {0};
	struct process process;
	siginfo_t end;
	pid_t pid = start("zombie");

	ck_assert_int_eq(identify(pid, &process), 0);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(process_status(pid, &status), 0);
	ck_assert_int_eq(status.state, 'Z');
	ck_assert_int_eq(process_open(&process, NULL), -ESRCH);
	stop(pid);
}

static void *stay(void *ready)
{
	*(_Atomic pid_t *)ready = (pid_t)syscall(SYS_gettid);
	for (;;)
		pause();
	return NULL;
}

TEST(takes_anothers_thread_for_no_process)
{
	struct process process = {.start_time = 1};
	_Atomic pid_t thread = 0;
	pthread_t handle;

	ck_assert_int_eq(pthread_create(&handle, NULL, stay, &thread), 0);
	while (thread == 0)
		sched_yield();
	process.pid = thread;
	ck_assert_int_eq(process_open(&process, NULL), -ESRCH);
}

TEST(knows_who_is_about_to_end)
{
	struct process_status status = {0};
	siginfo_t end;
	pid_t pid = start("ending");

	ck_assert(!process_is_ending(pid));
	/* A signal that is blocked, or stops it, is no end. */
	kill(pid, SIGSTOP);
	ck_assert(!process_is_ending(pid));
	/* Held at its end by a tracer it has no more than been killed. */
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_TRACEEXIT), 0);
	kill(pid, SIGKILL);
	while (waitid(P_PID, (id_t)pid, &end, WSTOPPED | WEXITED | WNOWAIT) == 0 &&
	       end.si_code == CLD_TRAPPED && end.si_status >> 8 != PTRACE_EVENT_EXIT) {
		waitpid(pid, NULL, 0);
		ptrace(PTRACE_CONT, pid, NULL, NULL);
	}
	ck_assert_int_eq(process_status(pid, &status), 0);
	ck_assert_int_ne(status.state, 'Z');
	ck_assert(process_is_ending(pid));
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	/* One that has begun to end, which a zombie has. */
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT), 0);
	ck_assert(process_is_ending(pid));
	waitpid(pid, NULL, 0);
	ck_assert(!process_is_ending(pid));
}

TEST(does_not_take_a_process_for_gone_that_it_cannot_look_at)
{
	struct rlimit files = {.rlim_max = 1024};
	struct process process;
	pid_t pid = start("hidden");
	int last;

	ck_assert_int_eq(identify(pid, &process), 0);
	last = dup(STDIN_FILENO);
	/* none at all; then one, for the pidfd, and none to read with */
	for (int more = 1; more <= 2; more++) {
		files.rlim_cur = (rlim_t)last + (rlim_t)more;
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
		ck_assert_int_eq(process_open(&process, NULL), -EMFILE);
	}
	files.rlim_cur = files.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	ck_assert_int_ge(process_open(&process, NULL), 0);
	stop(pid);
}

/* As a plain user sees it where the kernel shows him nobody else's. */
static int open_hidden(void *context, struct error *e)
{
	const struct process *process = context;

	(void)e;
	skip_unless(geteuid() == 0 && unshare(CLONE_NEWNS) == 0);
	skip_unless(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	skip_unless(mount("proc", "/proc", "proc", 0, "hidepid=invisible") == 0);
	skip_unless(setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0);
	skip_unless(setresuid(65534, 65534, 65534) == 0);
	return process_open(process, NULL);
}

TEST(does_not_take_a_process_for_gone_that_is_hidden)
{
	pid_t pid = start("hidden");
	struct process process = {.pid = pid};
	int r = in_child(open_hidden, &process, &err);

	ck_assert(r == -EPERM || r == CHILD_SKIPPED);
	stop(pid);
}

/* Where /proc is something else, or the procfs of another pid namespace. */
static int open_elsewhere(void *context, struct error *e)
{
	const struct process *process = context;
	const char *type = process->start_time ? "tmpfs" : "proc";
	int status = 0;
	pid_t pid;

	(void)e;
	skip_unless(geteuid() == 0 && unshare(CLONE_NEWNS | CLONE_NEWPID) == 0);
	skip_unless(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	pid = fork();
	if (pid == 0)
		_exit(mount(type, "/proc", type, 0, NULL) < 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0
		       ? process_open(process, NULL)
		       : CHILD_SKIPPED;
}

TEST(goes_by_no_other_proc)
{
	pid_t pid = start("elsewhere");

	for (uint64_t tmpfs = 0; tmpfs <= 1; tmpfs++) {
		struct process process = {.pid = pid, .start_time = tmpfs};
		int r = in_child(open_elsewhere, &process, &err);

		ck_assert_msg(r == -EXDEV || r == CHILD_SKIPPED, "%d", r);
	}
	stop(pid);
}

TEST(tells_processes_apart_that_follow_one_another)
{
	struct process first, second;
	pid_t one = start("same"), two = start("same");

	ck_assert_int_eq(identify(one, &first), 0);
	ck_assert_int_eq(identify(two, &second), 0);
	stop(one);
	stop(two);
	ck_assert_int_ne(first.pid, second.pid);
	if (first.pidfd_inode)
		ck_assert_uint_ne(first.pidfd_inode, second.pidfd_inode);
}

TEST(waits_for_the_end_but_not_too_long)
{
	struct process process;
	uint64_t before;
	pid_t pid = start("waited for");
	int fd;

	ck_assert_int_eq(identify(pid, &process), 0);
	fd = process_open(&process, NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(process_wait(fd, 0), 0);
	before = clock_milliseconds();
	ck_assert_int_eq(process_wait(fd, 50), 0);
	ck_assert_uint_ge(clock_milliseconds() - before, 49);
	kill(pid, SIGKILL);
	ck_assert_int_eq(process_wait(fd, -1), 1);
	ck_assert_int_eq(process_wait(fd, 0), 1);
	stop(pid);
	ck_assert_int_eq(process_wait(fd, 0), 1);
	close(fd);
}

RUN_TESTS("process", reads_names_of_any_bytes, knows_that_there_is_no_such_process,
	  opens_the_process_that_it_identified, does_not_open_another_with_the_same_pid,
	  the_inode_is_enough_since_the_machine_was_started,
	  a_process_lives_as_long_as_one_of_its_threads, opens_no_process_when_none_is_meant,
	  takes_a_zombie_for_gone, takes_anothers_thread_for_no_process, knows_who_is_about_to_end,
	  does_not_take_a_process_for_gone_that_it_cannot_look_at,
	  does_not_take_a_process_for_gone_that_is_hidden, goes_by_no_other_proc,
	  tells_processes_apart_that_follow_one_another, waits_for_the_end_but_not_too_long)
