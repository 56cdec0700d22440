/*
 * The manager "systemd": the container's cgroup is a scope, a unit of systemd's.
 *
 *	https://systemd.io/CGROUP_DELEGATION/
 *	https://systemd.io/CONTROL_GROUP_INTERFACE/
 *	https://www.freedesktop.org/software/systemd/man/latest/systemd.scope.html
 *
 * Where systemd manages a machine's cgroups, those are its: it wants to be asked for one, and then leaves
 * what is below it alone ("Delegate=yes").  For a plain user it is the only way to one with limits.
 *
 *	begin	the helper (systemd-helper.c) asks for a scope with itself in it, which so is not empty and
 *		does not end; where it then finds itself is the container's place.  In version 2 the
 *		processes go one level deeper, because a cgroup that has some hands on no controllers
 *	limit	as properties, at the same time as to the files, see systemd-properties.c; then the helper
 *		is sent away
 *	remove	what is in it is killed before, so it has mostly ended by itself; else it is stopped
 *
 * What is made below the scope goes with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "basic/procfs.h"
#include "basic/users.h"
#include "cgroup/controller.h"
#include "cgroup/managers.h"
#include "cgroup/patience.h"
#include "cgroup/place.h"
#include "cgroup/subtree.h"
#include "cgroup/systemd.h"
#include "systemd/property.h"
#include "systemd/unit-name.h"

#define USUAL_SUBGROUP "container"

/* How long a scope whose last process has ended may take to end by itself, in milliseconds. */
enum {
	MOST_WAIT_TO_END = 50,
	DEVICES_SIZE = 16 * 1024, /* of /proc/devices */
};

static bool asks_as_user(void)
{
	return is_plain_user(geteuid());
}

/* -- planning ----------------------------------------------------------------------------------- */

static int check_subgroup(const char *name, struct error *err)
{
	if (!name || !name[0])
		return 0;
	if (!strchr(name, '/') && name[0] != '.' && strlen(name) <= NAME_MAX &&
	    !strchr(name, '\n') && strncmp(name, "cgroup.", strlen("cgroup.")) != 0)
		return 0;
	error_config(err, "annotations[\"" SYSTEMD_SUBGROUP "\"]: \"%s\" is not a cgroup's name",
		     name);
	return error_hint(err, "it is one level below the scope, as in \"" USUAL_SUBGROUP "\"");
}

/* Properties are checked before anything is made; they are put together again when they are sent. */
static int check_properties(const struct cgroup_wish *wish, struct arena *arena, struct error *err)
{
	struct request unsent = {0};
	int r = systemd_properties_add(wish->annotations, wish->annotations_len, arena, &unsent,
				       err);

	free(unsent.bytes);
	return r;
}

static int name_unit(const struct cgroup_wish *wish, bool user, struct arena *arena,
		     struct oci_record_cgroup *place, struct error *err)
{
	struct oci_record_scope *scope = arena_alloc(arena, sizeof(*scope));
	struct unit_name unit = {.slice = user ? "user.slice" : "system.slice"};

	if (!scope)
		return arena_full(arena, err);
	if (unit_name_parse(wish->cgroups_path, wish->id, arena, &unit, err) < 0 ||
	    systemd_bus_find(user, arena, &scope->bus, err) < 0)
		return -err->code;
	scope->unit = unit.scope;
	scope->slice = unit.slice;
	place->systemd = scope;
	place->manager = arena_copy(arena, "systemd", strlen("systemd"));
	return place->manager ? 0 : arena_full(arena, err);
}

static int systemd_plan(const struct cgroup_wish *wish, struct arena *arena,
			struct oci_record_cgroup *place, struct error *err)
{
	bool user = asks_as_user();
	struct hierarchies manager;
	int r;

