/*
 * The runtime's side of making a container: it clones init, or the stage that clones init, and answers
 * what they ask.
 *
 * The clone is the runtime once more, in its memory or a copy of it, and the first thing it does is to execute
 * proa-init, from a sealed copy of that.  Nothing else of the runtime comes near the container: not its file,
 * not its memory, and of its file descriptors only those that the plan names.
 */
#include "launch/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/clone.h"
#include "basic/file.h"
#include "basic/log.h"
#include "basic/syscalls.h"
#include "basic/trace.h"
#include "basic/users.h"
#include "cgroup/cgroup.h"
#include "launch/answers.h"
#include "launch/child.h"
#include "launch/image.h"
#include "launch/listener.h"
#include "launch/memory-entry.h"
#include "launch/protocol.h"
#include "linux/namespaces.h"
#include "linux/net-devices.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10 /* Linux 6.3: without it the sysctl vm.memfd_noexec decides */
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20 /* Linux 6.3 */
#endif

/*
 * Those who are in the container already can keep a newcomer from becoming anything: stop it, freeze their
 * cgroup, have its program on a file system that they serve and never answer.  Whoever executes it, every
 * second it may be, is not to wait for ever.
 */
enum {
	MOST_SECONDS = 60,
	LONGEST_DEATH = 1000, /* milliseconds */
};

/* proa-init in memory, which nobody can change any more. */
static int seal_image(struct error *err)
{
	const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	autoclose int fd = memfd_create(INIT_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	int r;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(INIT_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return child_memory_error(err, errno, "make memory for the container's init");
	r = file_write_all(fd, init_image, init_image_size);
	if (r == 0 && fcntl(fd, F_ADD_SEALS, seals | F_SEAL_EXEC) < 0 &&
	    fcntl(fd, F_ADD_SEALS, seals) < 0)
		r = -errno;
	if (r < 0)
		return error_errno(err, -r, "seal the container's init");
	return take_fd(&fd);
}

static int make_socket(int *runtime, int *child, int patience, struct error *err)
{
	const struct timeval longest = {.tv_sec = patience};
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, errno, "make a socket");
	*runtime = ends[0];
	*child = ends[1];
	if (patience &&
	    setsockopt(*runtime, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest)) < 0)
		return error_errno(err, errno, "set a limit to waiting");
	return 0;
}

/* In seconds; 0: without limit. */
static int patience(const struct launch *launch)
{
	return launch->container->exec && !launch->patient ? MOST_SECONDS : 0;
}

static int make_sockets(struct launch *launch, struct error *err)
{
	struct container *container = launch->container;
	int r = make_socket(&launch->socket, &container->socket, patience(launch), err);

	if (r == 0 && container->staged)
		r = make_socket(&launch->stage_socket, &container->stage_socket, patience(launch),
				err);
	return r;
}

static void begin(void *context)
{
	child_run(context);
}

static pid_t clone_into(struct launch *launch, int cgroup, int *pidfd)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD | (uint64_t)namespaces_at_clone(launch->container),
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)(cgroup < 0 ? 0 : cgroup),
	};
	pid_t pid;

	if (cgroup >= 0)
		args.flags |= CLONE_INTO_CGROUP;
	if (clone_can_lend && child_is_plain(launch)) {
		pid = clone_lending(&args, begin, launch, patience(launch));
		trace_resume(TRACE_RUNTIME);
		return pid;
	}
	pid = sys_clone3(&args);
	if (pid == 0)
		child_run(launch);
	return pid;
}

/* Where the container's cgroup hands on controllers to those below it, as one does that a systemd runs in,
 * there can be no process in it: then where its first process is. */
static pid_t clone_beside_target(struct launch *launch, int *pidfd)
{
	autoclose int cgroup = -1;

	if (launch->container->exec)
		cgroup = cgroup_clone_fd_of(launch->cgroup, launch->container->target_pid);
	if (cgroup >= 0)
		return clone_into(launch, cgroup, pidfd);
	errno = EBUSY;
	return -1;
}

/* A plain user who calls from another part of the tree of cgroups may not move anybody into this one: engines
 * expect his programs to run all the same, where he is. */
static bool may_stay_outside(const struct launch *launch)
{
	const struct container *container = launch->container;

	return container->exec && errno == EACCES && is_plain_user(container->uid);
}

