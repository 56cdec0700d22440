/*
 * The plan: config.json checked as a whole, and everything found out that can be, before anything is
 * changed.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/log.h"
#include "basic/procfs.h"
#include "basic/trace.h"
#include "launch/launch.h"
#include "launch/order.h"
#include "linux/hook-state.h"

/* The host's procfs, which the container's mounts cannot cover; what is written below it is written to
 * the kernel. */
static int open_proc(struct error *err)
{
	int fd = procfs_own();

	if (fd >= 0)
		return fd;
	if (fd != -EXDEV)
		return error_errno(err, -fd, "open the host's /proc");
	error_config(err, "the host's /proc is no procfs");
	return error_hint(err, "mount it: mount -t proc proc /proc");
}

/* In a procfs of another pid namespace the numbers that fork(2) returns here are those of other processes: it
 * would be their ids that are mapped, and their badness that is adjusted. */
static int read_self(int proc, struct self *self, struct error *err)
{
	int r = self_read(proc, self, err);

	/* In that of one below the caller is not at all. */
	if (r == -ENOENT || (r == 0 && !self->own_pids)) {
		error_config(err, "the host's /proc is that of another pid namespace");
		return error_hint(err, "mount the own one: mount -t proc proc /proc");
	}
	return r < 0 ? procfs_hint(err) : 0;
}

/* Each mount is an open file until it is attached: allow what may be allowed.  The container's limits are
 * its own, see process.rlimits. */
static void raise_open_files(struct container *container)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	container->open_files = limit.rlim_cur;
	if (limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int look_around(struct container *container, struct error *err)
{
	const struct oci_hooks *hooks = container->config->hooks;

	container->debug = log_debug_enabled();
	container->trace = trace_fd();
	container->root_hooks = hooks && (hooks->prestart_len || hooks->create_runtime_len ||
					  hooks->create_container_len);
	container->rootfs_fd = container->root_fd = container->null_fd = -1;
	container->console_fd = container->socket = container->stage_socket = -1;
	container->start_socket = container->memory_tasks = container->kernel_mounts = -1;
	container->hook_output = (struct hook_output){-1, -1};
	container->proc_fd = open_proc(err);
	if (container->proc_fd < 0 || read_self(container->proc_fd, &container->self, err) < 0)
		return -err->code;
	container->uid = container->self.uid;
	container->gid = container->self.gid;
	container->host_privileges = container->self.effective >> CAP_SYS_ADMIN & 1;
	container->limits_by_init = !(container->self.effective >> CAP_SYS_RESOURCE & 1);
	return 0;
}

static int validate(const struct oci_config *config, section_filter *wanted, struct error *err)
{
	for (const struct section *const *section = validate_order; *section; section++)
		if ((*section)->validate && wanted(*section) &&
		    (*section)->validate(config, err) < 0)
			return -err->code;
	trace_phase("validate");
	return 0;
}

static int prepare(struct container *container, section_filter *wanted, struct error *err)
{
	for (const struct section *const *section = prepare_order; *section; section++) {
		if (!(*section)->prepare || !wanted(*section))
			continue;
		if ((*section)->prepare(container, err) < 0)
			return -err->code;
		trace_phase((*section)->path);
	}
	return 0;
}

int launch_plan(struct container *container, struct error *err)
{
	int r;

	raise_open_files(container);
	r = validate(container->config, section_is_any, err);
	if (r == 0)
		r = look_around(container, err);
	if (r == 0)
		r = prepare(container, section_is_any, err);
	if (r == 0 && container->config->hooks)
		r = hook_state_prepare(container, err);
	return r;
}

int launch_plan_exec(struct container *container, struct error *err)
{
	int r;

	raise_open_files(container);
	r = validate(container->config, section_is_for_exec, err);
	if (r == 0)
		r = look_around(container, err);
	container->staged = container->target_namespaces & CLONE_NEWPID;
	return r == 0 ? prepare(container, section_is_for_exec, err) : r;
}
