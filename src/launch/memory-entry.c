/*
 * When a process gets into the cgroup where its memory is counted: as late as can be.
 *
 *	https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-ownership
 *
 * What the kernel takes for a process, be it pages, namespaces or mounts, is charged to the cgroup that the
 * process is in then, for as long as it is in use.  If init were there from its beginning, a container would pay for
 * what it is made of, and a limit that is enough for its program would be too low for init.  So the runtime opens
 * the file by which one gets in, and init writes to it when all that is left to do is about itself: its filter,
 * its user, its program.  A new cgroup namespace begins where its maker is, so it is made then; unless a mount
 * shows it: then that is when all else is taken from the host.
 *
 * So it is in version 1.  In version 2 there is one cgroup alone, by which "delete" finds init, too, and to move
 * there makes the kernel wait some ten milliseconds; so init is cloned into it, and is charged with 150 KiB that
 * are none of its own.  Only a container whose limit is so low that these decide whether it can be begins outside,
 * and ends with the runtime until it is inside.
 *
 * What the container's image or its hooks decide the size of is the container's, though; and another user than
 * the host's root may move no one but himself.
 */
#include "launch/memory-entry.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/users.h"
#include "cgroup/cgroup.h"
#include "cgroup/hierarchies.h"
#include "linux/mounts.h"
#include "linux/namespaces.h"

enum { SMALL_LIMIT = 1 << 20 }; /* bytes: to move costs time, and more memory has room for all */

static bool may_wait(const struct container *container)
{
	/* Whoever init is by then, the host's root may move him. */
	if (is_plain_user(container->uid) || mounts_copy_up(container))
		return false;
	return !container->staged || !(container->new_namespaces & CLONE_NEWCGROUP);
}

/* By the other hierarchies "delete" finds init when its runtime was killed. */
static bool is_found_by_others(const struct oci_record_cgroup *place)
{
	return (place->v2 || place->directories_len > 1) &&
	       place->directories_len <= MOST_HIERARCHIES;
}

static const char *plan_v1(const struct launch *launch)
{
	const struct oci_record_cgroup *place = launch->cgroup;

	if (!may_wait(launch->container) || !is_found_by_others(place) ||
	    !mount_cgroup_know(launch->container, place->directories, place->directories_len))
		return NULL;
	return cgroup_memory_v1(place);
}

static bool is_small(const struct oci_memory *memory)
{
	return memory && memory->limit > 0 && memory->limit < SMALL_LIMIT;
}

static const char *plan_v2(const struct launch *launch)
{
	const struct container *container = launch->container;
	const struct oci_linux *properties = container->config->linux;

	if (!(container->new_namespaces & CLONE_NEWCGROUP) || !may_wait(container) ||
	    launch->cgroup->directories_len > 0 || !properties || !properties->resources ||
	    !is_small(properties->resources->memory))
		return NULL;
	return launch->cgroup->leaf ? launch->cgroup->leaf : launch->cgroup->v2;
}

void memory_entry_plan(struct launch *launch)
{
	const char *v2 = plan_v2(launch), *directory = v2 ? v2 : plan_v1(launch);

	launch->container->memory_tasks = directory ? cgroup_open_tasks(directory, v2) : -1;
	launch->memory_later = launch->container->memory_tasks >= 0 ? directory : NULL;
	launch->container->begins_outside = launch->memory_later && v2;
}

/* Who is in no cgroup of the container's yet is not found by it. */
int memory_entry_bind(const struct container *container, struct error *err)
{
	if (!container->begins_outside || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0)
		return 0;
	return error_errno(err, errno, "end with the runtime");
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

	if (tasks < 0)
		return 0;
	if (write(tasks, "0", 1) != 1) {
		if (errno == EACCES || errno == EPERM)
			return error_config(err,
					    "init may not enter the container's memory cgroup");
		return error_errno(err, errno, "enter the container's memory cgroup");
	}
	if (container->begins_outside && prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
		return error_errno(err, errno, "outlive the runtime");
	return container->exec ? 0 : namespaces_make(container, CLONE_NEWCGROUP, err);
}

static bool is_shown(const struct container *container)
{
	for (size_t i = 0; i < container->mounts_len; i++)
		if (container->mounts[i].kind == MOUNT_CGROUP)
			return container->new_namespaces & CLONE_NEWCGROUP;
	return false;
}

static int enter_to_show(struct container *container, struct error *err)
{
	return is_shown(container) ? enter_memory(container, err) : 0;
}

const struct step step_enter_memory_to_show = {"cgroup: memory", enter_to_show};

const struct step step_enter_memory = {"cgroup: memory", enter_memory};
