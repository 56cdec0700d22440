/*
 * The child, between clone and exec: still the runtime's program, already in its new user namespace.
 *
 * Who executes a program in a user namespace without being root there loses all capabilities over it,
 * and before the maps are written nobody is root.  So the maps come first; and where they have no root,
 * the capabilities are made ambient, which an exec leaves alone.
 *
 * It enters its cgroups itself: for another to move it makes the kernel wait until all processors have
 * noticed, in each hierarchy.
 */
#include "launch/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/large.h"
#include "basic/trace.h"
#include "cgroup/cgroup.h"
#include "launch/image.h"
#include "launch/memory-entry.h"
#include "launch/protocol.h"
#include "linux/id-mappings.h"
#include "linux/namespaces.h"
#include "linux/oom-score-adj.h"
#include "linux/section.h"

static int voice(const struct container *container)
{
	return container->staged ? container->stage_socket : container->socket;
}

static int keep_capabilities(struct error *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &header, sets) < 0)
		return error_errno(err, errno, "read the capabilities");
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		sets[i].inheritable = sets[i].permitted;
	if (syscall(SYS_capset, &header, sets) < 0)
		return error_errno(err, errno, "keep the capabilities");
	for (unsigned long capability = 0; capability < 64; capability++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0 &&
		    errno == EINVAL)
			break; /* the kernel's last one was the one before */
	return 0;
}

static int enter_user_namespace(const struct container *container, struct error *err)
{
	const struct letter request = {.message = MAP_IDS, .fd = -1};
	int r = ask(voice(container), &request, err);

	if (r == 0)
		r = id_mappings_become(container, err);
	return r == 0 && getuid() != 0 ? keep_capabilities(err) : r;
}

/*
 * The runtime takes the listener of exec's filter out of the process, as it does from a container's init.  A
 * plain user may do that only where the process has executed proa-init in a user namespace of his.
 */
static bool enters_user_namespace_first(const struct container *container)
{
	return !container->host_privileges && container->seccomp.agent &&
	       (container->target_namespaces & CLONE_NEWUSER);
}

static int enter_user_namespace_first(struct container *container, struct error *err)
{
	int r;

	if (!enters_user_namespace_first(container))
		return 0;
	if (setns(container->target, CLONE_NEWUSER) < 0)
		return error_errno(err, errno, "enter the container's user namespace");
	container->target_namespaces &= ~CLONE_NEWUSER;
	r = id_mappings_become(container, err);
	return r == 0 && getuid() != 0 ? keep_capabilities(err) : r;
}

static bool inherit(int fd)
{
	return fd < 0 || fcntl(fd, F_SETFD, 0) == 0;
}

/* What the plan names comes along, all else is close-on-exec. */
static bool inherit_all(const struct container *container)
{
	const int fds[] = {
		container->arena->fd,
		container->socket,
		container->stage_socket,
		container->start_socket,
		container->rootfs_fd,
		container->kernel_mounts,
		container->proc_fd,
		container->memory_tasks,
		container->trace,
		container->hook_output.standard,
		container->hook_output.errors,
	};
	bool all = !container->exec || inherit(container->target);

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		all = all && inherit(fds[i]);
	for (const struct namespace_plan *plan = container->namespaces; plan->flag; plan++)
		all = all && inherit(plan->fd);
	for (size_t i = 0; i < container->mounts_len; i++)
		all = all && inherit(container->mounts[i].fd);
	return all;
}

int child_memory_error(struct error *err, int code, const char *what)
{
	if (code != EACCES)
		return error_errno(err, code, "%s", what);
	error_config(err, "%s: this host does not let programs in memory be executed", what);
	return error_hint(err, "the sysctl vm.memfd_noexec must be below 2, and security modules "
			       "must let proa execute a memfd");
}

static int execute_init(const struct container *container, int image, struct error *err)
{
	char plan[16];
	char *const args[] = {(char *)INIT_NAME, plan, NULL};
	char *const environment[] = {NULL};

	snprintf(plan, sizeof(plan), "%d", container->arena->fd);
	if (!inherit_all(container))
		return error_errno(err, errno, "keep descriptors open for proa-init");
	syscall(SYS_execveat, image, "", args, environment, AT_EMPTY_PATH);
	return child_memory_error(err, errno, "execute proa-init from memory");
}

/* The clone holds what is the runtime's.  As long as it does the other side of its own socket
 * does not close when the runtime dies, nor is the container's lock free. */
static void let_go(const struct launch *launch)
{
	const int fds[] = {launch->socket, launch->stage_socket, launch->lock};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static int enter_cgroup(const struct launch *launch, struct error *err)
{
	bool inside = launch->cloned_into_cgroup;
	int r = launch->keeper ? cgroup_fetch(launch->cgroup, launch->keeper, &inside, err) : 0;

	return r == 0 ? memory_entry_others(launch, inside, err) : r;
}

bool child_is_plain(const struct launch *launch)
{
	const struct container *container = launch->container;

	return !(namespaces_at_clone(container) & CLONE_NEWUSER) &&
	       !enters_user_namespace_first(container) && !oom_score_adj_is_own(container) &&
	       !(launch->keeper && launch->keeper->pid);
}

_Noreturn void child_run(const struct launch *launch)
{
	struct container *container = launch->container;
	static struct error err LARGE; /* most often never touched */
	int r;

	trace_begin(container->staged && !container->exec ? TRACE_STAGE : TRACE_INIT);
	let_go(launch);
	r = launch->outside || container->begins_outside ? 0 : enter_cgroup(launch, &err);
	if (r == 0 && container->exec)
		r = section_oom_score_adj.attach(container, getpid(), &err);
	if (r == 0 && container->exec)
		r = enter_user_namespace_first(container, &err);
	if (r == 0 && (namespaces_at_clone(container) & CLONE_NEWUSER))
		r = enter_user_namespace(container, &err);
	if (r == 0)
		r = memory_entry_bind(container, &err);
	trace_phase("cgroup and user namespace");
	if (r == 0)
		execute_init(container, launch->image, &err);
	tell_failure(voice(container), &err);
	_exit(EXIT_FAILURE);
}
