/* The runtime's order: which section's moment comes after which other, and why. */
#include "launch/order.h"

#include <stddef.h>
#include <string.h>

/* Pure checks: the order is that of the specification's chapters, and only decides which of several
 * mistakes is told first. */
const struct section *const validate_order[] = {
	&section_oci_version, /* before anything else: another major version means other things */
	&section_root,
	&section_mounts,
	&section_terminal,
	&section_cwd,
	&section_env,
	&section_executable,
	&section_rlimits,
	&section_capabilities,
	&section_no_new_privileges,
	&section_oom_score_adj,
	&section_scheduler,
	&section_io_priority,
	&section_cpu_affinity,
	&section_user,
	&section_hostname,
	&section_domainname,
	&section_hooks,
	&section_annotations,
	&section_namespaces,
	&section_id_mappings,
	&section_time_offsets,
	&section_devices,
	&section_net_devices,
	&section_intel_rdt,
	&section_sysctl,
	&section_seccomp,
	&section_rootfs_propagation,
	&section_masked_paths,
	&section_readonly_paths,
	&section_mount_label,
	&section_personality,
	&section_memory_policy,
	&section_keyring,
	NULL,
};

const struct section *const prepare_order[] = {
	&section_namespaces, /* decides what the runtime can do for the rest */
	&section_hostname, /* these four look whether a namespace to join is not the runtime's own */
	&section_domainname,
	&section_sysctl,
	&section_net_devices,
	&section_id_mappings, /* who is who inside: user and devices look ids up in it */
	&section_rootfs_propagation,
	&section_root,
	&section_mount_label, /* before the mounts, which get it */
	&section_mounts,
	&section_devices, /* after the mounts: looks which of them covers /dev */
	&section_user,
	&section_capabilities,
	&section_kernel_mounts, /* after all these: what is taken from the host, and who may unmount, decide */
	&section_env,
	&section_scheduler,
	&section_io_priority,
	&section_cpu_affinity,
	&section_memory_policy,
	&section_personality,
	&section_apparmor,
	&section_selinux,
	&section_intel_rdt,
	&section_seccomp, /* the slowest, so after all that can still find a mistake */
	&section_hooks,	  /* opens a log for what they write, and makes it */
	NULL,
};

/* When init is ready for its program, from outside. */
const struct section *const attach_order[] = {
	&section_intel_rdt,
	&section_oom_score_adj,
	&section_io_priority,
	&section_scheduler,   /* the cgroup has its real-time budget by now */
	&section_annotations, /* somebody is told that init is ready */
	&section_rlimits,     /* last: meant for the program, they would stop init from working */
	NULL,
};

bool section_is_any(const struct section *section)
{
	return section->path != NULL;
}

bool section_is_for_restore(const struct section *section)
{
	return section == &section_intel_rdt || section == &section_annotations;
}

/* Beside all of process: what a program is also expected to have in common with the container's first. */
static const struct section *const also_for_exec[] = {
	&section_intel_rdt,
	&section_memory_policy,
	&section_personality,
};

bool section_is_for_exec(const struct section *section)
{
	for (size_t i = 0; i < sizeof(also_for_exec) / sizeof(also_for_exec[0]); i++)
		if (also_for_exec[i] == section)
			return true;
	return strncmp(section->path, "process.", strlen("process.")) == 0;
}

const struct elsewhere handled_elsewhere[] = {
	{"process.consoleSize", "process.terminal: it is the terminal's"},
	{"process.commandLine", "nobody: it is for Windows"},
	{"linux.gidMappings", "linux.uidMappings: both are one map"},
	{"linux.cgroupsPath", "cgroup/place.c: when the container's cgroup is planned"},
	{"linux.resources", "cgroup/limits.c: a controller for each, in a table of their own"},
	{"freebsd", "nobody: it is for another system"},
	{"solaris", "nobody: it is for another system"},
	{"vm", "nobody: it is for virtual machines"},
	{"windows", "nobody: it is for another system"},
	{"zos", "nobody: it is for another system"},
	{NULL, NULL},
};
