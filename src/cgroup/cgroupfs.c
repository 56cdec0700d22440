/*
 * The manager "cgroupfs": the container's cgroup is made directly in the cgroup file systems.
 *
 *	cgroups(7), https://docs.kernel.org/admin-guide/cgroup-v2.html
 *
 * Works wherever the caller may make directories, with version 1, version 2, or both.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "cgroup/controller.h"
#include "cgroup/devices.h"
#include "cgroup/directory.h"
#include "cgroup/freezer.h"
#include "cgroup/hierarchies.h"
#include "cgroup/managers.h"
#include "cgroup/patience.h"
#include "cgroup/place.h"
#include "cgroup/subtree.h"
#include "cgroup/tree.h"

/* How long is waited, in milliseconds. */
enum {
	MOST_WAIT_TO_END = 10000,   /* for killed processes */
	MOST_WAIT_TO_REMOVE = 2000, /* for what the kernel still keeps of them */
};

/* -- making ----------------------------------------------------------------------------------- */

static int cgroupfs_create(const struct oci_record_cgroup *place, struct error *err)
{
	struct made_directory made[MOST_HIERARCHIES];
	struct found_v1 found = {false, false};
	size_t count = 0;
	int r = 0;

	if (place->directories_len + 2 > MOST_HIERARCHIES)
		return error_errno(err, E2BIG, "make a cgroup");
	for (size_t i = 0; r == 0 && i < place->directories_len; i++)
		r = directory_make_v1(place->directories[i], &made[count++], &found, err);
	if (r == 0 && place->v2)
		r = directory_make_v2(place->v2, &made[count++], err);
	if (r == 0 && place->leaf)
		r = directory_make_v2(place->leaf, &made[count++], err);
	if (r == 0)
		return 0;
	while (count > 0)
		directory_undo(&made[--count]);
	return r;
}

static int cgroupfs_limit(const struct oci_record_cgroup *place,
			  const struct oci_resources *resources, struct error *err)
{
	int r = limits_check(resources, err);

	if (r == 0 && resources)
		r = limits_apply(place, resources, err);
	return r < 0 ? r : devices_apply(place, resources, err);
}

/* -- entering --------------------------------------------------------------------------------- */

static int explain_entry(const char *directory, pid_t pid, int code, struct error *err)
{
	char threaded[PATH_MAX];

	if (tree_gone(code))
		return error_config(err, "move process %d into cgroup %s: it is gone", pid,
				    directory);
	if (code == EACCES || code == EPERM) {
		error_config(err, "uid %u may not move process %d into cgroup %s",
			     (unsigned int)geteuid(), pid, directory);
		return error_hint(err, "it takes write access to cgroup.procs of the cgroup above "
				       "both its old and its new one");
	}
	error_errno(err, code, "move process %d into cgroup %s", pid, directory);
	if (code == EOPNOTSUPP && subtree_find_threaded(directory, threaded))
		return error_hint(err,
				  "%s is threaded: no cgroup below it can have processes of its "
				  "own",
				  threaded);
	if (code == EBUSY)
		return error_hint(err, "it hands controllers on to cgroups below it, and so cannot "
				       "have processes itself");
	if (code == EINVAL)
		return error_hint(err, "a real-time process finds no budget there");
	return -code;
}

static int enter_directory(const char *directory, const char *file, pid_t pid, struct error *err)
{
	char path[PATH_MAX + 32], text[SETTING_SIZE];
	int r;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	snprintf(text, sizeof(text), "%d", pid);
	r = file_write(AT_FDCWD, path, text);
	return r < 0 ? explain_entry(directory, pid ? pid : getpid(), -r, err) : 0;
}

static int cgroupfs_enter(const struct oci_record_cgroup *place, pid_t pid, bool cloned,
			  struct error *err)
{
	/* Moving one's own thread alone does not take the lock that holds up every fork and exit
	 * of the machine, for which the kernel waits some ten milliseconds (since Linux 5.5). */
	const char *file = pid == 0 ? "tasks" : "cgroup.procs";
	int r = 0;

