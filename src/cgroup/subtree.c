/*
 * Handing controllers down: see subtree.h.
 *
 * It comes when the container's cgroup is made.  All controllers are handed on, not only those with
 * limits, because engines read from them what a container uses.
 */
#include "cgroup/subtree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/file.h"
#include "basic/users.h"

#define USUAL_TOP "/sys/fs/cgroup"

bool subtree_read(const char *directory, const char *file, char list[SUBTREE_SIZE])
{
	char path[PATH_MAX + 32];
	ssize_t length;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	length = file_read_small(AT_FDCWD, path, list, SUBTREE_SIZE);
	list[length > 0 ? strcspn(list, "\n") : 0] = '\0';
	return length >= 0;
}

bool subtree_has(const char *list, const char *controller)
{
	size_t length = strlen(controller);

	for (const char *at = list; (at = strstr(at, controller)) != NULL; at += length)
		if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

/* Whether the cgroup has processes itself, and so should hand nothing on.  The kernel does not refuse it in
 * each case: with controllers that count threads it makes the cgroup a threaded one, and those below it can
 * no longer have processes.  The root of all is free of this. */
static bool has_processes(const char *directory)
{
	char path[PATH_MAX + 32], text[2];

	snprintf(path, sizeof(path), "%s/cgroup.type", directory);
	if (access(path, F_OK) < 0)
		return false;
	snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
	return file_read_small(AT_FDCWD, path, text, sizeof(text)) > 0;
}

static int hand_on(const char *directory, const char *changes)
{
	char path[PATH_MAX + 32];

	if (has_processes(directory))
		return -EBUSY;
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", directory);
	return file_write(AT_FDCWD, path, changes);
}

/* Has the cgroup hand on what is available and it does not yet, and reads into list what it does
 * now. */
static void enable_here(const char *directory, char list[SUBTREE_SIZE])
{
	char enabled[SUBTREE_SIZE], available[SUBTREE_SIZE], changes[2 * SUBTREE_SIZE] = "";
	char *name, *rest;
	size_t used = 0;
	int r = 0;

	memcpy(available, list, SUBTREE_SIZE);
	subtree_read(directory, "cgroup.subtree_control", enabled);
	for (name = strtok_r(list, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
		if (!subtree_has(enabled, name))
			used += (size_t)snprintf(changes + used, sizeof(changes) - used, "+%s ",
						 name);
	if (used > 0)
		r = hand_on(directory, changes);
	if (r == 0) {
		memcpy(list, used == 0 ? enabled : available, SUBTREE_SIZE);
		return;
	}
	/* All or nothing is what the kernel does: one that cannot be had shall not cost the
	 * others. */
	name = r == -EBUSY ? NULL : strtok_r(changes, " ", &rest);
	for (; name; name = strtok_r(NULL, " ", &rest))
		hand_on(directory, name);
	subtree_read(directory, "cgroup.subtree_control", list);
}

/* Reads what the uppermost cgroup above the one at path has into list, and returns how long the part of path is
 * that names it: what lies above it is no cgroup.  The lowest ones need not be there yet. */
static size_t read_top(const char *path, char list[SUBTREE_SIZE])
{
	size_t top = strlen(path);
	bool found = false;
	char file[PATH_MAX];

	if (strncmp(path, USUAL_TOP "/", sizeof(USUAL_TOP)) == 0 &&
	    subtree_read(USUAL_TOP, "cgroup.controllers", list))
		return strlen(USUAL_TOP);
	for (size_t i = top; i > 0; i--) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		snprintf(file, sizeof(file), "%.*s/cgroup.controllers", (int)i, path);
		if (access(file, F_OK) == 0) {
			found = true;
			top = i;
		} else if (found) {
			break;
		}
	}
	snprintf(file, sizeof(file), "%.*s", (int)top, path);
	subtree_read(file, "cgroup.controllers", list);
	return top;
}

void subtree_foresee(const char *directory, char list[SUBTREE_SIZE])
{
	read_top(directory, list);
}

bool subtree_find_threaded(const char *directory, char threaded[PATH_MAX])
{
	char type[SUBTREE_SIZE];
	size_t top = read_top(directory, type), length = strlen(directory);

	while (length > top) {
		while (directory[--length] != '/')
			;
		snprintf(threaded, PATH_MAX, "%.*s", (int)length, directory);
		subtree_read(threaded, "cgroup.type", type);
		if (strcmp(type, "threaded") == 0 || strcmp(type, "domain threaded") == 0)
			return true;
	}
	return false;
}

/* From the uppermost, whose path is top bytes long and which has what is in list. */
__attribute__((noinline)) static void enable_from(const char *directory, size_t top,
						  char list[SUBTREE_SIZE])
{
	char path[PATH_MAX], *slash = path + top;

	snprintf(path, sizeof(path), "%s", directory);
	if (*slash != '/')
		return;
	*slash = '\0';
	while (list[0]) {
		enable_here(path, list);
		*slash = '/';
		slash = strchr(slash + 1, '/');
		if (!slash)
			return;
		*slash = '\0';
	}
}

/* The same for a plain user, who begins where he may: at the uppermost of those that were given to him, which lie above
 * the one at path without a gap.  0: there is none. */
__attribute__((noinline)) static size_t read_own_top(const char *path, char list[SUBTREE_SIZE])
{
	char file[PATH_MAX + 32];
	size_t own = 0;

	for (size_t i = strlen(path); i-- > 0;) {
		if (path[i] != '/')
			continue;
		snprintf(file, sizeof(file), "%.*s/cgroup.subtree_control", (int)i, path);
		if (faccessat(AT_FDCWD, file, W_OK, AT_EACCESS) < 0)
			break;
		own = i;
	}
	if (own == 0)
		return 0;
	snprintf(file, sizeof(file), "%.*s", (int)own, path);
	subtree_read(file, "cgroup.controllers", list);
	return own;
}

void subtree_enable(const char *directory)
{
	char list[SUBTREE_SIZE] = "", own[SUBTREE_SIZE];
	size_t top = is_plain_user(geteuid()) ? read_own_top(directory, list)
					      : read_top(directory, list);

	if (top == 0 || !list[0])
		return;
	/* Most often all that there is comes down to it already. */
	if (!subtree_read(directory, "cgroup.controllers", own) || strcmp(own, list) != 0)
		enable_from(directory, top, list);
}

int subtree_hint_delegation(struct error *err)
{
	return error_hint(err,
			  "it is not delegated to uid %u; systemd does so with \"Delegate=cpu "
			  "cpuset io memory pids\" in a drop-in of user@.service",
			  (unsigned int)geteuid());
}

static int explain_refusal(const char *above, const char *controller, int code, struct error *err)
{
	error_config(err, "the cgroup %s cannot hand on the %s controller", above, controller);
	if (code == EBUSY)
		return error_hint(err,
				  "there are processes in it: in version 2 a cgroup has either "
				  "processes or controllers for those below it");
	if (code == EOPNOTSUPP)
		return error_hint(err, "it is threaded");
	if (code == EACCES || code == EPERM || code == EROFS)
		return subtree_hint_delegation(err);
	return error_hint(err, "the kernel says: %s", strerror(code));
}

int subtree_explain(const char *directory, const char *controller, struct error *err)
{
	char above[PATH_MAX], list[SUBTREE_SIZE], change[SUBTREE_SIZE];
	size_t top = read_top(directory, list), length = strlen(directory);
	int r;

	/* The nearest that has it is the one that does not hand it on. */
	do {
		while (length > top && directory[--length] != '/')
			;
		snprintf(above, sizeof(above), "%.*s", (int)length, directory);
		subtree_read(above, "cgroup.controllers", list);
	} while (length > top && !subtree_has(list, controller));
	if (!subtree_has(list, controller)) {
		error_config(err, "%s/cgroup.controllers lacks the %s controller", above,
			     controller);
		if (is_plain_user(geteuid()))
			return subtree_hint_delegation(err);
		return error_hint(err, "it is in use by version 1, or disabled, or not delegated "
				       "to here");
	}
	snprintf(change, sizeof(change), "+%s", controller);
	/* Once more, to learn why: what was refused when the cgroup was made was not kept. */
	r = has_processes(above) ? -EBUSY : hand_on(above, change);
	if (r < 0)
		return explain_refusal(above, controller, -r, err);
	error_config(err, "the cgroup %s did not hand on the %s controller", above, controller);
	return error_hint(err, "it does now: try again");
}
