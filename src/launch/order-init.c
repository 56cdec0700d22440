/* Init's order: how a process becomes the container, step by step. */
#include "launch/order.h"

#include <stddef.h>

#include "launch/init-steps.h"

const struct row apply_order[] = {
	{&step_join_namespaces, ALWAYS}, /* before anything that one of them owns is touched */
	{&step_keyring, ALWAYS},
	{&step_hostname, ALWAYS},
	{&step_domainname, ALWAYS},
	{&step_loopback, ALWAYS},
	{&step_sysctl, ALWAYS}, /* by the host's /proc, which no mount of the container can cover */

	/* While the host's files are still in reach. */
	{&step_mounts_open, ALWAYS},
	{&step_devices_open, ALWAYS},
	{&step_masked_open, ALWAYS},

	/* The root is entered first, so that no path in it can lead out any more; unless a hook wants
	 * to see it from outside. */
	{&step_root_attach, ALWAYS},
	{&step_root_enter, WITHOUT_ROOT_HOOKS},
	{&step_mounts_attach, ALWAYS},
	{&step_devices, ALWAYS},
	{&step_run_hooks, WITH_ROOT_HOOKS}, /* prestart, createRuntime: by the runtime */
	{&step_create_container_hooks, WITH_ROOT_HOOKS}, /* after those, by the specification */
	{&step_root_enter, WITH_ROOT_HOOKS},

	{&step_terminal, ALWAYS}, /* needs the container's devpts, and /dev to be writable */
	{&step_give_console, ALWAYS},
	{&step_cwd_make, ALWAYS},
	{&step_masked_paths, ALWAYS},
	{&step_readonly_paths, ALWAYS},
	{&step_mounts_finish, ALWAYS}, /* read-only, now that all is in them */
	{&step_root_finish, ALWAYS},

	{&step_seccomp_early, ALWAYS}, /* loading takes CAP_SYS_ADMIN, which goes now */
	{&step_user, ALWAYS},
	{&step_capabilities, ALWAYS}, /* after the user: changing it takes capabilities */
	{&step_no_new_privileges, ALWAYS},
	{&step_cwd, ALWAYS}, /* as the user, who may be the only one allowed in */
	{&step_env, ALWAYS},
	{&step_executable, ALWAYS}, /* with the program's own rights; create fails, not start */

	{&step_ready, ALWAYS}, /* the commit point */
	{&step_wait_for_start, ALWAYS},
	{&step_start_container_hooks, ALWAYS},
	{&step_rlimits, ALWAYS}, /* open files: init itself needed some */
	{&step_execute, ALWAYS}, /* loads seccomp, where it comes late, and does not return */
	{NULL, ALWAYS},
};
