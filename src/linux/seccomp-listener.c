/*
 * linux.seccomp.listenerPath: the agent that decides about system calls with SCMP_ACT_NOTIFY.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#seccomp
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#containerprocessstate
 *	seccomp_unotify(2), pidfd_getfd(2)
 *
 * Who loads such a filter gets a listener, a file descriptor, and is under the filter from that moment on:
 * what it would need to hand the listener over may itself wait for the agent's answer.  So init does
 * nothing about it, and the runtime takes the listener out of init (launch/listener.c).
 */
#include "linux/seccomp-listener.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "basic/cleanup.h"
#include "basic/syscalls.h"
#include "libocispec/encode.h"
#include "linux/annotations.h"
#include "linux/seccomp-raw.h"

/* Whether one of its instructions ends it with a notification. */
static bool notifies(const struct seccomp_plan *plan)
{
	for (size_t i = 0; i < plan->filter_len; i++)
		if (plan->filter[i].code == (BPF_RET | BPF_K) &&
		    (plan->filter[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
			return true;
	return false;
}

/* The property comes first, then what there was before the specification had it. */
static const char *find_agent(const struct oci_config *config, const char **where)
{
	const struct oci_seccomp *seccomp = config->linux ? config->linux->seccomp : NULL;
	const char *annotation = annotation_find(config, SECCOMP_RECEIVER_ANNOTATION);

	if (seccomp && seccomp->listener_path && seccomp->listener_path[0]) {
		*where = "linux.seccomp.listenerPath";
		return seccomp->listener_path;
	}
	*where = annotation ? "annotations[\"" SECCOMP_RECEIVER_ANNOTATION "\"]"
			    : "the environment's RUN_OCI_SECCOMP_RECEIVER";
	return annotation ? annotation : getenv("RUN_OCI_SECCOMP_RECEIVER");
}

/* Which part of the config wants to notify. */
static int refuse_without_agent(const struct oci_config *config, struct error *err)
{
	const struct oci_seccomp *seccomp = config->linux ? config->linux->seccomp : NULL;
	const char *notify = "SCMP_ACT_NOTIFY";

	if (annotation_find(config, SECCOMP_RAW_ANNOTATION))
		error_config(err, "annotations[\"%s\"]: the filter notifies, and nobody listens",
			     SECCOMP_RAW_ANNOTATION);
	else if (strcmp(seccomp->default_action, notify) == 0)
		error_config(err, "linux.seccomp.defaultAction: %s, and nobody listens", notify);
	else
		for (size_t i = 0; i < seccomp->syscalls_len && !err->code; i++)
			if (strcmp(seccomp->syscalls[i].action, notify) == 0)
				error_config(err,
					     "linux.seccomp.syscalls[%zu].action: %s, and nobody "
					     "listens",
					     i, notify);
	return error_hint(err, "set linux.seccomp.listenerPath to the socket of an agent that "
			       "answers");
}

int seccomp_listener_prepare(struct container *container, struct error *err)
{
	const struct oci_config *config = container->config;
	const struct oci_seccomp *seccomp = config->linux ? config->linux->seccomp : NULL;
	struct seccomp_plan *plan = &container->seccomp;
	const char *agent, *where;

	if (!notifies(plan))
		return 0;
	agent = find_agent(config, &where);
	if (!agent || !agent[0])
		return refuse_without_agent(config, err);
	/* The listener may go there when another directory is current: by the start command. */
	if (agent[0] != '/')
		return error_config(err, "%s: \"%s\" is not absolute", where, agent);
	plan->agent = arena_copy(container->arena, agent, strlen(agent));
	plan->metadata = seccomp ? seccomp->listener_metadata : NULL;
	return plan->agent ? 0 : arena_full(container->arena, err);
}

char *seccomp_listener_state(const struct oci_state *state, pid_t pid, const char *metadata,
			     struct arena *arena)
{
	const char *fds[] = {"seccompFd", NULL};
	struct oci_state copy = *state;
	const struct oci_container_process_state told = {
		.oci_version = state->oci_version,
		.fds = fds,
		.fds_len = 1,
		.pid = pid,
		.metadata = metadata,
		.state = &copy,
	};

	return oci_encode(&oci_container_process_state_object, &told, arena, OCI_COMPACT);
}

/* A listener knows no notification 0; what is none knows no such request. */
static bool is_listener(int fd)
{
	uint64_t id = 0;

	return ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0 && errno == ENOENT;
}

int seccomp_listener_fetch(int pidfd, int number)
{
	autoclose int fd = sys_pidfd_getfd(pidfd, number);

	if (fd < 0 || is_listener(fd))
		return take_fd(&fd);
	errno = EBADF;
	return -1;
}
