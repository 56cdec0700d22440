/*
 * linux.resources.cpu.cpus and mems: the processors and memory nodes that may be used.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#cpu
 *	cpuset(7), https://docs.kernel.org/admin-guide/cgroup-v2.html#cpuset
 *
 * In version 1 a new cpuset is empty, and no process can enter it until it has got both: they are
 * taken from the parent when its directory is made.  And there none may lack what one below it has: where
 * the container has made cpusets of its own, a smaller list goes to them first.  Version 2 looks after
 * both itself.
 */
#include "cgroup/cpuset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "basic/file.h"
#include "basic/number-list.h"
#include "cgroup/controller.h"

static bool cpuset_asked(const struct oci_resources *resources)
{
	const struct oci_cpu *cpu = resources->cpu;

	return cpu && ((cpu->cpus && cpu->cpus[0]) || (cpu->mems && cpu->mems[0]));
}

static int check_list(const char *list, const char *property, struct error *err)
{
	if (!list || number_list_parse(list, NUMBER_LIST_MOST, NULL, err) >= 0)
		return 0;
	return error_in(err, "%s", property);
}

static int cpuset_check(const struct oci_resources *resources, struct error *err)
{
	int r = check_list(resources->cpu->cpus, "cpus", err);

	return r < 0 ? r : check_list(resources->cpu->mems, "mems", err);
}

typedef int write_list(const struct target *target, const char *file, const char *property,
		       const char *list, struct error *err);

static int apply(const struct target *target, const struct oci_cpu *cpu, write_list *write_one,
		 struct error *err)
{
	int r = 0;

	if (cpu->cpus && cpu->cpus[0])
		r = write_one(target, "cpuset.cpus", "cpus", cpu->cpus, err);
	if (r == 0 && cpu->mems && cpu->mems[0])
		r = write_one(target, "cpuset.mems", "mems", cpu->mems, err);
	return r;
}

static int cpuset_apply_v2(const struct target *target, const struct oci_resources *resources,
			   struct error *err)
{
	return apply(target, resources->cpu, target_write, err);
}

/* -- version 1 -------------------------------------------------------------------------------- */

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
 * level on the way needs it too, from the top down.  Returns 0 where there is no such file: in another
 * controller's directory. */
static int inherit_list(const char *directory, const char *file, struct error *err)
{
	char path[PATH_MAX], list[4096];
	size_t length = strlen(directory), above = length;
	ssize_t r = read_list(directory, file, list, sizeof(list));

	if (r == -ENOENT)
		return 0;
	if (r != 0)
		return r > 0 ? 1 : error_errno(err, (int)-r, "read %s/%s", directory, file);
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
	return 1;
}

int cpuset_inherit(const char *directory, struct error *err)
{
	int r = inherit_list(directory, "cpuset.cpus", err);

	return r <= 0 ? r : inherit_list(directory, "cpuset.mems", err);
}

enum { WORDS = NUMBER_LIST_MOST / NUMBER_LIST_WORD, MOST_DEPTH = 64 };

/* What the cpusets below a container's are to be within. */
struct narrowing {
	const struct target *target;
	const char *file, *property, *list;
	unsigned long bits[WORDS];
	int depth;
};

/* Writes the numbers of bits as a list, or returns false when there are none. */
static bool format_list(const unsigned long *bits, char *list, size_t size)
{
	size_t used = 0;

	list[0] = '\0';
	for (size_t i = 0; i < NUMBER_LIST_MOST && used < size; i++)
		if (bits[i / NUMBER_LIST_WORD] >> i % NUMBER_LIST_WORD & 1)
			used += (size_t)snprintf(list + used, size - used, "%s%zu",
						 used > 0 ? "," : "", i);
	return used > 0 && used < size;
}

/* The cpuset at path keeps what is in the list; one of which nothing would be left gets all. */
static int narrow_one(const struct narrowing *narrowing, const char *path, struct error *err)
{
	const struct target target = {path, narrowing->target->undo};
	unsigned long bits[WORDS] = {0};
	char list[4096];

	if (read_list(path, narrowing->file, list, sizeof(list)) <= 0 ||
	    number_list_parse(list, NUMBER_LIST_MOST, bits, err) < 0)
		return 0;
	for (size_t i = 0; i < WORDS; i++)
		bits[i] &= narrowing->bits[i];
	if (!format_list(bits, list, sizeof(list)))
		return target_write(&target, narrowing->file, narrowing->property, narrowing->list,
				    err);
	return target_write(&target, narrowing->file, narrowing->property, list, err);
}

/* From the lowest up: each is within the one above it at any moment. */
static int narrow_below(struct narrowing *narrowing, const char *path, struct error *err)
{
	DIR *listing = opendir(path);
	const struct dirent *entry;
	char below[PATH_MAX];
	int r = 0;

	if (!listing || narrowing->depth == MOST_DEPTH) {
		if (listing)
			closedir(listing);
		return 0;
	}
	narrowing->depth++;
	while (r == 0 && (entry = readdir(listing)) != NULL) {
		if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0 ||
		    snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) >=
			    (int)sizeof(below))
			continue;
		r = narrow_below(narrowing, below, err);
		if (r == 0)
			r = narrow_one(narrowing, below, err);
	}
	narrowing->depth--;
	closedir(listing);
	return r;
}

static int write_v1(const struct target *target, const char *file, const char *property,
		    const char *list, struct error *err)
{
	struct narrowing narrowing = {target, file, property, list, {0}, 0};
	int r = target_write(target, file, property, list, err);

	if (r != -EBUSY)
		return r;
	r = number_list_parse(list, NUMBER_LIST_MOST, narrowing.bits, err);
	if (r >= 0)
		r = narrow_below(&narrowing, target->directory, err);
	return r < 0 ? r : target_write(target, file, property, list, err);
}

static int cpuset_apply_v1(const struct target *target, const struct oci_resources *resources,
			   struct error *err)
{
	return apply(target, resources->cpu, write_v1, err);
}

const struct controller controller_cpuset = {
	.name = "cpuset",
	.property = "cpu",
	.v1_file = "cpuset.cpus",
	.asked = cpuset_asked,
	.check = cpuset_check,
	.apply_v2 = cpuset_apply_v2,
	.apply_v1 = cpuset_apply_v1,
};