	for (size_t i = 0; r == 0 && i < place->directories_len; i++)
		r = enter_directory(place->directories[i], file, pid, err);
	if (r == 0 && place->v2 && !cloned)
		r = enter_directory(place->leaf ? place->leaf : place->v2, "cgroup.procs", pid,
				    err);
	return r;
}

/* -- killing and removing --------------------------------------------------------------------- */

/* Has the kernel kill all at once (Linux 5.14), whatever is started meanwhile. */
static bool kill_at_once(const char *directory)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/cgroup.kill", directory);
	return file_write(AT_FDCWD, path, "1") == 0;
}

/* In version 1 nothing can kill a frozen process.  It is thawed only when the signal is already
 * there: it does not run on in between.  In version 2 the signal is enough. */
static int thaw(const struct oci_record_cgroup *place, struct error *err)
{
	const char *directory = limits_v1_directory(place, "freezer.state");

	return directory ? freezer_thaw_tree(directory, err) : 0;
}

/* How many processes were killed, or are still ending. */
static int kill_round(const struct oci_record_cgroup *place, struct error *err)
{
	int count = 0;

	for (size_t i = 0; i <= place->directories_len; i++) {
		const char *directory =
			i < place->directories_len ? place->directories[i] : place->v2;
		int r = directory ? tree_kill(directory, err) : 0;

		if (r < 0)
			return error_in(err, "end the processes of cgroup %s", directory);
		count += r;
	}
	return count;
}

static int explain_survivors(const struct oci_record_cgroup *place, struct error *err)
{
	for (size_t i = 0; i <= place->directories_len; i++) {
		const char *directory =
			i < place->directories_len ? place->directories[i] : place->v2;

		if (directory && tree_explain_busy(directory, "end the processes of", err) < 0)
			return -err->code;
	}
	return 0;
}

static int cgroupfs_kill(const struct oci_record_cgroup *place, struct error *err)
{
	struct patience patience = PATIENCE(MOST_WAIT_TO_END);
	autoclose int dir = -1;
	bool at_once = false;

	if (place->v2) {
		at_once = kill_at_once(place->v2);
		dir = openat(AT_FDCWD, place->v2, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	for (int round = 0;; round++) {
		int r;

		/* Who forks faster than he is killed is held; most have ended without it. */
		if (round > 1 && !at_once)
			cgroup_hold(place);
		r = kill_round(place, err);

		if (r > 0)
			r = thaw(place, err) < 0 ? -err->code : 1;
		if (r <= 0)
			return r;
		if (!patience_wait(&patience, dir))
			return explain_survivors(place, err);
	}
}

static int cgroupfs_remove(const struct oci_record_cgroup *place, struct error *err)
{
	struct patience patience = PATIENCE(MOST_WAIT_TO_REMOVE);
	struct error failure = {0};
	int r = 0;

	/* One that cannot be removed shall not keep the others. */
	for (size_t i = 0; i <= place->directories_len; i++) {
		const char *directory =
			i < place->directories_len ? place->directories[i] : place->v2;

		if (!directory || tree_remove(directory, &patience, &failure) >= 0 || r < 0)
			continue;
		*err = failure;
		r = -failure.code;
	}
	return r;
}

static int cgroupfs_update(const struct oci_record_cgroup *place,
			   const struct oci_resources *resources, struct error *err)
{
	return limits_update(place, resources, NULL, err);
}

const struct cgroup_manager cgroup_manager_cgroupfs = {
	.name = "cgroupfs",
	.plan = place_find,
	.create = cgroupfs_create,
	.enter = cgroupfs_enter,
	.limit = cgroupfs_limit,
	.update = cgroupfs_update,
	.kill = cgroupfs_kill,
	.remove = cgroupfs_remove,
};
