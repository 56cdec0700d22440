/*
 * linux.intelRdt: a share of the processor's caches and of the memory's bandwidth.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#intelrdt
 *	https://docs.kernel.org/filesystems/resctrl.html
 *
 * A directory of the resctrl file system is a group, with its schemata, what it gets, and its tasks.  The
 * hardware has few of them, so several containers may share one: closID names it.  One that is there already
 * is somebody's who has set it up: it has to be what the config says, and stays when the container goes.
 * Otherwise it is made with the container's other resources, after the record that tells of it.
 *
 *	/sys/fs/resctrl/                     closID "/"
 *	/sys/fs/resctrl/CLOS/                closID, or the container's id
 *	/sys/fs/resctrl/CLOS/mon_groups/ID/  enableMonitoring
 *
 * Init joins it when it is ready: what it starts from then on is in it, too.
 */
#include "linux/intel-rdt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "basic/large.h"
#include "basic/lines.h"
#include "basic/procfs.h"
#include "linux/section.h"

enum { MOST_TEXT = 4096, MOST_STATUS = 256 };

static const struct oci_intel_rdt *wanted(const struct oci_config *config)
{
	return config->linux ? config->linux->intel_rdt : NULL;
}

static bool has_text(const char *text)
{
	return text && text[0];
}

/* -- validate ---------------------------------------------------------------------------------- */

/* A directory that is no group: the file system's own, or one elsewhere. */
static bool is_group_name(const char *name)
{
	static const char *const own[] = {".", "..", "info", "mon_data", "mon_groups"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(name, own[i]) == 0)
			return false;
	return !strpbrk(name, "/\n");
}

static int validate_lines(const struct oci_intel_rdt *rdt, struct error *err)
{
	for (size_t i = 0; i < rdt->schemata_len; i++)
		if (!strchr(rdt->schemata[i], ':'))
			return error_config(
				err, "linux.intelRdt.schemata[%zu]: \"%s\" names no resource", i,
				rdt->schemata[i]);
	if (has_text(rdt->l3_cache_schema) && !strchr(rdt->l3_cache_schema, ':'))
		return error_config(err, "linux.intelRdt.l3CacheSchema: \"%s\" names no resource",
				    rdt->l3_cache_schema);
	if (has_text(rdt->mem_bw_schema) &&
	    (strncmp(rdt->mem_bw_schema, "MB:", 3) != 0 || strchr(rdt->mem_bw_schema, '\n')))
		return error_config(err,
				    "linux.intelRdt.memBwSchema: it is not one line that begins "
				    "with \"MB:\"");
	return 0;
}

static int rdt_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_intel_rdt *rdt = wanted(config);

	if (!rdt)
		return 0;
	if (has_text(rdt->clos_id) && strcmp(rdt->clos_id, "/") != 0 &&
	    !is_group_name(rdt->clos_id))
		return error_config(err, "linux.intelRdt.closID: \"%s\" is no name of a group",
				    rdt->clos_id);
	return validate_lines(rdt, err);
}

/* -- prepare ----------------------------------------------------------------------------------- */

/* In mountinfo: "36 25 0:31 / /sys/fs/resctrl rw,relatime - resctrl resctrl rw". */
static bool find_mount(char root[MOST_TEXT])
{
	autoclose int fd = procfs_open(procfs_own(), "self/mountinfo", O_RDONLY);
	static struct lines lines LARGE;
	char *line, *word = NULL;

	if (fd < 0)
		return false;
	lines_begin(&lines, fd);
	while (!word && (line = lines_next(&lines)) != NULL) {
		if (!strstr(line, " - resctrl "))
			continue;
		for (int i = 0; i < 5 && (i == 0 || word); i++)
			word = strsep(&line, " ");
	}
	snprintf(root, MOST_TEXT, "%s", word ? word : "");
	return word != NULL;
}

/* The mask or number of one domain in a line, "0=7f0;1=1f": all are hexadecimal, or decimal on both sides.
 * Returns whether it is there. */
