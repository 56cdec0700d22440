/*
 * Cgroups, whichever manager has them: see cgroup.h.
 *
 * The manager that made a container's cgroup is asked whatever is to be done with it, by the name
 * in the state record: later commands are called without the options that chose it.
 */
#include "cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/log.h"
#include "cgroup/controller.h"
#include "cgroup/devices.h"
#include "cgroup/directory.h"
#include "cgroup/managers.h"
#include "cgroup/systemd.h"
#include "cgroup/tree.h"
#include "systemd/property.h"

/* The first is the default. */
static const struct cgroup_manager *const managers[] = {
	&cgroup_manager_cgroupfs,
	&cgroup_manager_systemd,
	&cgroup_manager_disabled,
};

static const struct cgroup_manager *find_manager(const char *name, struct error *err)
{
	if (!name)
		return managers[0];
	for (size_t i = 0; i < sizeof(managers) / sizeof(managers[0]); i++)
		if (strcmp(managers[i]->name, name) == 0)
			return managers[i];
	error_config(err, "unknown cgroup manager \"%s\"", name);
	error_hint(err, "there are cgroupfs, systemd and disabled");
	return NULL;
}

int cgroup_check_manager(const char *name, struct error *err)
{
	const struct cgroup_manager *manager = find_manager(name, err);

	if (!manager)
		return -err->code;
	return manager == &cgroup_manager_systemd ? systemd_check_built(err) : 0;
}

/* Engines set them whichever cgroup manager they ask for, so it is nothing to warn of. */
static void tell_of_properties(const struct cgroup_wish *wish)
{
	for (size_t i = 0; i < wish->annotations_len; i++) {
		if (!systemd_property_is(&wish->annotations[i]))
			continue;
		log_debug("annotations: " SYSTEMD_PROPERTY
			  "* changes nothing: the container's cgroup is "
			  "not made by systemd");
		break;
	}
}

int cgroup_plan(const struct cgroup_wish *wish, struct arena *arena,
		struct oci_record_cgroup *place, struct error *err)
{
	const struct cgroup_manager *manager = find_manager(wish->manager, err);

	if (manager && manager != &cgroup_manager_systemd)
		tell_of_properties(wish);
	return manager ? manager->plan(wish, arena, place, err) : -err->code;
}

int cgroup_begin(const struct cgroup_wish *wish, struct arena *arena,
		 struct oci_record_cgroup *place, struct cgroup_keeper *keeper, struct error *err)
{
	const struct cgroup_manager *manager = find_manager(place->manager, err);

	if (!manager)
		return -err->code;
	return manager->begin ? manager->begin(wish, arena, place, keeper, err) : 0;
}

void cgroup_dismiss(struct cgroup_keeper *keeper)
{
	helper_end(keeper);
}

int cgroup_create(struct oci_record_cgroup *place, struct error *err)
{
	const struct cgroup_manager *manager = find_manager(place->manager, err);
	int r = manager ? manager->create(place, err) : -err->code;

	if (r == 0 && place->v2 && !place->directories_len)
		place->events = directory_number_v2(place->v2);
	place->has_events = place->events != 0;
	return r;
}

int cgroup_clone_fd(const struct oci_record_cgroup *place)
{
	const char *directory = place->leaf ? place->leaf : place->v2;

	return directory ? openat(AT_FDCWD, directory, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
}

int cgroup_fetch(const struct oci_record_cgroup *place, const struct cgroup_keeper *keeper,
		 bool *inside, struct error *err)
{
	const struct cgroup_manager *manager = find_manager(place->manager, err);
	int r;

	if (!manager)
		return -err->code;
	if (*inside || !place->v2 || !keeper->pid || !manager->fetch)
		return 0;
	r = manager->fetch(place, keeper, err);
	*inside = r == 0;
	return r;
}

int cgroup_enter(const struct oci_record_cgroup *place, pid_t pid, bool cloned, struct error *err)
{
	const struct cgroup_manager *manager = find_manager(place->manager, err);

	return manager ? manager->enter(place, pid, cloned, err) : -err->code;
}

const char *cgroup_memory_v1(const struct oci_record_cgroup *place)
{
	return limits_v1_directory(place, "memory.oom_control");
}

int cgroup_open_tasks(const char *directory, bool v2)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", directory, v2 ? "cgroup.procs" : "tasks");
	return openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
}

