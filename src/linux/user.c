/*
 * process.user: who the container's process is.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#user
 *	credentials(7), user_namespaces(7)
 *
 * All three ids of each kind are set at once, and the supplementary groups always, even to none: what is
 * left of the caller's could open files to the container, or, where a file's mode denies something to a
 * group, hide that from it.  The groups come first, before a seccomp filter that comes early: it need not
 * allow that.  The permitted capabilities are kept for the steps that follow, which need some and then drop
 * them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "basic/syscalls.h"
#include "linux/id-mappings.h"
#include "linux/section.h"

enum {
	DEFAULT_UMASK = 0022,
	PTY_FIRST = 136, /* the major numbers of pseudoterminals */
	PTY_LAST = 143,
};

/* -- the runtime ------------------------------------------------------------------------------- */

/* To the kernel this one means "leave it as it is": the container would keep the runtime's. */
static int validate_id(uint32_t id, const char *property, struct error *err)
{
	if (id != UINT32_MAX)
		return 0;
	return error_config(err, "process.user.%s: %" PRIu32 " is no id", property, id);
}

static int user_validate(const struct oci_config *config, struct error *err)
{
	const struct oci_user *user = config->process ? config->process->user : NULL;

	if (!user)
		return 0;
	if (validate_id(user->uid, "uid", err) < 0 || validate_id(user->gid, "gid", err) < 0)
		return -err->code;
	for (size_t i = 0; i < user->additional_gids_len; i++)
		if (validate_id(user->additional_gids[i], "additionalGids", err) < 0)
			return -err->code;
	if (user->has_umask && user->umask > 0777)
		return error_config(err, "process.user.umask: %#" PRIo32 " is not from 0 to 0777",
				    user->umask);
	return 0;
}

static int expect_mapped(const struct container *container, bool group, uint32_t id,
			 struct error *err)
{
	const struct id_map *map = group ? &container->gid_map : &container->uid_map;
	uint32_t outside;

	if (id_map_lookup(container, map, id, &outside))
		return 0;
	error_config(err, "%" PRIu32 " is not mapped in the container's user namespace", id);
	return error_hint(err, "add it to linux.%cidMappings", group ? 'g' : 'u');
}

/* run.oci.keep_original_groups: the caller's supplementary groups stay, as engines ask for with
 * --group-add keep-groups. */
static bool keeps_groups(const struct container *container)
{
	const struct oci_config *config = container->config;

	for (size_t i = 0; i < config->annotations_len; i++)
		if (strcmp(config->annotations[i].key, "run.oci.keep_original_groups") == 0)
			return strcmp(config->annotations[i].value, "0") != 0;
	return false;
}

static int user_prepare(struct container *container, struct error *err)
{
	const struct oci_process *process = container->config->process;
	const struct oci_user *user = process ? process->user : NULL;

	if (!user)
		return 0;
	if (expect_mapped(container, false, user->uid, err) < 0)
		return error_in(err, "process.user.uid");
	if (expect_mapped(container, true, user->gid, err) < 0)
		return error_in(err, "process.user.gid");
	if (user->additional_gids_len && container->deny_setgroups && !keeps_groups(container)) {
		error_config(err, "process.user.additionalGids: the container's user namespace "
				  "allows no change of groups");
		return error_hint(err, "with more than one gid mapped, by newgidmap and "
				       "/etc/subgid, it would");
	}
	for (size_t i = 0; i < user->additional_gids_len; i++)
		if (expect_mapped(container, true, user->additional_gids[i], err) < 0)
			return error_in(err, "process.user.additionalGids[%zu]", i);
	if (user->additional_gids_len == 0)
		return 0;
	container->groups = arena_array(container->arena, uint32_t, user->additional_gids_len);
	return container->groups ? 0 : arena_full(container->arena, err);
}

/* -- init -------------------------------------------------------------------------------------- */

/* Whether a standard stream was made for this container.  A device or a file that the caller was
 * redirected to has an owner of its own, and must keep him. */
static bool is_ours(const struct stat *status, bool terminal)
{
	if (S_ISFIFO(status->st_mode) || S_ISSOCK(status->st_mode))
		return true;
	return terminal && S_ISCHR(status->st_mode) && major(status->st_rdev) >= PTY_FIRST &&
	       major(status->st_rdev) <= PTY_LAST;
}