static bool find_domain(const char *line, unsigned long domain, unsigned long *value)
{
	const char *at = strchr(line, ':');

	while (at) {
		char *end;
		unsigned long number = strtoul(at + 1, &end, 10);

		if (*end != '=')
			return false;
		*value = strtoul(end + 1, &end, 16);
		if (number == domain)
			return true;
		at = *end == ';' ? end : NULL;
	}
	return false;
}

/* The line of a schemata file that is of the same resource as line: "    L3:0=fff;1=fff". */
static const char *find_resource(const char *schemata, const char *line)
{
	size_t length = strcspn(line, ":") + 1;

	while (schemata) {
		schemata += strspn(schemata, " \n");
		if (strncmp(schemata, line, length) == 0)
			return schemata;
		schemata = strchr(schemata, '\n');
	}
	return NULL;
}

/* Whether a group has all that a line asks for. */
static bool matches(const char *schemata, const char *line)
{
	const char *there = find_resource(schemata, line), *at = strchr(line, ':');

	while (there && at) {
		unsigned long domain, asked, given;
		char *end;

		domain = strtoul(at + 1, &end, 10);
		if (*end != '=')
			return false;
		asked = strtoul(end + 1, &end, 16);
		if (!find_domain(there, domain, &given) || given != asked)
			return false;
		at = *end == ';' ? end : NULL;
	}
	return there != NULL;
}

static int expect_lines(const char *schemata, const char *lines, const char *skip,
			struct error *err)
{
	char line[MOST_TEXT];

	for (; has_text(lines); lines += strspn(lines, "\n")) {
		size_t length = strcspn(lines, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)length, lines);
		lines += length;
		if (length == 0 || (skip && strncmp(line, skip, strlen(skip)) == 0))
			continue;
		if (!matches(schemata, line))
			return error_config(err, "the group does not have \"%s\"", line);
	}
	return 0;
}

/* What is there already is not changed: it has to be as the config says. */
static int expect_schemata(const struct oci_intel_rdt *rdt, const char *path, struct error *err)
{
	char file[MOST_TEXT], schemata[MOST_TEXT];
	ssize_t length;
	int r;

	snprintf(file, sizeof(file), "%s/schemata", path);
	length = file_read_small(AT_FDCWD, file, schemata, sizeof(schemata));
	if (length < 0)
		return error_errno(err, (int)-length, "read %s", file);
	r = expect_lines(schemata, rdt->l3_cache_schema, "MB:", err);
	if (r == 0)
		r = expect_lines(schemata, rdt->mem_bw_schema, NULL, err);
	for (size_t i = 0; i < rdt->schemata_len && r == 0; i++)
		r = expect_lines(schemata, rdt->schemata[i], NULL, err);
	if (r < 0)
		return error_hint(err, "%s was there before; see its file schemata", path);
	return 0;
}

static bool has_schema(const struct oci_intel_rdt *rdt)
{
	return has_text(rdt->l3_cache_schema) || has_text(rdt->mem_bw_schema) || rdt->schemata_len;
}

static int plan_group(const struct container *container, const char *root,
		      struct oci_record_intel_rdt *group, struct error *err)
{
	const struct oci_intel_rdt *rdt = wanted(container->config);
	bool named = has_text(rdt->clos_id);
	const char *name = named ? rdt->clos_id : container->id;
	struct stat status;

	if (strcmp(name, "/") != 0 && !is_group_name(name))
		return error_config(err, "the container's id is no name of a group");
	group->path = strcmp(name, "/") == 0 ? arena_printf(container->arena, "%s", root)
					     : arena_printf(container->arena, "%s/%s", root, name);
	if (!group->path)
		return arena_full(container->arena, err);
	group->made = stat(group->path, &status) < 0;
	if (group->made && errno != ENOENT)
		return error_errno(err, errno, "look at %s", group->path);
	if (group->made && named && !has_schema(rdt)) {
		error_config(err, "closID: there is no group %s", group->path);
		return error_hint(err, "make it before, or say by l3CacheSchema, memBwSchema or "
				       "schemata what it is to get");
	}
	return group->made ? 0 : expect_schemata(rdt, group->path, err);
}