int cgroup_tell_limits(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		       const struct cgroup_keeper *keeper, struct error *err)
{
	const struct cgroup_manager *manager = find_manager(place->manager, err);

	if (!manager)
		return -err->code;
	return manager->tell_limits ? manager->tell_limits(place, resources, keeper, err) : 0;
}

void cgroup_limit_ahead(const struct oci_record_cgroup *place,
			const struct oci_resources *resources)
{
	devices_apply_ahead(place, resources);
}

int cgroup_limit(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		 struct error *err)
{
	const struct cgroup_manager *manager = find_manager(place->manager, err);

	return manager ? manager->limit(place, resources, err) : -err->code;
}

int cgroup_update(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		  struct error *err)
{
	const struct cgroup_manager *manager = find_manager(place->manager, err);

	return manager ? manager->update(place, resources, err) : -err->code;
}

static int compare_pids(const void *left, const void *right)
{
	pid_t a = *(const pid_t *)left, b = *(const pid_t *)right;

	return (a > b) - (a < b);
}

/* In version 1 a process whose threads are in several cgroups is listed in each. */
static void sort_and_unify(struct pid_list *list)
{
	size_t kept = 0;

	if (list->count > 0)
		qsort(list->pids, list->count, sizeof(*list->pids), compare_pids);
	for (size_t i = 0; i < list->count; i++)
		if (kept == 0 || list->pids[i] != list->pids[kept - 1])
			list->pids[kept++] = list->pids[i];
	list->count = kept;
}

int cgroup_processes(const struct oci_record_cgroup *place, struct arena *arena, pid_t **pids,
		     size_t *count, struct error *err)
{
	const char *directory = place->directories_len ? place->directories[0] : NULL;
	struct pid_list list = {0};
	int r = 0;

	if (place->v2)
		directory = place->v2;
	if (directory)
		r = tree_processes(directory, &list, err);
	sort_and_unify(&list);
	*count = list.count;
	*pids = arena_array(arena, pid_t, list.count + 1);
	if (*pids && list.count > 0)
		memcpy(*pids, list.pids, list.count * sizeof(**pids));
	free(list.pids);
	if (r == 0 && !*pids)
		r = arena_full(arena, err);
	return r;
}

int cgroup_kill(const struct oci_record_cgroup *place, struct error *err)
{
	const struct cgroup_manager *manager = find_manager(place->manager, err);

	return manager ? manager->kill(place, err) : -err->code;
}

int cgroup_remove(const struct oci_record_cgroup *place, struct error *err)
{
	const struct cgroup_manager *manager = find_manager(place->manager, err);

	return manager ? manager->remove(place, err) : -err->code;
}

int cgroup_none(const struct oci_record_cgroup *place, struct error *err)
{
	if (place && (place->v2 || place->directories_len))
		return 0;
	error_config(err, "the container has no cgroup of its own");
	return error_hint(err,
			  "it was made with --cgroup-manager disabled, or by a user to whom no "
			  "cgroup is delegated");
}

bool cgroup_frozen(const struct oci_record_cgroup *place)
{
	const char *v1;

	if (place->v2 && directory_frozen_v2(place->v2))
		return true;
	v1 = limits_v1_directory(place, "freezer.state");
	return v1 && directory_frozen_v1(v1);
}

bool cgroup_at_work(const struct oci_record_cgroup *place)
{
	return place->made && place->v2 && !place->directories_len &&
	       directory_at_work_v2(place->v2, place->events);
}

static bool remove_one(const char *directory)
{
	return !directory || rmdir(directory) == 0 || tree_gone(errno);
}

bool cgroup_remove_at_once(const struct oci_record_cgroup *place)
{
	/* Of a systemd's unit more is left than directories. */
	if (place->systemd)
		return false;
	for (size_t i = 0; i < place->directories_len; i++)
		if (!remove_one(place->directories[i]))
			return false;
	return remove_one(place->leaf) && remove_one(place->v2);
}

int cgroup_remove_empty(const struct oci_record_cgroup *place, struct error *err)
{
	/* The kernel refuses it for one with processes or cgroups in it. */
	for (size_t i = 0; i < place->directories_len; i++)
		rmdir(place->directories[i]);
	if (place->leaf)
		rmdir(place->leaf);
	if (place->v2)
		rmdir(place->v2);
	return place->systemd ? systemd_clear(place, err) : 0;
}
