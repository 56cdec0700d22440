/*
 * process.oomScoreAdj: how soon the kernel kills the container when memory runs out.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#linux-process
 *	proc(5), /proc/PID/oom_score_adj
 *
 * Written from outside, into the host's own /proc, which no container can have replaced.  Lowering it
 * takes CAP_SYS_RESOURCE on the host, which init may never have had: engines ask for a low value for
 * plain users' containers too, and expect them to run without.
 */
#include "linux/oom-score-adj.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "basic/log.h"
#include "basic/procfs.h"
#include "basic/users.h"
#include "linux/section.h"

enum { LOWEST = -1000, HIGHEST = 1000 };

static int oom_score_adj_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_process *process = config->process;

	if (!process || !process->has_oom_score_adj)
		return 0;
	if (process->oom_score_adj >= LOWEST && process->oom_score_adj <= HIGHEST)
		return 0;
	return error_config(err, "process.oomScoreAdj: %" PRId32 " is not from %d to %d",
			    process->oom_score_adj, LOWEST, HIGHEST);
}

bool oom_score_adj_is_own(const struct container *container)
{
	const struct oci_process *process = container->config->process;

	return container->exec && process && process->has_oom_score_adj &&
	       is_plain_user(container->uid);
}

static int oom_score_adj_attach(const struct container *container, pid_t init, struct error *err)
{
	const struct oci_process *process = container->config->process;
	char path[64], value[16];
	int r;

	if (!process || !process->has_oom_score_adj)
		return 0;
	if (oom_score_adj_is_own(container) != (init == getpid()))
		return 0;
	snprintf(path, sizeof(path), "%d/oom_score_adj", init);
	snprintf(value, sizeof(value), "%" PRId32, process->oom_score_adj);
	r = procfs_write(container->proc_fd, path, value);
	if (r == 0)
		return 0;
	if ((r == -EACCES || r == -EPERM) && is_plain_user(container->uid)) {
		log_warning("process.oomScoreAdj: %s is ignored: setting it takes CAP_SYS_RESOURCE",
			    value);
		return 0;
	}
	error_errno(err, -r, "process.oomScoreAdj: set it to %s", value);
	if (r == -EACCES || r == -EPERM)
		error_hint(err, "lowering it takes CAP_SYS_RESOURCE on the host");
	return r;
}

const struct section section_oom_score_adj = {
	.path = "process.oomScoreAdj",
	.validate = oom_score_adj_validate,
	.attach = oom_score_adj_attach,
};