int intel_rdt_plan(struct container *container, const char *root, struct error *err)
{
	const struct oci_intel_rdt *rdt = wanted(container->config);
	struct oci_record_intel_rdt *group = arena_alloc(container->arena, sizeof(*group));

	if (!group)
		return arena_full(container->arena, err);
	if (plan_group(container, root, group, err) < 0)
		return error_in(err, "linux.intelRdt");
	if (rdt->enable_monitoring) {
		group->monitoring = arena_printf(container->arena, "%s/mon_groups/%s", group->path,
						 container->id);
		if (!group->monitoring)
			return arena_full(container->arena, err);
	}
	container->resctrl = arena_copy(container->arena, root, strlen(root));
	container->intel_rdt = group;
	return container->resctrl ? 0 : arena_full(container->arena, err);
}

static int rdt_prepare(struct container *container, struct error *err)
{
	char root[MOST_TEXT];

	if (!wanted(container->config))
		return 0;
	if (!find_mount(root)) {
		error_config(err, "linux.intelRdt: the file system resctrl is not mounted");
		return error_hint(err, "on a processor that has it: "
				       "mount -t resctrl resctrl /sys/fs/resctrl");
	}
	return intel_rdt_plan(container, root, err);
}

/* -- make -------------------------------------------------------------------------------------- */

/* The kernel's own words on what was wrong with the last write. */
static int hint_by_status(const char *root, struct error *err)
{
	char path[MOST_TEXT], status[MOST_STATUS];

	snprintf(path, sizeof(path), "%s/info/last_cmd_status", root);
	if (file_read_small(AT_FDCWD, path, status, sizeof(status)) <= 0)
		return -err->code;
	status[strcspn(status, "\n")] = '\0';
	return strcmp(status, "ok") == 0 ? -err->code
					 : error_hint(err, "the kernel says: %s", status);
}

/* A group, and the file system that it is in. */
struct place {
	const char *root, *group;
};

static int write_text(const struct place *place, const char *text, struct error *err)
{
	char path[MOST_TEXT];
	int r;

	snprintf(path, sizeof(path), "%s/schemata", place->group);
	r = file_write(AT_FDCWD, path, text);
	if (r == 0)
		return 0;
	error_errno(err, -r, "write \"%.*s\" to %s", (int)strcspn(text, "\n"), text, path);
	return hint_by_status(place->root, err);
}

static int write_lines(const struct place *place, const char *lines, const char *skip,
		       struct error *err)
{
	char line[MOST_TEXT];

	for (; has_text(lines); lines += strspn(lines, "\n")) {
		int length = (int)strcspn(lines, "\n");

		snprintf(line, sizeof(line), "%.*s\n", length, lines);
		lines += length;
		if (length == 0 || (skip && strncmp(line, skip, strlen(skip)) == 0))
			continue;
		if (write_text(place, line, err) < 0)
			return -err->code;
	}
	return 0;
}

/* By the specification schemata comes last, and an "MB:" in l3CacheSchema does not count. */
static int write_schemata(const struct place *place, const struct oci_intel_rdt *rdt,
			  struct error *err)
{
	int r;

	r = write_lines(place, rdt->l3_cache_schema, "MB:", err);
	if (r == 0)
		r = write_lines(place, rdt->mem_bw_schema, NULL, err);
	for (size_t i = 0; i < rdt->schemata_len && r == 0; i++)
		r = write_lines(place, rdt->schemata[i], NULL, err);
	return r;
}

static int make_directory(const struct container *container, const char *path, struct error *err)
{
	if (mkdir(path, 0755) == 0)
		return 0;
	error_errno(err, errno, "make %s", path);
	if (err->code == ENOSPC)
		return error_hint(err,
				  "the processor has no group left; closID lets containers share "
				  "one");
	return hint_by_status(container->resctrl, err);
}