static pid_t clone_outside(struct launch *launch, int *pidfd)
{
	launch->outside = may_stay_outside(launch);
	launch->cloned_into_cgroup = false;
	if (launch->outside)
		log_warning("exec: the process stays in the caller's cgroup: uid %u may not move "
			    "it into %s",
			    (unsigned int)launch->container->uid, launch->cgroup->v2);
	else
		log_debug("clone into the cgroup: errno %d; entering it afterwards", errno);
	return clone_into(launch, -1, pidfd);
}

static int explain_clone(const struct launch *launch, struct error *err)
{
	error_errno(err, errno, launch->container->exec ? "clone" : "clone the container's init");
	if (err->code == EPERM && !launch->container->host_privileges)
		error_hint(err, "this system does not let plain users make user namespaces; see "
				"/proc/sys/user/max_user_namespaces and "
				"/proc/sys/kernel/unprivileged_userns_clone");
	else if (err->code == ENOSPC)
		error_hint(err, "one of the limits in /proc/sys/user is reached");
	else if (err->code == EAGAIN)
		error_hint(err,
			   "pids.max of the cgroup or the user's limit of processes is reached");
	return -err->code;
}

/* Clones init or the stage, into its cgroup where that can be; *pidfd is the child's. */
static pid_t clone_child(struct launch *launch, int *pidfd, struct error *err)
{
	/* What is cloned into a cgroup that was killed once, by cgroup.kill, is killed at birth by some
	 * kernels (6.18); the container may have done that to those that it has made. */
	const struct container *container = launch->container;
	bool later = container->begins_outside || (launch->below && !is_plain_user(container->uid));
	autoclose int cgroup = later ? -1 : cgroup_clone_fd(launch->cgroup);
	pid_t pid;

	launch->cloned_into_cgroup = cgroup >= 0;
	pid = clone_into(launch, cgroup, pidfd);
	if (pid < 0 && cgroup >= 0 && errno == EBUSY)
		pid = clone_beside_target(launch, pidfd);
	if (pid < 0 && cgroup >= 0 && errno != ENOSPC && errno != EPERM && errno != ETIME)
		pid = clone_outside(launch, pidfd);
	trace_phase("clone");
	return pid < 0 ? explain_clone(launch, err) : pid;
}

/* Descriptors that follow one another, to be closed by one call. */
struct run {
	int first, last;
};

static void close_run(const struct run *run)
{
	if (run->first < 0 ||
	    sys_close_range((unsigned int)run->first, (unsigned int)run->last, 0) == 0)
		return;
	/* One that stayed open would be waited for: its end is the other side's. */
	for (int fd = run->first; fd <= run->last; fd++)
		close(fd);
}

static void close_in_run(struct run *run, int fd)
{
	if (fd < 0)
		return;
	if (run->first < 0 || fd != run->last + 1) {
		close_run(run);
		run->first = fd;
	}
	run->last = fd;
}

/* What only the children use from now on.  The plan still says which they were. */
static void close_childs_fds(const struct container *container)
{
	struct run run = {.first = -1};

	close_in_run(&run, container->rootfs_fd);
	for (size_t i = 0; i < container->mounts_len; i++)
		close_in_run(&run, container->mounts[i].fd);
	for (const struct namespace_plan *plan = container->namespaces; plan->flag; plan++)
		close_in_run(&run, plan->fd);
	close_in_run(&run, container->kernel_mounts);
	close_in_run(&run, container->socket);
	close_in_run(&run, container->stage_socket);
	close_in_run(&run, container->start_socket);
	close_in_run(&run, container->memory_tasks);
	close_run(&run);
}

/* How init, or the stage before there is one, ended, if it has, or does so within as many milliseconds; and
 * if nobody traces it, who is told first. */
static bool find_end(const struct launch *launch, int milliseconds, siginfo_t *end)
{
	int pidfd = launch->init_pidfd >= 0 ? launch->init_pidfd : launch->stage_pidfd;

	return pidfd >= 0 && process_wait(pidfd, milliseconds) > 0 &&
	       waitid(P_PIDFD, (id_t)pidfd, end, WEXITED | WNOWAIT | WNOHANG) == 0 &&
	       end->si_pid != 0;
}

