/*
 * process.args: which program the container runs.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#process
 *	execve(2)
 *
 * The program is looked up before the container is said to be created, with the ids, the capabilities
 * and the working directory that it will be started with: engines tell their users of a missing command
 * when they create a container.  They find out what is wrong by the words below, which are those of Go's
 * os/exec.
 *
 * A path that leads through a file descriptor in /proc is refused.  At this moment init still holds some,
 * and the program would be started from outside of its root.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/large.h"
#include "basic/syscalls.h"
#include "linux/section.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int executable_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_process *process = config->process;

	/* The specification asks for process only when the container is started. */
	if (!process)
		return 0;
	if (process->args_len == 0)
		return error_config(err, "process.args: there is no program to run");
	if (process->args[0][0] == '\0')
		return error_config(err, "process.args[0]: the program's name is empty");
	return 0;
}

/* Opens the file; -EXDEV if a link of /proc's leads to it. */
static int look_up(const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_MAGICLINKS,
	};
	int fd = sys_openat2(AT_FDCWD, path, &how);
	struct stat status;

	/* ELOOP is also said of links without end: those stat(2) does not follow either. */
	if (fd < 0 && errno == ELOOP)
		return stat(path, &status) == 0 ? -EXDEV : -ELOOP;
	/* Not known to a seccomp filter, under which nothing else could tell. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(AT_FDCWD, path, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* As access(2) says it of the effective ids. */
static int may_execute(int fd, const char *path)
{
	if (sys_faccessat2(fd, "", X_OK, AT_EACCESS | AT_EMPTY_PATH) == 0)
		return 0;
	/* Not known to the kernel, or to a seccomp filter.  All ids are the same by now. */
	if (errno == ENOSYS || errno == EPERM)
		return access(path, X_OK) == 0 ? 0 : -errno;
	return -errno;
}

/* 0, or a negative errno: -EXDEV, see above; -EISDIR for a directory, -ELOOP... as stat(2), -EACCES. */
static int check_file(const char *path)
{
	autoleave int fd = look_up(path);
	struct stat status;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	return may_execute(fd, path);
}

static int check_path(const char *path, struct error *err)
{
	int r = check_file(path);

	switch (r) {
	case 0:
		return 0;
	case -EXDEV:
		error_config(err, "exec: \"%s\": leads through a file descriptor in /proc", path);
		return error_hint(err, "name the program by its path in the container");
	case -EACCES:
	case -EISDIR:
		return error_errno(err, -r, "exec: \"%s\"", path);
	default:
		return error_errno(err, -r, "exec: \"%s\": stat %s", path, path);
	}
}

static const char *search_path_of(const struct container *container)
{
	for (size_t i = 0; i < container->env_len; i++)
		if (strncmp(container->env[i], "PATH=", 5) == 0 && container->env[i][5])
			return container->env[i] + 5;
	return DEFAULT_PATH;
}

/* Like execvp(3): an empty directory is the working directory, what cannot be executed is passed by. */
static int search(const char *directories, const char *name, char *found, size_t size,
		  struct error *err)
{
	while (true) {
		int length = (int)strcspn(directories, ":");
		int needed = snprintf(found, size, "%.*s%s%s", length, directories,
				      length ? "/" : "./", name);

		if (needed < (int)size && check_file(found) == 0)
			return 0;
		if (directories[length] == '\0')
			return error_config(err, "exec: \"%s\": executable file not found in $PATH",
					    name);
		directories += length + 1;
	}
}

static int executable_apply(struct container *container, struct error *err)
{
	/* execve(2) is called with it, much later. */
	static char found[PATH_MAX] LARGE;
	const struct oci_process *process = container->config->process;
	const char *name = process ? process->args[0] : NULL;
	int r;

	if (!name)
		return 0;
	if (strchr(name, '/')) {
		container->executable = name;
		r = check_path(name, err);
		return r < 0 ? error_in(err, "process.args[0]") : 0;
	}
	r = search(search_path_of(container), name, found, sizeof(found), err);
	if (r < 0)
		return error_in(err, "process.args[0]");
	container->executable = found;
	return 0;
}

const struct section section_executable = {
	.path = "process.args",
	.validate = executable_validate,
};

const struct step step_executable = {
	.name = "process.args",
	.apply = executable_apply,
};
