/*
 * The child, between clone and exec: still a copy of the runtime, already in its new user namespace.
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
#include "cgroup/cgroup.h"
#include "launch/image.h"
#include "launch/protocol.h"
#include "linux/id-mappings.h"
#include "linux/namespaces.h"

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

static void inherit(int fd)
{
	if (fd >= 0)
		fcntl(fd, F_SETFD, 0);
}

/* What the plan names comes along, all else is close-on-exec. */
static void inherit_all(const struct container *container)
{
	const int fds[] = {
		container->arena->fd,
		container->socket,
		container->stage_socket,
		container->start_socket,
		container->rootfs_fd,
		container->proc_fd,
		container->hook_output.standard,
		container->hook_output.errors,
	};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		inherit(fds[i]);
	for (const struct namespace_plan *plan = container->namespaces; plan->flag; plan++)
		inherit(plan->fd);
	for (size_t i = 0; i < container->mounts_len; i++)
		inherit(container->mounts[i].fd);
}

static int execute_init(const struct container *container, int image, struct error *err)
{
	char plan[16];
	char *const args[] = {(char *)INIT_NAME, plan, NULL};
	char *const environment[] = {NULL};

	snprintf(plan, sizeof(plan), "%d", container->arena->fd);
	inherit_all(container);
	syscall(SYS_execveat, image, "", args, environment, AT_EMPTY_PATH);
	error_errno(err, errno, "execute the container's init from memory");
	if (err->code == EACCES)
		error_hint(err, "the sysctl vm.memfd_noexec must be below 2");
	return -err->code;
}

/* A copy of the runtime holds what is the runtime's.  As long as it does the other side of its own socket
 * does not close when the runtime dies, nor is the container's lock free. */
static void let_go(const struct launch *launch)
{
	const int fds[] = {launch->socket, launch->stage_socket, launch->lock};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

_Noreturn void child_run(const struct launch *launch, int image)
{
	const struct container *container = launch->container;
	bool inside = launch->cloned_into_cgroup;
	struct error err = {0};
	int r;

	let_go(launch);
	r = cgroup_fetch(launch->cgroup, launch->keeper, &inside, &err);
	if (r == 0)
		r = cgroup_enter(launch->cgroup, 0, inside, &err);
	if (r == 0 && (namespaces_at_clone(container) & CLONE_NEWUSER))
		r = enter_user_namespace(container, &err);
	if (r == 0)
		execute_init(container, image, &err);
	tell_failure(voice(container), &err);
	_exit(EXIT_FAILURE);
}
