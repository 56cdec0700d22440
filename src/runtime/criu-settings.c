#include "runtime/criu-settings.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "linux/annotations.h"
#include "linux/mount-options.h"
#include "linux/mounts.h"
#include "linux/seccomp-listener.h"

#define CONFIG_ANNOTATION "org.criu.config"

int criu_expect_root(const char *what, struct error *err)
{
	if (geteuid() == 0)
		return 0;
	error_config(err, "%s takes root: CRIU reads and writes what no plain user may", what);
	err->code = EPERM;
	return -err->code;
}

/* Properties that the processes would come back without. */
static int expect_nothing_lost(const struct oci_config *config, struct error *err)
{
	const struct oci_process *process = config->process;
	const struct oci_linux *properties = config->linux;
	const struct oci_seccomp *seccomp = properties ? properties->seccomp : NULL;
	const struct {
		char path[32];
		bool is_set;
	} lost[] = {
		{"process.ioPriority", process && process->io_priority},
		{"process.scheduler.policy",
		 process && process->scheduler &&
			 strcmp(process->scheduler->policy, "SCHED_DEADLINE") == 0},
		{"linux.memoryPolicy", properties && properties->memory_policy},
		{"linux.netDevices", properties && properties->net_devices_len},
		{"linux.seccomp.listenerPath",
		 seccomp && (seccomp->listener_path ||
			     annotation_find(config, SECCOMP_RECEIVER_ANNOTATION))},
	};

	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		if (lost[i].is_set)
			return error_config(err, "%s: CRIU cannot restore it", lost[i].path);
	return 0;
}

static int expect_mounts(const struct oci_config *config, struct error *err)
{
	if (!mount_namespace_is_new(config)) {
		error_config(err, "linux.namespaces: CRIU needs a new mount namespace");
		return -err->code;
	}
	for (size_t i = 0; i < config->mounts_len; i++) {
		struct mount_options options;
		int r = mount_options_parse(&config->mounts[i], NULL, &options, err);

		if (r == 0 && (options.extras & EXTRA_IDMAP))
			r = error_config(err, "CRIU cannot restore a mount that maps ids");
		if (r < 0)
			return error_in(err, "mounts[%zu] (%s)", i, config->mounts[i].destination);
	}
	return 0;
}

int criu_expect_restorable(const struct oci_config *config, struct error *err)
{
	const char *file = annotation_find(config, CONFIG_ANNOTATION);
	int r = expect_nothing_lost(config, err);

	if (r == 0)
		r = expect_mounts(config, err);
	if (r == 0 && file && file[0] && file[0] != '/')
		r = error_config(err,
				 "annotations[\"" CONFIG_ANNOTATION "\"]: \"%s\" is not absolute",
				 file);
	return r;
}

const char *criu_config_file(const struct oci_config *config)
{
	static const char usual[][24] = {"/etc/criu/proa.conf", "/etc/criu/runc.conf"};
	const char *chosen = annotation_find(config, CONFIG_ANNOTATION);

	if (chosen)
		return chosen[0] ? chosen : NULL;
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (access(usual[i], R_OK) == 0)
			return usual[i];
	return NULL;
}

/* Where hooks put an engine's devices into a new network namespace, they do so again: CRIU would find its places
 * taken. */
unsigned int criu_empty_namespaces(const struct oci_config *config)
{
	const struct oci_hooks *hooks = config->hooks;
	const struct oci_linux *properties = config->linux;

	if (!hooks || !properties || !(hooks->prestart_len || hooks->create_runtime_len))
		return 0;
	for (size_t i = 0; i < properties->namespaces_len; i++) {
		const struct oci_namespace *namespace = &properties->namespaces[i];

		if (strcmp(namespace->type, "network") == 0)
			return namespace->path && namespace->path[0] ? 0 : CLONE_NEWNET;
	}
	return 0;
}
