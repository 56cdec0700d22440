/*
 * annotations: what others wrote on the container.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#annotations
 *
 * They are kept in the state record and told by the state command; nothing is done with the ones that
 * nobody knows.  A value may be empty, a key may not.
 *
 *	run.oci.handler and what else is refused  here
 *	org.criu.config                           runtime/criu-settings.c
 *	org.systemd.property.NAME                 systemd/property.c, checked here
 *	run.oci.delegate-cgroup                   linux/cgroup-owner.c
 *	run.oci.hooks.stdout, .stderr             linux/hooks.c
 *	run.oci.keep_original_groups              linux/user.c
 *	run.oci.pidfd_receiver                    here: the first process's pidfd goes to a socket
 *	run.oci.seccomp_bpf_data                  linux/seccomp-raw.c
 *	run.oci.seccomp_fail_unknown_syscall      linux/seccomp-compile.c
 *	run.oci.seccomp.receiver                  linux/seccomp-listener.c
 *	run.oci.systemd.subgroup                  cgroup/systemd.c
 */
#include "linux/annotations.h"

#include <errno.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/socket.h"
#include "basic/syscalls.h"
#include "linux/cgroup-owner.h"
#include "linux/section.h"
#include "systemd/property.h"

#define PIDFD_RECEIVER "run.oci.pidfd_receiver"

/* What other runtimes do when told so, and this one does not: a container that counts on it must not run
 * without.  A virtual machine or an interpreter around the program is not for this runtime at all. */
static const char *const refused[] = {
	"run.oci.handler",
	"run.oci.seccomp.plugins",
	"run.oci.systemd.force_cgroup_v1",
};

const char *annotation_in(const struct oci_pair *annotations, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(annotations[i].key, key) == 0)
			return annotations[i].value;
	return NULL;
}

const char *annotation_find(const struct oci_config *config, const char *key)
{
	return annotation_in(config->annotations, config->annotations_len, key);
}

bool annotation_is_set(const struct oci_config *config, const char *key)
{
	const char *value = annotation_find(config, key);

	return value && strcmp(value, "0") != 0;
}

/* Parses them only to find mistakes, into memory that is given back at once. */
static int check_systemd_properties(const struct oci_config *config, struct error *err)
{
	struct systemd_property property;
	struct arena arena = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->annotations_len; i++) {
		if (!systemd_property_is(&config->annotations[i]))
			continue;
		if (!arena.start)
			r = arena_open_private(&arena, err);
		if (r == 0)
			r = systemd_property_parse(&config->annotations[i], &arena, &property, err);
	}
	arena_release(&arena);
	return r;
}

static int check_refused(const struct oci_config *config, struct error *err)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const char *value = annotation_find(config, refused[i]);

		if (!value || !value[0])
			continue;
		error_config(err, "annotations[\"%s\"]: this version has no code for it",
			     refused[i]);
		return error_hint(err, "remove it to run the container without");
	}
	return 0;
}

static int annotations_validate(const struct oci_config *config, struct error *err)
{
	const char *receiver = annotation_find(config, PIDFD_RECEIVER), *name;

	for (size_t i = 0; i < config->annotations_len; i++)
		if (config->annotations[i].key[0] == '\0')
			return error_config(err, "annotations: a key is empty");
	if (receiver && receiver[0] != '/')
		return error_config(err, "annotations[\"%s\"]: \"%s\" is not absolute",
				    PIDFD_RECEIVER, receiver);
	if (cgroup_owner_annotation(config, &name, err) < 0 || check_refused(config, err) < 0)
		return -err->code;
	return check_systemd_properties(config, err);
}

/* When init is ready: whoever gets its pidfd may wait for its end from then on. */
static int annotations_attach(const struct container *container, pid_t init, struct error *err)
{
	const char *receiver = annotation_find(container->config, PIDFD_RECEIVER);
	autoclose int socket = -1, pidfd = -1;

	if (!receiver)
		return 0;
	pidfd = sys_pidfd_open(init);
	if (pidfd < 0)
		error_errno(err, errno, "open the container's init");
	else
		socket = socket_connect(receiver, err);
	if (socket < 0 || socket_send_fd(socket, pidfd, "standard", err) < 0)
		return error_in(err, "annotations[\"%s\"]", PIDFD_RECEIVER);
	return 0;
}

const struct section section_annotations = {
	.path = "annotations",
	.validate = annotations_validate,
	.attach = annotations_attach,
};