static bool was_killed(const struct launch *launch)
{
	siginfo_t end = {0};

	return find_end(launch, 0, &end) && end.si_code == CLD_KILLED && end.si_status == SIGKILL;
}

/* If init was killed for lack of memory: that error, with whose limit it was.  Otherwise false. */
static bool died_of_memory(const struct launch *launch, struct error *err)
{
	if (!was_killed(launch) || !oom_happened(&launch->memory))
		return false;
	oom_explain(&launch->memory, err);
	return true;
}

static int too_slow(struct error *err)
{
	error_config(err, "exec: the program has not begun within %d seconds", MOST_SECONDS);
	err->code = ETIMEDOUT;
	return error_hint(err, "something in the container, or its cgroup, holds the process up");
}

/* How a child ended that said nothing; or, if it had no memory, why whatever was to be done with it could not
 * be: its limits are set while it lives. */
static int explain_silence(const struct launch *launch, struct error *err)
{
	const char *who = launch->container->exec ? "exec: the process" : "the container's init";
	bool silent = err->code == ECONNRESET;
	siginfo_t end = {0};

	if (err->code == ETIME && launch->container->exec)
		return too_slow(err);
	if (!find_end(launch, silent ? 1000 : 0, &end))
		return -err->code;
	if (died_of_memory(launch, err) || !silent)
		return -err->code;
	if (end.si_code == CLD_EXITED)
		return error_config(err, "%s ended with status %d", who, end.si_status);
	error_config(err, "%s was killed by signal %d", who, end.si_status);
	err->code = ECONNRESET;
	if (end.si_status == SIGKILL)
		return error_hint(err, "the machine may be out of memory, or somebody killed it");
	if (end.si_status == SIGSYS)
		return error_hint(err,
				  "linux.seccomp forbids what init needs before the program runs");
	return -err->code;
}

static int begin_directly(struct launch *launch, struct error *err)
{
	pid_t pid = clone_child(launch, &launch->init_pidfd, err);

	if (pid < 0)
		return pid;
	close_childs_fds(launch->container);
	return launch_know_init(launch, pid, err);
}

/* The stage speaks until it has made init; then it ends. */
static int begin_staged(struct launch *launch, struct error *err)
{
	int r;

	launch->stage = clone_child(launch, &launch->stage_pidfd, err);
	if (launch->stage < 0)
		return launch->stage;
	close_childs_fds(launch->container);
	r = answer_stage(launch, err);
	if (r == 0)
		close_fd(&launch->stage_socket);
	return r;
}

/* It has said its last and ended long ago, most often; what holds it up, as a cgroup that has been frozen, holds up
 * nobody else. */
static void forget_stage(struct launch *launch)
{
	if (launch->stage <= 0)
		return;
	waitpid(launch->stage, NULL, WNOHANG);
	close_fd(&launch->stage_pidfd);
	launch->stage = 0;
}

int launch_begin(struct launch *launch, struct error *err)
{
	autoclose int image = -1;
	int r;

	launch->init_pidfd = launch->stage_pidfd = -1;
	launch->socket = launch->stage_socket = launch->console = -1;
	image = seal_image(err);
	if (image < 0)
		return image;
	launch->image = image;
	trace_phase("proa-init in memory");
	r = make_sockets(launch, err);
	if (r < 0)
		return r;
	if (!launch->container->exec)
		oom_remember(launch->cgroup, &launch->memory);
	memory_entry_plan(launch);
	r = launch->container->staged ? begin_staged(launch, err) : begin_directly(launch, err);
	return r < 0 ? explain_silence(launch, err) : 0;
}

int launch_see_ready(struct launch *launch, struct error *err)
{
	int r = answer_init(launch, err);

	if (r < 0)
		return explain_silence(launch, err);
	forget_stage(launch);
	return 0;
}

int launch_adopt(struct launch *launch, pid_t pid, struct error *err)
{
	launch->init_pidfd = sys_pidfd_open(pid);
	if (launch->init_pidfd < 0)
		return error_errno(err, errno, "open process %d", pid);
	oom_remember(launch->cgroup, &launch->memory);
	return launch_know_init(launch, pid, err);
}

int launch_commit(struct launch *launch, struct error *err)
{
	/* What was moved into the container is its own from now on. */
	net_devices_leave(&launch->net_devices);
	return answer_ready(launch, err) < 0 ? explain_silence(launch, err) : 0;
}

