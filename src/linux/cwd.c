/*
 * process.cwd: where the container's process starts.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#process
 *
 * It is made if it is missing (not by exec), and entered, while init is still root of the container: images name
 * directories that their user may not enter, and expect to be started there.  If root may not enter it
 * (a network file system may well think so) the user himself tries later.
 *
 * It is resolved inside the container's root, without the magic links of /proc: one that leads to a file
 * descriptor would start the process outside of its root, from where ".." goes anywhere
 * (CVE-2024-21626).  Where it ended up is asked of the kernel afterwards all the same.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/inside.h"
#include "basic/syscalls.h"
#include "linux/section.h"

static int cwd_validate(const struct oci_config *config, struct error *err)
{
	const char *cwd = config->process ? config->process->cwd : "/";

	if (cwd[0] == '/')
		return 0;
	error_config(err, "process.cwd: \"%s\" is not an absolute path", cwd);
	return error_hint(err, "it is a path in the container and begins with /");
}

static int expect_inside(const char *cwd, struct error *err)
{
	char path[PATH_MAX] = "";

	if (sys_getcwd(path, sizeof(path)) > 0 && path[0] == '/')
		return 0;
	return error_config(err, "process.cwd: \"%s\" is not below the container's root", cwd);
}

/* What inside_open() and fchdir(2) say, in the property's words. */
static int report(const char *cwd, int r, struct error *err)
{
	if (r == -ELOOP)
		return error_config(err,
				    "process.cwd: \"%s\" leads through a link that has no end, "
				    "or out of the container",
				    cwd);
	if (r == -ENOTDIR)
		return error_config(err, "process.cwd: \"%s\" is not a directory", cwd);
	return error_errno(err, -r, "process.cwd: enter \"%s\"", cwd);
}

/* Enters fd, or reports the errno that it is; what root may not enter is left to the user. */
static int enter(struct container *container, int fd, const char *cwd, struct error *err)
{
	if (fd == -EACCES)
		return 0;
	if (fd < 0)
		return report(cwd, fd, err);
	if (fchdir(fd) < 0)
		return errno == EACCES ? 0 : report(cwd, -errno, err);
	container->in_cwd = true;
	return expect_inside(cwd, err);
}

static int make_apply(struct container *container, struct error *err)
{
	const char *cwd = container->config->process ? container->config->process->cwd : NULL;
	autoleave int fd = -1;

	if (!cwd)
		return 0;
	if (strcmp(cwd, "/") == 0)
		return enter(container, container->root_fd, cwd, err);
	fd = inside_make_directory(container->root_fd, cwd, 0755, err);
	if (fd == -EROFS) {
		error_config(err, "process.cwd: \"%s\" is missing and the root is read-only", cwd);
		return error_hint(err, "make it in the image, or mount something there");
	}
	return enter(container, fd, cwd, err);
}

static int find_apply(struct container *container, struct error *err)
{
	const char *cwd = container->config->process->cwd;
	autoclose int fd = inside_try(container->root_fd, cwd, O_PATH | O_DIRECTORY);

	return enter(container, fd, cwd, err);
}

static int cwd_apply(struct container *container, struct error *err)
{
	const char *cwd = container->config->process ? container->config->process->cwd : NULL;
	autoclose int fd = -1;

	if (!cwd || container->in_cwd)
		return 0;
	fd = inside_try(container->root_fd, cwd, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return report(cwd, fd, err);
	if (fchdir(fd) < 0)
		return report(cwd, -errno, err);
	return expect_inside(cwd, err);
}

const struct section section_cwd = {
	.path = "process.cwd",
	.validate = cwd_validate,
};

const struct step step_cwd_make = {
	.name = "process.cwd: make",
	.apply = make_apply,
};

const struct step step_cwd_find = {
	.name = "process.cwd: find",
	.apply = find_apply,
};

const struct step step_cwd = {
	.name = "process.cwd",
	.apply = cwd_apply,
};
