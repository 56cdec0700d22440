/* Init's order: how a process becomes the container, step by step. */
#include "launch/order.h"

#include <stddef.h>

#include "launch/init-steps.h"
#include "launch/memory-entry.h"

const struct row apply_order[] = {
	{&step_join_namespaces, ALWAYS}, /* before anything that one of them owns is touched */
	{&step_selinux_keyring, ALWAYS}, /* a keyring has its label from birth */
	{&step_keyring, ALWAYS},
	{&step_hostname, ALWAYS},
	{&step_domainname, ALWAYS},
	{&step_loopback, ALWAYS},
	{&step_move_devices, ALWAYS}, /* before sysctl, which may be about one of them */
	{&step_sysctl, ALWAYS}, /* by the host's /proc, which no mount of the container can cover */

	/* While the host's files are still in reach. */
	{&step_mounts_open, ALWAYS},
	{&step_devices_open, ALWAYS},
	{&step_masked_open, ALWAYS},
	{&step_enter_memory_to_show, ALWAYS}, /* what follows is about its cgroup */
	{&step_mounts_open_cgroups, ALWAYS},
	{&step_mount_label, ALWAYS},   /* while they are in no place yet */
	{&step_kernel_mounts, ALWAYS}, /* nothing more is taken from the host */

	/* The root is entered first, so that no path in it can lead out any more; unless a hook wants
	 * to see it from outside. */
	{&step_root_attach, ALWAYS},
	{&step_root_enter, WITHOUT_ROOT_HOOKS},
	{&step_mounts_attach, ALWAYS},
	{&step_devices, ALWAYS},
	{&step_enter_memory, WITH_ROOT_HOOKS}, /* hooks look for it there, and run in it */
	{&step_run_hooks, WITH_ROOT_HOOKS},    /* prestart, createRuntime: by the runtime */
	{&step_create_container_hooks, WITH_ROOT_HOOKS}, /* after those, by the specification */
	{&step_root_enter, WITH_ROOT_HOOKS},

	{&step_terminal, ALWAYS}, /* needs the container's devpts, and /dev to be writable */
	{&step_give_console, ALWAYS},
	{&step_cwd_make, ALWAYS},
	{&step_masked_paths, ALWAYS},
	{&step_readonly_paths, ALWAYS},
	{&step_mounts_finish, ALWAYS}, /* read-only, now that all is in them */
	{&step_root_finish, ALWAYS},

	/* What a seccomp filter may forbid, and the user may not do any more. */
	{&step_scheduler, ALWAYS}, /* as late as can be: it may make init slow */
	{&step_io_priority, ALWAYS},
	{&step_memory_policy, ALWAYS},
	{&step_personality, ALWAYS},
	{&step_apparmor, ALWAYS}, /* both count from the next exec on; with no_new_privs and */
	{&step_selinux, ALWAYS},  /* without the host's /proc it would be too late */

	{&step_enter_memory, WITHOUT_ROOT_HOOKS}, /* all that is the runtime's is there by now */
	{&step_groups, ALWAYS},			  /* while no filter can forbid it */
	{&step_give_listener, ALWAYS}, /* right before: it says which descriptor is free next */
	{&step_seccomp_early, ALWAYS}, /* loading takes CAP_SYS_ADMIN, which goes now */
	{&step_user, ALWAYS},
	{&step_capabilities, ALWAYS}, /* after the user: changing it takes capabilities */
	{&step_no_new_privileges, ALWAYS},
	{&step_cwd, ALWAYS}, /* as the user, who may be the only one allowed in */
	{&step_env, ALWAYS},
	{&step_executable, ALWAYS}, /* with the program's own rights; create fails, not start */

	{&step_rlimits_own,
	 ALWAYS},	       /* late, as they may stop init from working, but create fails */
	{&step_ready, ALWAYS}, /* the commit point */
	{&step_wait_for_start, ALWAYS},
	{&step_start_container_hooks, ALWAYS},
	{&step_rlimits, ALWAYS}, /* open files: init itself needed some */
	{&step_execute, ALWAYS}, /* loads seccomp, where it comes late, and does not return */
	{NULL, ALWAYS},
};

/*
 * exec: how a process comes into a container that is there.  It is not alone in it, and those who are may
 * have the right to trace whom they see.  So the pid namespace is entered last, by a clone: who becomes to
 * be seen in it has no privilege and no descriptor that its program will not have.
 */
const struct row exec_order[] = {
	{&step_enter_namespaces,
	 ALWAYS}, /* all but that of pids; from here on no path is the host's */
	{&step_root_attach, ALWAYS},
	{&step_root_enter,
	 ALWAYS}, /* where the container has no mounts of its own, but a directory */
	{&step_selinux_keyring, ALWAYS},
	{&step_keyring, ALWAYS},      /* the container's: one of its name is there */
	{&step_cpu_affinity, ALWAYS}, /* by now it is in the cgroup, whose processors these are */
	{&step_terminal, ALWAYS},     /* while it is root of the container */
	{&step_give_console, ALWAYS},
	{&step_cwd_find, ALWAYS},

	{&step_scheduler, ALWAYS},
	{&step_io_priority, ALWAYS},
	{&step_memory_policy, ALWAYS},
	{&step_personality, ALWAYS},
	{&step_apparmor, ALWAYS}, /* by the host's /proc, which goes next */
	{&step_selinux, ALWAYS},
	{&step_enter_memory, ALWAYS}, /* by a descriptor that goes next */
	{&step_keep_sockets, ALWAYS},

	{&step_groups, ALWAYS},
	{&step_enter_pid_early, ALWAYS}, /* too early, but the agent has to know who is meant */
	{&step_give_listener, ALWAYS},
	{&step_seccomp_early, ALWAYS},
	{&step_user, ALWAYS},
	{&step_capabilities, ALWAYS},
	{&step_no_new_privileges, ALWAYS},
	{&step_cwd, ALWAYS},
	{&step_env, ALWAYS},
	{&step_executable, ALWAYS},
	{&step_enter_pid, ALWAYS}, /* when there is nothing left that could be taken from it */

	{&step_terminal_control, ALWAYS}, /* a session has to be begun in its own pid namespace */
	{&step_listen_pid, ALWAYS},
	{&step_rlimits_own, ALWAYS},
	{&step_ready, ALWAYS},
	{&step_rlimits, ALWAYS},
	{&step_execute_more, ALWAYS},
	{NULL, ALWAYS},
};