	*place = (struct oci_record_cgroup){0};
	r = systemd_check_built(err);
	if (r == 0)
		r = name_unit(wish, user, arena, place, err);
	if (r == 0)
		r = limits_check(wish->resources, err);
	if (r == 0)
		r = check_subgroup(wish->subgroup, err);
	if (r == 0)
		r = check_properties(wish, arena, err);
	if (r < 0 || user)
		return r;
	r = hierarchies_read(arena, procfs_own(), "1/cgroup", &manager, err);
	return r < 0 ? r : scope_predict(&manager, arena, place, err);
}

/* -- the scope ---------------------------------------------------------------------------------- */

static void ask_for(struct request *request, const char *operation,
		    const struct oci_record_cgroup *place)
{
	request_word(request, operation);
	request_word(request, place->systemd->bus);
	request_word(request, place->systemd->unit);
}

/* What engines' annotations may change stands before them, the rest behind: the last counts. */
static int describe(const struct cgroup_wish *wish, const struct oci_record_cgroup *place,
		    struct arena *arena, struct request *request, struct error *err)
{
	const char *description = arena_printf(arena, "proa container %s", wish->id);

	if (!description)
		return arena_full(arena, err);
	ask_for(request, REQUEST_START, place);
	request_text(request, NEED_MUST, "Description", description);
	request_flag(request, NEED_MUST, "DefaultDependencies", false);
	/* One that has failed is forgotten as well: nobody would reset it. */
	request_text(request, NEED_MAY, "CollectMode", "inactive-or-failed");
	if (systemd_properties_add(wish->annotations, wish->annotations_len, arena, request, err) <
	    0)
		return -err->code;
	request_text(request, NEED_MUST, "Slice", place->systemd->slice);
	request_flag(request, NEED_MUST, "Delegate", true);
	request_flag(request, NEED_MAY, "CPUAccounting", true);
	request_flag(request, NEED_MAY, "MemoryAccounting", true);
	request_flag(request, NEED_MAY, "IOAccounting", true);
	request_flag(request, NEED_MAY, "TasksAccounting", true);
	/* 0 is who asks, the helper: by its pid systemd would look in its own pid namespace. */
	request_property(request, NEED_MUST, "PIDs", "au", 1);
	request_number(request, 0);
	return 0;
}

static int locate(const struct cgroup_keeper *keeper, struct arena *arena,
		  struct oci_record_cgroup *place, struct error *err)
{
	struct hierarchies found;
	char path[32];

	snprintf(path, sizeof(path), "%d/cgroup", keeper->pid);
	if (hierarchies_read(arena, procfs_own(), path, &found, err) < 0)
		return -err->code;
	return scope_locate(&found, arena, place, err);
}

/* Later commands need not ask systemd whether the unit is still there. */
static int find_unit_file(struct arena *arena, struct oci_record_scope *scope, struct error *err)
{
	const char *directory = systemd_transient_directory(asks_as_user(), arena);
	const char *file = directory ? arena_printf(arena, "%s/%s", directory, scope->unit) : NULL;

	if (!file)
		return arena_full(arena, err);
	if (access(file, F_OK) == 0)
		scope->file = file;
	return 0;
}

/* One level below, the helper with it; then the level above can hand on its controllers. */
static int go_deeper(const struct cgroup_keeper *keeper, const char *name, struct arena *arena,
		     struct oci_record_cgroup *place, struct error *err)
{
	char file[PATH_MAX], pid[16];
	int r;

	place->leaf = arena_printf(arena, "%s/%s", place->leaf ? place->leaf : place->v2, name);
	if (!place->leaf)
		return arena_full(arena, err);
	if (mkdir(place->leaf, 0755) < 0 && errno != EEXIST)
		return error_errno(err, errno, "make cgroup %s", place->leaf);
	snprintf(file, sizeof(file), "%s/cgroup.procs", place->leaf);
	snprintf(pid, sizeof(pid), "%d", keeper->pid);
	r = file_write(AT_FDCWD, file, pid);
	if (r < 0)
		return error_errno(err, -r, "move proa-systemd into cgroup %s", place->leaf);
	subtree_enable(place->leaf);
	return 0;
}

