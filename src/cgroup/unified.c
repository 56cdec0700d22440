/*
 * linux.resources.unified: files of version 2 and what is written to them, as they stand.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#unified
 *	https://docs.kernel.org/admin-guide/cgroup-v2.html#controllers
 *
 * It is written after all that is translated from other properties, so that it wins.  A value of several
 * lines is written line by line, as the kernel takes them.  An empty one empties a list of processors or
 * memory nodes; elsewhere the kernel may take it for a limit of 0, which is hardly what it is meant for.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cgroup/controller.h"
#include "cgroup/subtree.h"

/* The files of the core that limit; the others place processes, freeze or kill them, or make the cgroup one
 * of another kind, behind the back of who counts on it. */
static const char *const core_files[] = {
	"cgroup.max.depth",
	"cgroup.max.descendants",
	"cgroup.pressure",
};

static bool is_core(const char *key)
{
	return strncmp(key, "cgroup.", strlen("cgroup.")) == 0;
}

static bool limits_core(const char *key)
{
	for (size_t i = 0; i < sizeof(core_files) / sizeof(core_files[0]); i++)
		if (strcmp(key, core_files[i]) == 0)
			return true;
	return false;
}

static int check_key(const char *key, struct error *err)
{
	const char *dot = strchr(key, '.');

	if (!dot || dot == key || dot[1] == '\0' || strlen(key) > NAME_MAX || strpbrk(key, "/\n")) {
		error_config(err, "it must be in the form CONTROLLER.PARAMETER");
		return error_hint(err, "it is the name of a file in the cgroup, like memory.high");
	}
	if (is_core(key) && !limits_core(key)) {
		error_config(err, "it is not a limit");
		return error_hint(err, "of the files of the core there are cgroup.max.depth, "
				       "cgroup.max.descendants and cgroup.pressure");
	}
	return 0;
}

static int check_value(const struct oci_pair *pair, struct error *err)
{
	if (pair->value[strspn(pair->value, "\n")] || strncmp(pair->key, "cpuset.", 7) == 0)
		return 0;
	error_config(err, "the value is empty");
	return error_hint(err, "leave the key out to leave the limit as it is");
}

int unified_check(const struct oci_resources *resources, struct error *err)
{
	for (size_t i = 0; i < resources->unified_len; i++) {
		const struct oci_pair *pair = &resources->unified[i];

		if (check_key(pair->key, err) < 0 || check_value(pair, err) < 0)
			return error_in(err, "linux.resources.unified[\"%s\"]", pair->key);
	}
	return 0;
}

/* What a file belongs to that is not there. */
static int explain_missing(const char *directory, const char *key, struct error *err)
{
	char controller[NAME_MAX + 1], available[SUBTREE_SIZE];

	snprintf(controller, sizeof(controller), "%.*s", (int)strcspn(key, "."), key);
	subtree_read(directory, "cgroup.controllers", available);
	if (!is_core(key) && !subtree_has(available, controller))
		return subtree_explain(directory, controller, err);
	return error_config(err, "the kernel has no such file in %s", directory);
}

int unified_foresee(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		    struct error *err)
{
	if (resources->unified_len == 0 || place->v2)
		return 0;
	error_config(err, "linux.resources.unified: there is no version 2 of cgroups here");
	return error_hint(err, "version 1 is limited by the other properties of linux.resources");
}

int unified_look(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		 struct error *err)
{
	if (unified_foresee(place, resources, err) < 0)
		return -err->code;
	for (size_t i = 0; i < resources->unified_len; i++) {
		const char *key = resources->unified[i].key;

		if (setting_exists(place->v2, key))
			continue;
		explain_missing(place->v2, key, err);
		return error_in(err, "linux.resources.unified[\"%s\"]", key);
	}
	return 0;
}

static int write_lines(const struct target *target, const char *key, const char *value,
		       struct error *err)
{
	char line[4096];
	int r = 0;

	do {
		size_t length = strcspn(value, "\n");

		if (length >= sizeof(line))
			return error_config(err, "value: a line is longer than %zu bytes",
					    sizeof(line) - 1);
		snprintf(line, sizeof(line), "%.*s", (int)length, value);
		r = target_write(target, key, "value", length > 0 ? line : "\n", err);
		value += length + strspn(value + length, "\n");
	} while (r == 0 && *value);
	return r;
}

int unified_apply(const struct target *target, const struct oci_resources *resources,
		  struct error *err)
{
	for (size_t i = 0; i < resources->unified_len; i++) {
		const struct oci_pair *pair = &resources->unified[i];

		if (write_lines(target, pair->key, pair->value, err) < 0)
			return error_in(err, "linux.resources.unified[\"%s\"]", pair->key);
	}
	return 0;
}