static int make(struct container *container, struct error *err)
{
	struct oci_record_intel_rdt *group = container->intel_rdt;
	const struct place place = {container->resctrl, group->path};
	const char *monitoring = group->monitoring;

	/* What could not be made is not the container's, to be removed with it. */
	group->monitoring = NULL;
	if (group->made && make_directory(container, group->path, err) < 0) {
		group->made = false;
		return -err->code;
	}
	if (group->made && write_schemata(&place, wanted(container->config), err) < 0)
		return -err->code;
	if (monitoring && make_directory(container, monitoring, err) < 0)
		return -err->code;
	group->monitoring = monitoring;
	return 0;
}

int intel_rdt_make(struct container *container, struct error *err)
{
	if (!container->intel_rdt || make(container, err) == 0)
		return 0;
	return error_in(err, "linux.intelRdt");
}

static int join(const char *group, pid_t init, struct error *err)
{
	char path[MOST_TEXT], pid[16];
	int r;

	snprintf(path, sizeof(path), "%s/tasks", group);
	snprintf(pid, sizeof(pid), "%d", init);
	r = file_write(AT_FDCWD, path, pid);
	return r < 0 ? error_errno(err, -r, "linux.intelRdt: write to %s", path) : 0;
}

static int rdt_attach(const struct container *container, pid_t init, struct error *err)
{
	const struct oci_record_intel_rdt *group = container->intel_rdt;
	int r = group ? join(group->path, init, err) : 0;

	/* A monitoring group takes only who is in the group above it. */
	return r == 0 && group && group->monitoring ? join(group->monitoring, init, err) : r;
}

/* -- update ------------------------------------------------------------------------------------ */

/* The container's own group lies right in the file system. */
static int find_place(const struct oci_record_intel_rdt *group, struct arena *arena,
		      struct place *place, struct error *err)
{
	const char *slash = strrchr(group->path, '/');
	char *root;

	if (!group->made || !slash)
		return error_config(err, "%s is not the container's alone", group->path);
	root = arena_copy(arena, group->path, (size_t)(slash - group->path));
	if (!root)
		return arena_full(arena, err);
	*place = (struct place){root, group->path};
	return 0;
}

static int update(const struct oci_record_intel_rdt *group, const struct oci_intel_rdt *rdt,
		  struct arena *arena, const char **former, struct error *err)
{
	char path[MOST_TEXT], text[MOST_TEXT];
	struct error ignored = {0};
	struct place place;
	ssize_t length;

	if (validate_lines(rdt, err) < 0 || find_place(group, arena, &place, err) < 0)
		return -err->code;
	snprintf(path, sizeof(path), "%s/schemata", group->path);
	length = file_read_small(AT_FDCWD, path, text, sizeof(text));
	if (length < 0)
		return error_errno(err, (int)-length, "read %s", path);
	*former = arena_copy(arena, text, (size_t)length);
	if (!*former)
		return arena_full(arena, err);
	if (write_schemata(&place, rdt, err) == 0)
		return 0;
	write_lines(&place, text, NULL, &ignored);
	return -err->code;
}

int intel_rdt_update(const struct oci_record_intel_rdt *group, const struct oci_intel_rdt *rdt,
		     struct arena *arena, const char **former, struct error *err)
{
	int r = update(group, rdt, arena, former, err);

	/* What is wrong with a value says so itself. */
	if (r < 0 && strncmp(err->text, "linux.intelRdt", strlen("linux.intelRdt")) != 0)
		error_in(err, "linux.intelRdt");
	return r;
}

/* -- remove ------------------------------------------------------------------------------------ */

static int remove_directory(const char *path, struct error *err)
{
	if (rmdir(path) == 0 || errno == ENOENT)
		return 0;
	return error_errno(err, errno, "remove the resctrl group %s", path);
}

int intel_rdt_remove(const struct oci_record_intel_rdt *group, struct error *err)
{
	int r = group->monitoring ? remove_directory(group->monitoring, err) : 0;

	return r == 0 && group->made ? remove_directory(group->path, err) : r;
}

const struct section section_intel_rdt = {
	.path = "linux.intelRdt",
	.validate = rdt_validate,
	.prepare = rdt_prepare,
	.attach = rdt_attach,
};
