/*
 * A section is the code for one property of config.json: linux.maskedPaths is section_masked_paths, in
 * linux/masked-paths.c.  It fills in the moments it needs, in the order in which they come:
 *
 *	moment    runs in    may touch                         typical work
 *	------    -------    ---------                         ------------
 *	validate  runtime    nothing                           names, ranges, duplicates
 *	prepare   runtime    the plan, and the host to look    open sources, compile filters, look up
 *	attach    runtime    init, from outside, by its pid    limits, oom_score_adj
 *	apply     init       itself, from inside               mounts, hostname, capabilities
 *
 * The runtime's moments stand in one struct and init's in another, because they go into different
 * programs: the linker leaves out of init's small image what only the runtime needs.  What init needs
 * is prepared: apply() parses nothing, allocates nothing and looks nothing up.
 *
 * When each moment of each section comes is decided in one place, the tables of launch/order.c and
 * launch/order-init.c.
 */
#pragma once

#include <sys/types.h>

#include "basic/error.h"
#include "linux/container.h"

struct section {
	const char *path; /* its place in config.json */
	int (*validate)(const struct oci_config *config, struct error *err);
	int (*prepare)(struct container *container, struct error *err);
	int (*attach)(const struct container *container, pid_t init, struct error *err);
};

/* One step of init; most sections have one, a few come in two or three. */
struct step {
	const char *name; /* the section's path, and which step it is: "mounts: open" */
	int (*apply)(struct container *container, struct error *err);
};

/* In the order of config.json's own description in the specification. */
extern const struct section section_oci_version;
extern const struct section section_root;
extern const struct section section_mounts;
extern const struct section section_terminal;
extern const struct section section_cwd;
extern const struct section section_env;
extern const struct section section_executable; /* process.args */
extern const struct section section_rlimits;
extern const struct section section_capabilities;
extern const struct section section_oom_score_adj;
extern const struct section section_scheduler;
extern const struct section section_io_priority;
extern const struct section section_cpu_affinity; /* process.execCPUAffinity */
extern const struct section section_apparmor;	  /* process.apparmorProfile */
extern const struct section section_selinux;	  /* process.selinuxLabel */
extern const struct section section_user;
extern const struct section section_hostname;
extern const struct section section_domainname;
extern const struct section section_hooks;
extern const struct section section_annotations;
extern const struct section section_namespaces;
extern const struct section section_id_mappings;
extern const struct section section_time_offsets;
extern const struct section section_devices;
extern const struct section section_net_devices;
extern const struct section section_intel_rdt;
extern const struct section section_sysctl;
extern const struct section section_seccomp;
extern const struct section section_rootfs_propagation;
extern const struct section section_masked_paths;
extern const struct section section_readonly_paths;
extern const struct section section_mount_label;
extern const struct section section_personality;
extern const struct section section_memory_policy;
extern const struct section section_keyring;
extern const struct section section_no_new_privileges;
extern const struct section section_kernel_mounts;

extern const struct step step_selinux_keyring; /* the label that the keyring is made with */
extern const struct step step_keyring;
extern const struct step step_hostname;
extern const struct step step_domainname;
extern const struct step step_loopback;
extern const struct step step_sysctl;
extern const struct step step_mounts_open; /* makes each mount, detached, from the host's files */
extern const struct step step_mounts_open_cgroups; /* the same of cgroups */
extern const struct step step_mount_label;   /* of what takes its label only when it is there */
extern const struct step step_devices_open;  /* the host's nodes, where none may be made */
extern const struct step step_masked_open;   /* the host's /dev/null */
extern const struct step step_kernel_mounts; /* leaves the host's, where it has many */
extern const struct step step_root_attach;   /* from here on the root is in reach by root_fd */
extern const struct step step_root_enter;    /* the container's root becomes / */
extern const struct step step_mounts_attach; /* puts each mount in its place, in order */
extern const struct step step_devices;
extern const struct step step_terminal;
extern const struct step step_terminal_control; /* exec: the process that it is for */
extern const struct step step_masked_paths;
extern const struct step step_readonly_paths;
extern const struct step step_mounts_finish; /* read-only tmpfs, now that it is filled */
extern const struct step step_root_finish;   /* propagation, and read-only */
extern const struct step step_cwd_make;	     /* while it may still be made */
extern const struct step step_scheduler;
extern const struct step step_io_priority;
extern const struct step step_memory_policy;
extern const struct step step_personality;
extern const struct step step_apparmor;
extern const struct step step_selinux;
extern const struct step step_seccomp_early;
extern const struct step step_groups; /* process.user.additionalGids */
extern const struct step step_user;
extern const struct step step_capabilities;
extern const struct step step_no_new_privileges;
extern const struct step step_cwd_find; /* the same for exec, which makes nothing */
extern const struct step step_cwd;
extern const struct step step_env;
extern const struct step step_listen_pid; /* who it is, when that is known */
extern const struct step step_cpu_affinity;
extern const struct step step_executable;
extern const struct step step_rlimits_own; /* all, where the runtime can't set them */
extern const struct step step_rlimits;	   /* of open files, which init itself needed */
extern const struct step step_seccomp_late;
