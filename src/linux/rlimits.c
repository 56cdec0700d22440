/*
 * process.rlimits: the resource limits of the container's first process.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#posix-process
 *
 * The limits are attached from outside, by prlimit(2) on init, because raising a hard limit takes
 * CAP_SYS_RESOURCE in the host's user namespace, which init may have left.  They are attached as
 * late as can be, when init says that it is ready: a limit such as RLIMIT_NOFILE=3 is meant for the
 * container's program, and would stop init from doing its own work.
 *
 * Without CAP_SYS_RESOURCE, as in many containers that proa is run in, root can't change the limits of init
 * either once that has become another user.  As no limit can be raised then anyway, init sets its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "basic/names.h"
#include "basic/procfs.h"
#include "linux/section.h"

/* How many file descriptors init may need until its end. */
enum { INIT_FILES = 32 };

/* getrlimit(2); every limit that Linux has. */
static const struct name resources[] = {
	{"RLIMIT_AS", RLIMIT_AS},
	{"RLIMIT_CORE", RLIMIT_CORE},
	{"RLIMIT_CPU", RLIMIT_CPU},
	{"RLIMIT_DATA", RLIMIT_DATA},
	{"RLIMIT_FSIZE", RLIMIT_FSIZE},
	{"RLIMIT_LOCKS", RLIMIT_LOCKS},
	{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
	{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
	{"RLIMIT_NICE", RLIMIT_NICE},
	{"RLIMIT_NOFILE", RLIMIT_NOFILE},
	{"RLIMIT_NPROC", RLIMIT_NPROC},
	{"RLIMIT_RSS", RLIMIT_RSS},
	{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
	{"RLIMIT_RTTIME", RLIMIT_RTTIME},
	{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
	{"RLIMIT_STACK", RLIMIT_STACK},
	{"", 0},
};

static bool named_before(const struct oci_rlimit *limits, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(limits[i].type, limits[index].type) == 0)
			return true;
	return false;
}

static int validate_limit(const struct oci_rlimit *limits, size_t index, struct error *err)
{
	const struct oci_rlimit *limit = &limits[index];

	if (!name_find(resources, limit->type)) {
		error_config(err, "unknown type \"%s\"", limit->type);
		return error_hint(err, "see getrlimit(2) for the limits there are");
	}
	if (named_before(limits, index))
		return error_config(err, "%s is given twice", limit->type);
	if (limit->soft > limit->hard)
		return error_config(err, "%s: soft limit %" PRIu64 " is above hard limit %" PRIu64,
				    limit->type, limit->soft, limit->hard);
	return 0;
}

static int rlimits_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_process *process = config->process;

	if (!process)
		return 0;
	for (size_t i = 0; i < process->rlimits_len; i++)
		if (validate_limit(process->rlimits, i, err) < 0)
			return error_in(err, "process.rlimits[%zu]", i);
	return 0;
}

/* The most open files that any process may be allowed, or 0 if the kernel does not tell. */
static uint64_t most_open_files(void)
{
	char digits[32];

	if (procfs_read(procfs_own(), "sys/fs/nr_open", digits, sizeof(digits)) < 0)
		return 0;
	return strtoull(digits, NULL, 10);
}

/* The kernel says EPERM for two different reasons; tell which. */
static int explain_refusal(const struct oci_rlimit *limit, int resource, struct error *err)
{
	uint64_t most = resource == RLIMIT_NOFILE ? most_open_files() : 0;

	if (most && limit->hard > most)
		return error_hint(err, "the sysctl fs.nr_open allows %" PRIu64, most);
	return error_hint(err, "raising a hard limit needs CAP_SYS_RESOURCE on the host");
}

/* Fewer open files than init needs to be started with: it lowers the limit itself, at its end. */
static bool leaves_init_too_few(const struct container *container, const struct oci_rlimit *limit)
{
	return strcmp(limit->type, "RLIMIT_NOFILE") == 0 &&
	       limit->soft < INIT_FILES + container->preserve_fds;
}

static struct rlimit limit_for_init(const struct container *container,
				    const struct oci_rlimit *limit)
{
	const uint64_t least = INIT_FILES + container->preserve_fds;
	struct rlimit value = {.rlim_cur = limit->soft, .rlim_max = limit->hard};

	if (leaves_init_too_few(container, limit)) {
		value.rlim_cur = least;
		value.rlim_max = limit->hard < least ? least : limit->hard;
	}
	return value;
}

/* pid 0 is the calling process. */
static int set_limit(const struct container *container, const struct oci_rlimit *limit, pid_t pid,
		     struct error *err)
{
	const struct rlimit value = limit_for_init(container, limit);
	int resource = name_find(resources, limit->type)->value;

	if (prlimit(pid, resource, &value, NULL) == 0)
		return 0;
	error_errno(err, errno, "set %s to %" PRIu64 ":%" PRIu64, limit->type, limit->soft,
		    limit->hard);
	return err->code == EPERM ? explain_refusal(limit, resource, err) : -err->code;
}

static int set_limits(const struct container *container, pid_t pid, struct error *err)
{
	const struct oci_process *process = container->config->process;

	if (!process)
		return 0;
	for (size_t i = 0; i < process->rlimits_len; i++)
		if (set_limit(container, &process->rlimits[i], pid, err) < 0)
			return error_in(err, "process.rlimits[%zu]", i);
	return 0;
}

static int rlimits_attach(const struct container *container, pid_t init, struct error *err)
{
	return container->limits_by_init ? 0 : set_limits(container, init, err);
}

static int rlimits_own(struct container *container, struct error *err)
{
	return container->limits_by_init ? set_limits(container, 0, err) : 0;
}

/* What the config says of open files, or NULL. */
static const struct oci_rlimit *find_open_files(const struct oci_process *process)
{
	for (size_t i = 0; process && i < process->rlimits_len; i++)
		if (strcmp(process->rlimits[i].type, "RLIMIT_NOFILE") == 0)
			return &process->rlimits[i];
	return NULL;
}

static int rlimits_apply(struct container *container, struct error *err)
{
	const struct oci_rlimit *limit = find_open_files(container->config->process);
	struct rlimit value = {0};

	if (limit && !leaves_init_too_few(container, limit))
		return 0;
	if (limit)
		value = (struct rlimit){.rlim_cur = limit->soft, .rlim_max = limit->hard};
	else if (getrlimit(RLIMIT_NOFILE, &value) == 0)
		value.rlim_cur = container->open_files;
	if (setrlimit(RLIMIT_NOFILE, &value) < 0)
		return error_errno(err, errno, "process.rlimits: set RLIMIT_NOFILE");
	return 0;
}

const struct step step_rlimits_own = {
	.name = "process.rlimits",
	.apply = rlimits_own,
};

const struct step step_rlimits = {
	.name = "process.rlimits: open files",
	.apply = rlimits_apply,
};

const struct section section_rlimits = {
	.path = "process.rlimits",
	.validate = rlimits_validate,
	.attach = rlimits_attach,
};
