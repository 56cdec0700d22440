/*
 * process.ioPriority: how soon the disks serve the container's process.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#linux-process
 *	ioprio_set(2)
 *
 * Set twice, for the reasons that scheduler.c tells: by init, while it is still who it was cloned as, and
 * from outside by the runtime, which may have the privilege for the real-time class that init lacks.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/ioprio.h>

#include "basic/names.h"
#include "basic/syscalls.h"
#include "linux/section.h"

enum { LOWEST = 7 };

static const struct name classes[] = {
	{"IOPRIO_CLASS_RT", IOPRIO_CLASS_RT},
	{"IOPRIO_CLASS_BE", IOPRIO_CLASS_BE},
	{"IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE},
	{"", 0},
};

static const struct oci_io_priority *find_io_priority(const struct oci_config *config)
{
	return config->process ? config->process->io_priority : NULL;
}

static int io_priority_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_io_priority *wanted = find_io_priority(config);

	if (!wanted)
		return 0;
	if (!name_find(classes, wanted->class)) {
		error_config(err, "process.ioPriority: unknown class \"%s\"", wanted->class);
		return error_hint(err, "the classes are IOPRIO_CLASS_RT, IOPRIO_CLASS_BE and "
				       "IOPRIO_CLASS_IDLE");
	}
	if (wanted->priority < 0 || wanted->priority > LOWEST)
		return error_config(err, "process.ioPriority: %" PRId32 " is not from 0 to %d",
				    wanted->priority, LOWEST);
	return 0;
}

static int io_priority_prepare(struct container *container, struct error *err)
{
	const struct oci_io_priority *wanted = find_io_priority(container->config);

	(void)err;
	if (wanted)
		container->io_priority = IOPRIO_PRIO_VALUE(name_find(classes, wanted->class)->value,
							   wanted->priority);
	return 0;
}

static int explain_refusal(const struct container *container, int code, struct error *err)
{
	const struct oci_io_priority *wanted = find_io_priority(container->config);

	error_errno(err, code, "process.ioPriority: set %s, %" PRId32, wanted->class,
		    wanted->priority);
	if (code == EPERM)
		return error_hint(err, "the class IOPRIO_CLASS_RT takes CAP_SYS_NICE on the host");
	if (code == ENOSYS)
		return error_hint(err, "this kernel has no priorities of disk access");
	return -code;
}

static int io_priority_attach(const struct container *container, pid_t init, struct error *err)
{
	int wanted = container->io_priority;
	int code;

	if (!wanted || sys_ioprio_set(IOPRIO_WHO_PROCESS, init, wanted) == 0)
		return 0;
	code = errno;
	/* It is another user's by now, who could set it himself. */
	if (code == EPERM && sys_ioprio_get(IOPRIO_WHO_PROCESS, init) == wanted)
		return 0;
	return explain_refusal(container, code, err);
}

const struct section section_io_priority = {
	.path = "process.ioPriority",
	.validate = io_priority_validate,
	.prepare = io_priority_prepare,
	.attach = io_priority_attach,
};

static int io_priority_apply(struct container *container, struct error *err)
{
	if (!container->io_priority ||
	    sys_ioprio_set(IOPRIO_WHO_PROCESS, 0, container->io_priority) == 0)
		return 0;
	return errno == EPERM ? 0 : explain_refusal(container, errno, err);
}

const struct step step_io_priority = {
	.name = "process.ioPriority",
	.apply = io_priority_apply,
};