/* The socket closes when the program begins; what comes before is why it does not, or the listener that the
 * program's filter needs somebody at. */
static int see_through(int socket, const struct listener_errand *errand, bool *executing,
		       struct error *err)
{
	struct letter letter = {.fd = -1};
	struct error end = {0};
	int r = receive(socket, &letter, &end);

	if (r == 0 && letter.message == TAKE_LISTENER) {
		r = listener_take(socket, errand, &letter, err);
		close_fd(&letter.fd);
		if (r < 0) {
			*executing = false;
			tell_failure(socket, err);
			return r;
		}
		r = receive(socket, &letter, &end);
	}
	if (r == 0)
		return error_errno(err, EPROTO, "%s came after executing",
				   message_name(letter.message));
	if (end.code == ECONNRESET)
		return 0;
	*err = end;
	return r;
}

/* Most often there is nothing to be answered between EXECUTING and the program: to wake up for it would be one time
 * more than has to be.  What init says stays to be read. */
static int wait_for_last_word(int socket, const struct listener_errand *errand, struct error *err)
{
	struct pollfd wait = {.fd = socket}; /* for POLLHUP alone */

	while (!errand->agent && poll(&wait, 1, -1) < 0)
		if (errno != EINTR)
			return error_errno(err, errno, "wait for the program");
	return 0;
}

int start_over(int socket, const struct listener_errand *errand, bool *executing, struct error *err)
{
	struct letter letter = {.fd = -1};
	int r;

	*executing = false;
	r = tell(socket, START, err);
	if (r == 0)
		r = wait_for_last_word(socket, errand, err);
	if (r == 0)
		r = receive(socket, &letter, err);
	if (r < 0)
		return r;
	if (letter.message != EXECUTING)
		return error_errno(err, EPROTO, "%s came instead of executing",
				   message_name(letter.message));
	*executing = true;
	return see_through(socket, errand, executing, err);
}

/* A process that nobody has waited for keeps its name: it is not yet the program's, or never was. */
static bool is_still_init(const struct launch *launch)
{
	struct process_status status;

	return process_status(launch->init.pid, &status) == 0 &&
	       strcmp(status.name, INIT_NAME) == 0;
}

/* Whoever has become the program cannot tell when. */
static void trace_start(int result)
{
	if (result == 0)
		trace_phase_of(TRACE_INIT, "execute the program");
	trace_phase("start");
}

int launch_start(struct launch *launch, struct error *err)
{
	struct listener_errand errand;
	bool executing;
	int r = launch_errand(launch, "created", &errand, err);

	if (r == 0)
		r = start_over(launch->socket, &errand, &executing, err);
	trace_start(r);
	/* Its end looks like the program's beginning: the socket closes. */
	if (r == 0 && was_killed(launch) && is_still_init(launch) && died_of_memory(launch, err))
		return -err->code;
	return r < 0 ? explain_silence(launch, err) : 0;
}

int launch_become(struct launch *launch, struct error *err)
{
	struct listener_errand errand;
	bool unused;
	int r = launch_errand(launch, launch->target_status, &errand, err);

	if (r == 0)
		r = see_through(launch->socket, &errand, &unused, err);
	trace_start(r);
	return r < 0 ? explain_silence(launch, err) : 0;
}

static void end_child(const struct launch *launch, pid_t pid, int pidfd)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	/* One that the container has frozen, or holds in its own file system, may take its time to die. */
	if (launch->container->exec && process_wait(pidfd, LONGEST_DEATH) <= 0)
		return;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

void launch_abort(struct launch *launch)
{
	close_fd(&launch->socket);
	close_fd(&launch->stage_socket);
	close_fd(&launch->console);
	net_devices_return(&launch->net_devices);
	/* Both are this process's children and not waited for yet: their pids are theirs. */
	end_child(launch, launch->stage, launch->stage_pidfd);
	end_child(launch, launch->init.pid ? launch->init.pid : launch->container->init_pid,
		  launch->init_pidfd);
	launch->stage = launch->init.pid = launch->container->init_pid = 0;
	close_fd(&launch->stage_pidfd);
	close_fd(&launch->init_pidfd);
}
