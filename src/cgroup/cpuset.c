/*
 * linux.resources.cpu.cpus and mems: the processors and memory nodes that may be used.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#cpu
 *	cpuset(7), https://docs.kernel.org/admin-guide/cgroup-v2.html#cpuset
 *
 * In version 1 a new cpuset is empty, and no process can enter it until it has got both: they are
 * taken from the parent when its directory is made.
 */
#include "cgroup/cpuset.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "basic/file.h"
#include "cgroup/controller.h"

static bool cpuset_asked(const struct oci_resources *resources)
{
	const struct oci_cpu *cpu = resources->cpu;

	return cpu && ((cpu->cpus && cpu->cpus[0]) || (cpu->mems && cpu->mems[0]));
}

static int check_list(const char *list, const char *property, struct error *err)
{
	if (!list || list[strspn(list, "0123456789,-")] == '\0')
		return 0;
	error_config(err, "%s: \"%s\" is not a list", property, list);
	return error_hint(err, "write one like \"0-3,7\"");
}

static int cpuset_check(const struct oci_resources *resources, struct error *err)
{
	int r = check_list(resources->cpu->cpus, "cpus", err);

	return r < 0 ? r : check_list(resources->cpu->mems, "mems", err);
}

/* The same files in both versions. */
static int cpuset_apply(const char *directory, const struct oci_resources *resources,
			struct error *err)
{
	const struct oci_cpu *cpu = resources->cpu;
	int r = 0;

	if (cpu->cpus && cpu->cpus[0])
		r = setting_write(directory, "cpuset.cpus", "cpus", cpu->cpus, err);
	if (r == 0 && cpu->mems && cpu->mems[0])
		r = setting_write(directory, "cpuset.mems", "mems", cpu->mems, err);
	return r;
}

/* Reads the file of the cpuset at directory; returns the length without the newline. */
static ssize_t read_list(const char *directory, const char *file, char *list, size_t size)
{
	char path[PATH_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	length = file_read_small(AT_FDCWD, path, list, size);
	if (length > 0 && list[length - 1] == '\n')
		list[--length] = '\0';
	return length;
}

/* Copies the file's list down to directory, from the nearest level above that has one: each
 * level on the way needs it too, from the top down. */
static int inherit_list(const char *directory, const char *file, struct error *err)
{
	char path[PATH_MAX], list[4096];
	size_t length = strlen(directory), above = length;
	ssize_t r = read_list(directory, file, list, sizeof(list));

	/* Another controller's directory. */
	if (r == -ENOENT)
		return 0;
	if (r != 0)
		return r > 0 ? 0 : error_errno(err, (int)-r, "read %s/%s", directory, file);
	snprintf(path, sizeof(path), "%s", directory);
	while (r == 0) {
		while (above > 0 && path[above] != '/')
			above--;
		path[above] = '\0';
		r = read_list(path, file, list, sizeof(list));
	}
	if (r < 0)
		return error_config(err, "no cpuset above %s has a %s", directory, file);
	while (above < length) {
		path[above] = '/';
		above = strlen(path);
		r = setting_write(path, file, "cpuset", list, err);
		if (r < 0)
			return (int)r;
	}
	return 0;
}

int cpuset_inherit(const char *directory, struct error *err)
{
	int r = inherit_list(directory, "cpuset.cpus", err);

	return r < 0 ? r : inherit_list(directory, "cpuset.mems", err);
}

const struct controller controller_cpuset = {
	.name = "cpuset",
	.property = "cpu",
	.v1_file = "cpuset.cpus",
	.asked = cpuset_asked,
	.check = cpuset_check,
	.apply_v2 = cpuset_apply,
	.apply_v1 = cpuset_apply,
};