/* Gives the standard streams to the user, who may open them again by /dev/stdout. */
static int give_streams(const struct oci_process *process, struct error *err)
{
	struct stat status;

	for (int fd = 0; fd <= 2; fd++) {
		if (fstat(fd, &status) < 0 || status.st_uid == process->user->uid ||
		    !is_ours(&status, process->terminal))
			continue;
		if (fchown(fd, process->user->uid, (gid_t)-1) == 0)
			continue;
		/* The owner is not mapped here, the file system takes no owners, or no writes. */
		if (errno != EINVAL && errno != EPERM && errno != EROFS && errno != ENOSYS)
			return error_errno(err, errno, "give standard stream %d to the user", fd);
	}
	return 0;
}

static bool has_all(const gid_t *groups, size_t count, const gid_t *others, size_t others_count)
{
	size_t next = 0;

	for (size_t i = 0; i < others_count; i++) {
		size_t left = count;

		/* From where the last one was: in most cases both are in the same order. */
		while (left && groups[next] != others[i]) {
			next = (next + 1) % count;
			left--;
		}
		if (left == 0)
			return false;
	}
	return true;
}

/* Whether the groups are what they were set to, in whatever order: a filter of the caller's may let a call
 * succeed and do nothing, as some do to make programs believe that they are root. */
static int check_groups(const struct container *container, struct error *err)
{
	const struct oci_user *user = container->config->process->user;
	int most = (int)user->additional_gids_len;
	int count = getgroups(most, container->groups);

	if (count >= 0 && (most || !count) &&
	    has_all(container->groups, (size_t)count, user->additional_gids, (size_t)most) &&
	    has_all(user->additional_gids, (size_t)most, container->groups, (size_t)count))
		return 0;
	return error_config(err, "process.user.additionalGids: they are not what was set");
}

static int groups_apply(struct container *container, struct error *err)
{
	const struct oci_process *process = container->config->process;
	const struct oci_user *user = process ? process->user : NULL;

	if (!user || keeps_groups(container))
		return 0;
	if (sys_setgroups(user->additional_gids_len, user->additional_gids) == 0)
		return check_groups(container, err);
	/* A user namespace where setgroups(2) is denied: no group can be added in it, and the caller's
	 * can't be dropped.  Fine also if there were none. */
	if (errno == EPERM && user->additional_gids_len == 0 &&
	    (container->deny_setgroups || getgroups(0, NULL) == 0))
		return 0;
	return error_errno(err, errno, "process.user.additionalGids: set them");
}

/* Whether all ids are what they were set to: a filter may let a call succeed and do nothing. */
static int check_ids(const struct oci_user *user, struct error *err)
{
	uid_t uids[3] = {0};
	gid_t gids[3] = {0};

	if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 ||
	    getresgid(&gids[0], &gids[1], &gids[2]) < 0)
		return error_errno(err, errno, "process.user: read it back");
	for (int i = 0; i < 3; i++)
		if (uids[i] != user->uid || gids[i] != user->gid)
			return error_config(err, "process.user: it is not what was set");
	return 0;
}

static int switch_user(const struct oci_user *user, struct error *err)
{
	if (user->uid != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return error_errno(err, errno, "process.user: keep the capabilities");
	if (sys_setresgid(user->gid) < 0)
		return error_errno(err, errno, "process.user.gid: become %" PRIu32, user->gid);
	if (sys_setresuid(user->uid) < 0)
		return error_errno(err, errno, "process.user.uid: become %" PRIu32, user->uid);
	return check_ids(user, err);
}

static int user_apply(struct container *container, struct error *err)
{
	const struct oci_process *process = container->config->process;

	if (!process)
		return 0;
	umask(process->user->has_umask ? process->user->umask : DEFAULT_UMASK);
	if (give_streams(process, err) < 0)
		return -err->code;
	return switch_user(process->user, err);
}

const struct section section_user = {
	.path = "process.user",
	.validate = user_validate,
	.prepare = user_prepare,
};

const struct step step_groups = {
	.name = "process.user.additionalGids",
	.apply = groups_apply,
};

const struct step step_user = {
	.name = "process.user",
	.apply = user_apply,
};