/* Only where version 2 has all, is there a level below. */
static int make_levels(const struct cgroup_wish *wish, const struct cgroup_keeper *keeper,
		       struct arena *arena, struct oci_record_cgroup *place, struct error *err)
{
	const char *subgroup = wish->subgroup ? wish->subgroup : USUAL_SUBGROUP;
	int r = 0;

	if (!place->v2 || place->directories_len)
		return wish->delegate ? place_refuse_delegation(err) : 0;
	if (subgroup[0])
		r = go_deeper(keeper, subgroup, arena, place, err);
	if (r == 0 && wish->delegate)
		r = go_deeper(keeper, wish->delegate, arena, place, err);
	return r;
}

static int systemd_begin(const struct cgroup_wish *wish, struct arena *arena,
			 struct oci_record_cgroup *place, struct cgroup_keeper *keeper,
			 struct error *err)
{
	struct request request = {0};
	int r = describe(wish, place, arena, &request, err);

	if (r == 0)
		r = helper_begin(keeper, err);
	if (r < 0) {
		free(request.bytes);
		return r;
	}
	r = helper_ask(keeper, &request, err);
	if (r == 0)
		r = locate(keeper, arena, place, err);
	if (r == 0)
		r = find_unit_file(arena, place->systemd, err);
	return r == 0 ? make_levels(wish, keeper, arena, place, err) : r;
}

/* -- limits ------------------------------------------------------------------------------------- */

/* The place whose files are written: the level below the scope, if there is one.  It is what the container
 * sees as the root, where programs look for their limits; the scope has the same, as properties. */
static struct oci_record_cgroup files_of(const struct oci_record_cgroup *place, char path[PATH_MAX])
{
	struct oci_record_cgroup files = *place;
	size_t length;

	if (!place->leaf)
		return files;
	length = strlen(place->v2) + 1;
	length += strcspn(place->leaf + length, "/");
	snprintf(path, PATH_MAX, "%.*s", (int)length, place->leaf);
	files.v2 = path;
	return files;
}

/* Limits that others are reckoned from. */
static void read_limits(const struct oci_record_cgroup *place, struct scope_limits *now)
{
	char path[PATH_MAX], text[64], quota[24] = "max";

	*now = (struct scope_limits){.memory = UINT64_MAX, .cpu_quota = UINT64_MAX};
	if (!place->v2 || place->directories_len)
		return;
	setting_read(place->v2, "memory.max", &now->memory);
	snprintf(path, sizeof(path), "%s/cpu.max", place->v2);
	if (file_read_small(AT_FDCWD, path, text, sizeof(text)) > 0)
		sscanf(text, "%23s %" SCNu64, quota, &now->cpu_period);
	if (strcmp(quota, "max") != 0)
		now->cpu_quota = strtoull(quota, NULL, 10);
}

static int add_limits(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		      struct request *request, struct error *err)
{
	struct scope_limits now;

	read_limits(place, &now);
	return scope_properties(resources, &now, request, err);
}

static int add_devices(const struct oci_resources *resources, struct request *request,
		       struct error *err)
{
	char devices[DEVICES_SIZE];

	/* Without it no driver is known by name, and what can't be said is left to the program. */
	procfs_read(procfs_own(), "devices", devices, sizeof(devices));
	return scope_devices(resources, devices, request, err);
}

/* Asks keeper, or a helper for this alone. */
static int set_properties(const struct oci_record_cgroup *place,
			  const struct oci_resources *resources, bool devices,
			  const struct cgroup_keeper *keeper, struct error *err)
{
	struct request request = {0};
	size_t head;
	int r;

	ask_for(&request, REQUEST_SET, place);
	head = request.length;
	r = add_limits(place, resources, &request, err);
	/* The kernel lets only root of the machine restrict devices. */
	if (r == 0 && devices && !asks_as_user())
		r = add_devices(resources, &request, err);
	if (r == 0 && (request.length > head || request.failed))
		return keeper ? helper_ask(keeper, &request, err) : helper_ask_once(&request, err);
	free(request.bytes);
	return r;
}

