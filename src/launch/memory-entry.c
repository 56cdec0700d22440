/*
 * When a process gets into the memory cgroup of version 1: as late as can be.
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
 *
 * What the kernel takes for a process, be it pages, namespaces or mounts, is charged to the cgroup that the
 * process is in then, for as long as it is in use.  If init were there from its beginning, a container would pay for
 * what it is made of, and a limit that is enough for its program would be too low for init.  So the runtime opens
 * the file by which one gets in, and init writes to it when all that is left to do is about itself: its filter,
 * its user, its program.  A cgroup namespace begins where its maker is, so where there is a new one that is
 * when all others are made.  (In version 2 init is cloned into its one cgroup: to move it later would make the
 * kernel wait.)
 *
 * What the container's image or its hooks decide the size of is the container's, though; and another user than
 * the host's root may move no one but himself.
 */
#include "launch/memory-entry.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/users.h"
#include "cgroup/cgroup.h"
#include "cgroup/hierarchies.h"
#include "linux/mounts.h"

static bool may_wait(const struct container *container)
{
	bool own_view = container->new_namespaces & CLONE_NEWCGROUP;

	/* Whoever init is by then, the host's root may move him. */
	if (is_plain_user(container->uid))
		return false;
	return own_view ? !container->staged : !mounts_copy_up(container);
}

/* By the other hierarchies "delete" finds init when its runtime was killed. */
static bool is_found_by_others(const struct oci_record_cgroup *place)
{
	return (place->v2 || place->directories_len > 1) &&
	       place->directories_len <= MOST_HIERARCHIES;
}

void memory_entry_plan(struct launch *launch)
{
	struct container *container = launch->container;
	const struct oci_record_cgroup *place = launch->cgroup;
	const char *directory;

	if (!may_wait(container) || !is_found_by_others(place) ||
	    !mount_cgroup_know(container, place->directories, place->directories_len))
		return;
	directory = cgroup_memory_v1(place);
	container->memory_tasks = directory ? cgroup_open_tasks(directory) : -1;
	launch->memory_later = container->memory_tasks >= 0 ? directory : NULL;
}

int memory_entry_others(const struct launch *launch, bool cloned, struct error *err)
{
	struct oci_record_cgroup others = *launch->cgroup;
	const char *directories[MOST_HIERARCHIES];

	if (!launch->memory_later)
		return cgroup_enter(launch->cgroup, 0, cloned, err);
	others.directories = directories;
	others.directories_len = 0;
	for (size_t i = 0; i < launch->cgroup->directories_len; i++)
		if (launch->cgroup->directories[i] != launch->memory_later)
			directories[others.directories_len++] = launch->cgroup->directories[i];
	return cgroup_enter(&others, 0, cloned, err);
}

/* By pid 0, which is the caller.  The runtime's rights count, with which the file was opened. */
static int enter_memory(struct container *container, struct error *err)
{
	autoleave int tasks = take_fd(&container->memory_tasks);

	if (tasks < 0 || write(tasks, "0", 1) == 1)
		return 0;
	if (errno == EACCES || errno == EPERM)
		return error_config(err, "init may not enter the container's memory cgroup");
	return error_errno(err, errno, "enter the container's memory cgroup");
}

const struct step step_enter_memory = {"cgroup: memory", enter_memory};
