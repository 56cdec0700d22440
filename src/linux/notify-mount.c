#include "linux/notify-mount.h"

#include <sched.h>
#include <string.h>

#include "basic/log.h"
#include "basic/syscalls.h"
#include "linux/mounts.h"

/* An engine that has a socket for the container says so in process.env, and has mounted it. */
static bool has_own(const struct oci_process *process)
{
	for (size_t i = 0; process && i < process->env_len; i++)
		if (strncmp(process->env[i], "NOTIFY_SOCKET=", strlen("NOTIFY_SOCKET=")) == 0)
			return true;
	return false;
}

int notify_mount_plan(struct container *container, struct mount_plan *plan, struct error *err)
{
	struct arena *arena = container->arena;

	if (!container->notify_folder)
		return 0;
	if (has_own(container->config->process) || (container->joined_namespaces & CLONE_NEWNS)) {
		log_debug("NOTIFY_SOCKET is left to the config, or to the mount namespace");
		container->notify_folder = NULL;
		return 0;
	}
	*plan = (struct mount_plan){
		.kind = MOUNT_BIND,
		.index = MOUNT_OF_RUNTIME,
		.destination =
			arena_copy(arena, NOTIFY_FOLDER_INSIDE, strlen(NOTIFY_FOLDER_INSIDE)),
		.type = arena_copy(arena, "bind", strlen("bind")),
		.source = container->notify_folder,
		.options = {.bind = true,
			    .set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				   MOUNT_ATTR_NOEXEC},
		.fd = -1,
	};
	return plan->destination && plan->type ? 1 : arena_full(arena, err);
}

int notify_mount_open(struct container *container, struct error *err)
{
	struct mount_plan *plan = &container->mounts[container->mounts_len - 1];

	if (!container->host_privileges)
		return 0; /* init opens it, in the user namespace that lets it do so */
	return mount_open_source(container, plan, err) < 0 ? mount_error_in(plan, err) : 0;
}