static int systemd_tell_limits(const struct oci_record_cgroup *place,
			       const struct oci_resources *resources,
			       const struct cgroup_keeper *keeper, struct error *err)
{
	return set_properties(place, resources, true, keeper, err);
}

static int tell_of_update(const struct oci_record_cgroup *place,
			  const struct oci_resources *resources, struct error *err)
{
	return set_properties(place, resources, resources->devices_len > 0, NULL, err);
}

/* The files first: they can be set back when systemd cannot be told. */
static int systemd_update(const struct oci_record_cgroup *place,
			  const struct oci_resources *resources, struct error *err)
{
	char path[PATH_MAX];
	const struct oci_record_cgroup files = files_of(place, path);

	return limits_update(&files, resources, tell_of_update, err);
}

static int systemd_fetch(const struct oci_record_cgroup *place, const struct cgroup_keeper *keeper,
			 struct error *err)
{
	const char *leaf = place->leaf ? place->leaf + strlen(place->v2) : "";
	struct request request = {0};

	ask_for(&request, REQUEST_ATTACH, place);
	request_word(&request, leaf);
	return helper_ask(keeper, &request, err);
}

/* -- the rest is as with the files -------------------------------------------------------------- */

/* What systemd has not made: hierarchies of version 1 that it does not use. */
static int systemd_create(const struct oci_record_cgroup *place, struct error *err)
{
	struct oci_record_cgroup others = *place;

	others.v2 = NULL;
	return others.directories_len ? cgroup_manager_cgroupfs.create(&others, err) : 0;
}

static int systemd_enter(const struct oci_record_cgroup *place, pid_t pid, bool cloned,
			 struct error *err)
{
	return cgroup_manager_cgroupfs.enter(place, pid, cloned, err);
}

static int systemd_limit(const struct oci_record_cgroup *place,
			 const struct oci_resources *resources, struct error *err)
{
	char path[PATH_MAX];
	const struct oci_record_cgroup files = files_of(place, path);

	return cgroup_manager_cgroupfs.limit(&files, resources, err);
}

static int systemd_kill(const struct oci_record_cgroup *place, struct error *err)
{
	return cgroup_manager_cgroupfs.kill(place, err);
}

/* -- the end ------------------------------------------------------------------------------------ */

/* Its file goes when systemd forgets it.  True also when that is not known. */
static bool is_there(const struct oci_record_scope *scope)
{
	return !scope->file || access(scope->file, F_OK) == 0 || errno != ENOENT;
}

static int systemd_remove(const struct oci_record_cgroup *place, struct error *err)
{
	struct patience patience = PATIENCE(place->v2 ? MOST_WAIT_TO_END : 0);
	struct request request = {0};
	int r = 0;

	/* systemd learns by itself that a cgroup of version 2 is empty. */
	while (place->systemd->file && is_there(place->systemd) && patience_wait(&patience, -1))
		continue;
	if (is_there(place->systemd)) {
		ask_for(&request, REQUEST_STOP, place);
		r = helper_ask_once(&request, err);
	}
	return r < 0 ? r : cgroup_manager_cgroupfs.remove(place, err);
}

/* Mostly it has ended with the helper.  But if that was killed in the very moment in which systemd put it
 * there, no process ever left the scope, and so systemd does not notice that it is empty. */
int systemd_clear(const struct oci_record_cgroup *place, struct error *err)
{
	struct request request = {0};
	int r;

	ask_for(&request, REQUEST_CLEAR, place);
	r = helper_ask_once(&request, err);
	return r == -ECONNREFUSED ? 0 : r;
}

const struct cgroup_manager cgroup_manager_systemd = {
	.name = "systemd",
	.plan = systemd_plan,
	.begin = systemd_begin,
	.create = systemd_create,
	.enter = systemd_enter,
	.fetch = systemd_fetch,
	.tell_limits = systemd_tell_limits,
	.limit = systemd_limit,
	.update = systemd_update,
	.kill = systemd_kill,
	.remove = systemd_remove,
};
