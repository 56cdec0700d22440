/*
 * The runtime's side of making a container: it clones init, or the stage that clones init, and answers
 * what they ask.
 *
 * The clone is a copy of the runtime, and the first thing it does is to execute proa-init, from a sealed
 * copy in memory.  Nothing else of the runtime comes near the container: not its file, not its memory, and
 * of its file descriptors only those that the plan names.
 */
#include "launch/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "basic/log.h"
#include "basic/syscalls.h"
#include "cgroup/cgroup.h"
#include "launch/answers.h"
#include "launch/child.h"
#include "launch/image.h"
#include "launch/listener.h"
#include "launch/protocol.h"
#include "linux/namespaces.h"
#include "linux/net-devices.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10 /* Linux 6.3: without it the sysctl vm.memfd_noexec decides */
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20 /* Linux 6.3 */
#endif

/* proa-init in memory, which nobody can change any more. */
static int seal_image(struct error *err)
{
	const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	autoclose int fd = memfd_create(INIT_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	int r;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(INIT_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return error_errno(err, errno, "make memory for the container's init");
	r = file_write_all(fd, init_image, init_image_size);
	if (r == 0 && fcntl(fd, F_ADD_SEALS, seals | F_SEAL_EXEC) < 0 &&
	    fcntl(fd, F_ADD_SEALS, seals) < 0)
		r = -errno;
	if (r < 0)
		return error_errno(err, -r, "seal the container's init");
	return take_fd(&fd);
}

static int make_socket(int *runtime, int *child, struct error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, errno, "make a socket");
	*runtime = ends[0];
	*child = ends[1];
	return 0;
}

static int make_sockets(struct launch *launch, struct error *err)
{
	struct container *container = launch->container;
	int r = make_socket(&launch->socket, &container->socket, err);

	if (r == 0 && container->staged)
		r = make_socket(&launch->stage_socket, &container->stage_socket, err);
	return r;
}

/* Clones init or the stage, into its cgroup where that can be; *pidfd is the child's. */
static pid_t clone_child(struct launch *launch, int image, int *pidfd, struct error *err)
{
	autoclose int cgroup = cgroup_clone_fd(launch->cgroup);
	struct clone_args args = {
		.flags = CLONE_PIDFD | (uint64_t)namespaces_at_clone(launch->container),
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)(cgroup < 0 ? 0 : cgroup),
	};
	pid_t pid;

	if (cgroup >= 0)
		args.flags |= CLONE_INTO_CGROUP;
	launch->cloned_into_cgroup = cgroup >= 0;
	pid = sys_clone3(&args);
	if (pid < 0 && cgroup >= 0 && errno != ENOSPC && errno != EPERM) {
		log_debug("clone into the cgroup: errno %d; entering it afterwards", errno);
		args.flags &= ~(uint64_t)CLONE_INTO_CGROUP;
		launch->cloned_into_cgroup = false;
		pid = sys_clone3(&args);
	}
	if (pid == 0)
		child_run(launch, image);
	if (pid > 0)
		return arena_keep_private(launch->container->arena, err) < 0 ? -err->code : pid;
	error_errno(err, errno, "clone the container's init");
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

/* What only the children use from now on.  The plan still says which they were. */
static void close_childs_fds(const struct container *container)
{
	const int fds[] = {
		container->socket,
		container->stage_socket,
		container->start_socket,
		container->rootfs_fd,
	};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	for (const struct namespace_plan *plan = container->namespaces; plan->flag; plan++)
		if (plan->fd >= 0)
			close(plan->fd);
	for (size_t i = 0; i < container->mounts_len; i++)
		if (container->mounts[i].fd >= 0)
			close(container->mounts[i].fd);
}

/* How init ended, if it has, or does so within as many milliseconds. */
static bool find_end(const struct launch *launch, int milliseconds, siginfo_t *end)
{
	return launch->init_pidfd >= 0 && process_wait(launch->init_pidfd, milliseconds) > 0 &&
	       waitid(P_PIDFD, (id_t)launch->init_pidfd, end, WEXITED | WNOWAIT | WNOHANG) == 0;
}

/* If init was killed for lack of memory: that error, with whose limit it was.  Otherwise false. */
static bool died_of_memory(const struct launch *launch, struct error *err)
{
	siginfo_t end = {0};

	if (!find_end(launch, 0, &end) || end.si_code != CLD_KILLED || end.si_status != SIGKILL ||
	    !oom_happened(&launch->memory))
		return false;
	oom_explain(&launch->memory, err);
	return true;
}

/* How a child ended that said nothing; or, if it had no memory, why whatever was to be done with it could not
 * be: its limits are set while it lives. */
static int explain_silence(const struct launch *launch, struct error *err)
{
	bool silent = err->code == ECONNRESET;
	siginfo_t end = {0};

	if (!find_end(launch, silent ? 1000 : 0, &end))
		return -err->code;
	if (died_of_memory(launch, err) || !silent)
		return -err->code;
	if (end.si_code == CLD_EXITED)
		return error_config(err, "the container's init ended with status %d",
				    end.si_status);
	error_config(err, "the container's init was killed by signal %d", end.si_status);
	if (end.si_status == SIGKILL)
		return error_hint(err, "the machine may be out of memory, or somebody killed it");
	if (end.si_status == SIGSYS)
		return error_hint(err,
				  "linux.seccomp forbids what init needs before the program runs");
	return -err->code;
}

static int begin_directly(struct launch *launch, int image, struct error *err)
{
	pid_t pid = clone_child(launch, image, &launch->init_pidfd, err);

	if (pid < 0)
		return pid;
	close_childs_fds(launch->container);
	launch->container->init_pid = pid;
	return process_identify(pid, &launch->init, err);
}

/* The stage speaks until it has made init; then it ends. */
static int begin_staged(struct launch *launch, int image, struct error *err)
{
	autoclose int pidfd = -1;
	int r;

	launch->stage = clone_child(launch, image, &pidfd, err);
	if (launch->stage < 0)
		return launch->stage;
	close_childs_fds(launch->container);
	r = answer_stage(launch, err);
	if (r < 0)
		return r;
	close_fd(&launch->stage_socket);
	while (waitpid(launch->stage, NULL, 0) < 0 && errno == EINTR)
		continue;
	launch->stage = 0;
	return 0;
}

int launch_begin(struct launch *launch, struct error *err)
{
	autoclose int image = -1;
	int r;

	launch->init_pidfd = launch->socket = launch->stage_socket = launch->console = -1;
	image = seal_image(err);
	if (image < 0)
		return image;
	r = make_sockets(launch, err);
	if (r < 0)
		return r;
	oom_remember(launch->cgroup, &launch->memory);
	r = launch->container->staged ? begin_staged(launch, image, err)
				      : begin_directly(launch, image, err);
	if (r == 0)
		r = answer_init(launch, err);
	return r < 0 ? explain_silence(launch, err) : 0;
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

int start_over(int socket, const struct listener_errand *errand, bool *executing, struct error *err)
{
	struct letter letter = {.fd = -1};
	int r;

	*executing = false;
	r = tell(socket, START, err);
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

int launch_start(struct launch *launch, struct error *err)
{
	struct listener_errand errand;
	bool executing;
	int r = launch_errand(launch, "created", &errand, err);

	if (r == 0)
		r = start_over(launch->socket, &errand, &executing, err);
	/* Its end looks like the program's beginning: the socket closes. */
	if (r == 0 && is_still_init(launch) && died_of_memory(launch, err))
		return -err->code;
	return r < 0 ? explain_silence(launch, err) : 0;
}

static void end_child(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
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
	end_child(launch->stage);
	end_child(launch->init.pid ? launch->init.pid : launch->container->init_pid);
	launch->stage = launch->init.pid = launch->container->init_pid = 0;
	close_fd(&launch->init_pidfd);
}
