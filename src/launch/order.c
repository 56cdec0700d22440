/* The runtime's order: which section's moment comes after which other, and why. */
#include "launch/order.h"

#include <stddef.h>

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
	&section_user,
	&section_hostname,
	&section_domainname,
	&section_hooks,
	&section_annotations,
	&section_namespaces,
	&section_id_mappings,
	&section_time_offsets,
	&section_devices,
	&section_sysctl,
	&section_seccomp,
	&section_rootfs_propagation,
	&section_masked_paths,
	&section_readonly_paths,
	&section_keyring,
	&section_unsupported, /* last: a mistake in what there is comes first */
	NULL,
};

const struct section *const prepare_order[] = {
	&section_namespaces, /* decides what the runtime can do for the rest */
	&section_hostname, /* these three look whether a namespace to join is not the runtime's own */
	&section_domainname,
	&section_sysctl,
	&section_id_mappings, /* who is who inside: user and devices look ids up in it */
	&section_rootfs_propagation,
	&section_root,
	&section_mounts,
	&section_devices, /* after the mounts: looks which of them covers /dev */
	&section_user,
	&section_capabilities,
	&section_env,
	&section_seccomp, /* the slowest, so after all that can still find a mistake */
	NULL,
};

/* When init is ready for its program, from outside. */
const struct section *const attach_order[] = {
	&section_oom_score_adj,
	&section_rlimits, /* last: meant for the program, they would stop init from working */
	NULL,
};
