/*
 * Counts what a command and all its children do, until they end or become the container's program:
 *
 *	count [--instructions] [--program FILE] COMMAND...
 *
 * The last line on standard error is JSON: system calls, page faults, programs executed, processes made, the
 * most that one of them had resident (peak, in KiB) and, with --instructions, instructions in user mode.  All of it is counted by ptrace(2): the figures are those of
 * any machine, and do not depend on what else it does.  Instructions are counted by single steps, some
 * microseconds each.  x86-64.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MOST = 8192,
	GRACE = 200, /* milliseconds that the others have to come to rest when the command has ended */
};

static const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			    PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT;

struct task {
	pid_t pid;
	bool stopped_once; /* a new one begins with a SIGSTOP that is ptrace's, not its own */
	long counter;	   /* where it was at the last step */
};

struct counts {
	long calls, faults, execs, processes, instructions, peak;
};

static struct task tasks[MOST];
static size_t tasks_len;
static struct counts counts;
static bool stepping;
static struct stat program; /* st_ino is 0: none */

static void fail(const char *what)
{
	fprintf(stderr, "count: %s: %s\n", what, strerror(errno));
	exit(125);
}

static struct task *find(pid_t pid)
{
	for (size_t i = tasks_len; i > 0; i--)
		if (tasks[i - 1].pid == pid)
			return &tasks[i - 1];
	if (tasks_len == MOST) {
		errno = E2BIG;
		fail("processes");
	}
	tasks[tasks_len] = (struct task){.pid = pid};
	return &tasks[tasks_len++];
}

static void forget(struct task *task)
{
	*task = tasks[--tasks_len];
}

/* The page faults of one thread so far, of which an exec takes none away. */
static long faults_of(pid_t pid)
{
	char path[64], line[1024];
	long faults = 0;
	ssize_t len;
	char *end;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	len = read(fd, line, sizeof(line) - 1);
	close(fd);
	line[len < 0 ? 0 : len] = '\0';
	/* The name may have anything in it but ends with the last parenthesis: eight fields come between. */
	end = strrchr(line, ')');
	if (!end || sscanf(end, ") %*c %*d %*d %*d %*d %*d %*u %ld", &faults) != 1)
		fail("the faults of a process");
	return faults;
}

/* What was resident at most of one process, in KiB; the largest of them counts. */
static void look_at_peak(pid_t pid)
{
	char path[64], text[4096];
	const char *peak;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len < 0 ? 0 : len] = '\0';
	peak = strstr(text, "VmHWM:");
	if (peak && atol(peak + strlen("VmHWM:")) > counts.peak)
		counts.peak = atol(peak + strlen("VmHWM:"));
}

static bool is_program(pid_t pid)
{
	char path[64];
	struct stat now;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return program.st_ino && stat(path, &now) == 0 && now.st_ino == program.st_ino &&
	       now.st_dev == program.st_dev;
}

/* A step that does not leave the place is a string instruction's next round, not an instruction. */
static void count_step(struct task *task)
{
	long counter = ptrace(PTRACE_PEEKUSER, task->pid, offsetof(struct user, regs.rip), 0);

	if (counter != task->counter)
		counts.instructions++;
	task->counter = counter;
}

static void count_call(pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 &&
	    info.op == PTRACE_SYSCALL_INFO_ENTRY)
		counts.calls++;
}

/* Returns whether the process is still to be traced. */
static bool take_event(struct task *task, int event)
{
	if (event == PTRACE_EVENT_EXIT) {
		counts.faults += faults_of(task->pid);
		look_at_peak(task->pid);
	} else if (event != PTRACE_EVENT_EXEC) {
		counts.processes++;
	} else if (is_program(task->pid)) {
		counts.faults += faults_of(task->pid);
		return false;
	} else {
		counts.execs++;
	}
	return true;
}

/* Returns the signal to go on with. */
static int take_signal(struct task *task, int signal)
{
	if (signal == (SIGTRAP | 0x80)) {
		count_call(task->pid);
		return 0;
	}
	if (signal == SIGTRAP && stepping) {
		count_step(task);
		return 0;
	}
	if (signal == SIGSTOP && !task->stopped_once) {
		task->stopped_once = true;
		return 0;
	}
	return signal;
}

static void take_stop(pid_t pid, int status)
{
	struct task *task = find(pid);
	int signal = 0;

	if (status >> 16) {
		if (!take_event(task, status >> 16)) {
			forget(task);
			ptrace(PTRACE_DETACH, pid, 0, 0);
			return;
		}
	} else {
		signal = take_signal(task, WSTOPSIG(status));
	}
	ptrace(stepping ? PTRACE_SINGLESTEP : PTRACE_SYSCALL, pid, 0, signal);
}

/* Follows all until the command itself has ended and those it left behind, as create does, are at rest. */
static int follow(pid_t command)
{
	int left = -1, result = 0, status;

	while (tasks_len > 0 && left != 0) {
		pid_t pid = waitpid(-1, &status, __WALL | (left < 0 ? 0 : WNOHANG));

		if (pid < 0)
			break;
		if (pid == 0) {
			usleep(1000);
			left--;
		} else if (WIFSTOPPED(status)) {
			take_stop(pid, status);
		} else {
			forget(find(pid));
			if (pid == command) {
				result = status;
				left = GRACE;
			}
		}
	}
	for (size_t i = 0; i < tasks_len; i++)
		counts.faults += faults_of(tasks[i].pid);
	return result;
}

static pid_t begin(char **words)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execv(words[0], words);
		_exit(126);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0, options) < 0)
		fail("trace the command");
	find(pid)->stopped_once = true;
	/* What it did until here was this program's: nothing counts before its exec. */
	counts.faults = -faults_of(pid);
	ptrace(PTRACE_CONT, pid, 0, 0);
	if (waitpid(pid, &status, 0) < 0 || status >> 16 != PTRACE_EVENT_EXEC)
		fail(words[0]);
	take_stop(pid, status);
	return pid;
}

/* A step is two changes of process: on one processor, ahead of others, they take the least. */
static void stay_together(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0 || setpriority(PRIO_PROCESS, 0, -20) < 0)
		fail("stay on one processor");
}

int main(int argc, char **argv)
{
	int first = 1, status;

	for (; first < argc && argv[first][0] == '-'; first++) {
		if (strcmp(argv[first], "--instructions") == 0)
			stepping = true;
		else if (strcmp(argv[first], "--program") != 0 || !argv[first + 1] ||
			 stat(argv[++first], &program) < 0)
			fail(argv[first]);
	}
	if (first >= argc)
		fail("no command");
	if (stepping)
		stay_together();
	status = follow(begin(argv + first));
	fprintf(stderr,
		"\n{\"calls\": %ld, \"faults\": %ld, \"execs\": %ld, \"processes\": %ld, "
		"\"instructions\": %ld, \"peak\": %ld}\n",
		counts.calls, counts.faults, counts.execs, counts.processes, counts.instructions,
		counts.peak);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
