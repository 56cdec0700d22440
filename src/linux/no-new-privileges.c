/*
 * process.noNewPrivileges: whether execve(2) may give what the process does not have.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#process
 *	https://docs.kernel.org/userspace-api/no_new_privs.html
 *
 * Set after the capabilities, because nothing takes it back, and before a seccomp filter that needs it:
 * see linux/seccomp.c.
 */
#include <errno.h>
#include <sys/prctl.h>

#include "linux/section.h"

static int no_new_privileges_apply(struct container *container, struct error *err)
{
	const struct oci_process *process = container->config->process;

	if (!process || !process->no_new_privileges)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(err, errno, "process.noNewPrivileges: set it");
	/* A filter that is loaded already may let the call succeed and do nothing. */
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return error_config(err, "process.noNewPrivileges: it is not what was set");
	return 0;
}

const struct section section_no_new_privileges = {
	.path = "process.noNewPrivileges",
};

const struct step step_no_new_privileges = {
	.name = "process.noNewPrivileges",
	.apply = no_new_privileges_apply,
};
