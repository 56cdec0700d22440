#include "runtime/external.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "basic/inside.h"
#include "basic/procfs.h"
#include "basic/syscalls.h"
#include "cgroup/cgroup.h"
#include "linux/mount-options.h"
#include "linux/mounts.h"
#include "linux/namespaces.h"
#include "linux/notify-mount.h"

enum { PATH_SIZE = 64 };

static const struct {
	int flag;
	char type[8], name[16], kernel[4]; /* in config.json; CRIU's; in /proc/PID/ns */
} namespaces[] = {
	{CLONE_NEWNET, "network", "extRootNetNS", "net"},
	{CLONE_NEWPID, "pid", "extRootPidNS", "pid"},
};

const char *external_namespace(int flag)
{
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++)
		if (namespaces[i].flag == flag)
			return namespaces[i].name;
	return NULL;
}

static int add(struct criu_pairs *list, struct arena *arena, const char *key, struct error *err)
{
	if (key && criu_add(list, arena, (struct criu_pair){.key = key}))
		return 0;
	return arena_full(arena, err);
}

/* "mnt[NAME]:WHAT".  A "]" would end the name: what is behind it, which may be the container's word, is no path of the
 * host's. */
static int add_mount(struct criu_pairs *list, struct arena *arena, const char *name,
		     const char *what, struct error *err)
{
	if (strchr(name, ']'))
		return error_config(err, "CRIU cannot be told of a mount on %s, for the ]", name);
	return add(list, arena, arena_printf(arena, "mnt[%s]:%s", name, what), err);
}

/* -- a dump: the container's mounts ------------------------------------------------------------ */

/* "97 96 254:0 /vol /data rw,relatime - ext4 ..." */
static bool parse_mount(char *line, struct external_mount *mount)
{
	const char *tail = strstr(line, " - ");
	char *rest, *field;

	mount->cgroup = tail && strncmp(tail, " - cgroup", strlen(" - cgroup")) == 0;
	field = strtok_r(line, " ", &rest);
	mount->id = field ? strtoull(field, NULL, 10) : 0;
	for (int i = 0; i < 4 && field; i++)
		field = strtok_r(NULL, " ", &rest);
	if (!field)
		return false;
	procfs_unescape(field);
	mount->path = field;
	return true;
}

static int read_mounts(struct external *external, struct error *err)
{
	autoclose int fd = -1;
	char path[PATH_SIZE], *text = NULL, *rest = NULL;
	size_t most = 1;

	snprintf(path, sizeof(path), "%d/mountinfo", external->pid);
	fd = procfs_open(procfs_own(), path, O_RDONLY);
	if (fd < 0)
		return error_errno(err, -fd, "open the container's mountinfo");
	if (file_read_stream(external->arena, fd, "the container's mountinfo", &text, err) < 0)
		return -err->code;
	for (const char *c = text; *c; c++)
		most += *c == '\n';
	external->mounts = arena_array(external->arena, struct external_mount, most);
	if (!external->mounts)
		return arena_full(external->arena, err);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (parse_mount(line, &external->mounts[external->mounts_len]))
			external->mounts_len++;
	return 0;
}

/* The mount whose root is what path leads to, with what that is; or NULL. */
static struct external_mount *find_mount(const struct external *external, int root,
					 const char *path, mode_t *mode)
{
	struct error unheard = {0};
	autoclose int fd = inside_open(root, path, O_PATH, &unheard);
	struct statx status;

	if (fd < 0 || sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MNT_ID, &status) < 0 ||
	    !(status.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return NULL;
	*mode = status.stx_mode;
	for (size_t i = 0; i < external->mounts_len; i++)
		if (external->mounts[i].id == status.stx_mnt_id)
			return &external->mounts[i];
	return NULL;
}

static int tell(struct external *external, struct external_mount *mount, const char *name,
		struct error *err)
{
	mount->known = true;
	return add_mount(&external->options->external, external->arena, mount->path, name, err);
}

/* What masks files, and where no device nodes can be made what is bound in their place. */
static int tell_devices(struct external *external, int root, struct error *err)
{
	const char **list = arena_array(external->arena, const char *, external->mounts_len + 1);
	size_t count = 0;

	if (!list)
		return arena_full(external->arena, err);
	for (size_t i = 0; i < external->mounts_len; i++) {
		const char *path = external->mounts[i].path;
		mode_t mode;
		struct external_mount *mount = find_mount(external, root, path, &mode);

		if (!mount || mount->known || !(S_ISCHR(mode) || S_ISBLK(mode)))
			continue;
		if (tell(external, mount, mount->path, err) < 0)
			return -err->code;
		list[count++] = mount->path;
	}
	external->checkpoint->devices = list;
	external->checkpoint->devices_len = count;
	return 0;
}

static bool is_below(const char *path, const char *above)
{
	size_t length = strcmp(above, "/") == 0 ? 0 : strlen(above);

	return strncmp(path, above, length) == 0 && path[length] == '/';
}

/* A mount of config.json's; *found is NULL where there is none by now. */
static int tell_listed(struct external *external, int root, const struct oci_mount *listed,
		       struct external_mount **found, struct error *err)
{
	struct mount_options options;
	char clean[PATH_MAX];
	const char *name;
	mode_t mode;
	int r = mount_options_parse(listed, NULL, &options, err);

	*found = NULL;
	if (r == 0)
		r = mount_clean_path(listed->destination, clean, sizeof(clean), err);
	if (r < 0 || options.remount)
		return r;
	*found = find_mount(external, root, clean, &mode);
	if (!*found || (*found)->known)
		return 0;
	(*found)->known = true;
	if (!options.bind) {
		*found = NULL;
		return 0;
	}
	name = arena_copy(external->arena, clean, strlen(clean));
	return name ? tell(external, *found, name, err) : arena_full(external->arena, err);
}

/* Without a namespace of its own a container sees a part of the host's cgroups, each a bind mount to CRIU. */
static int tell_cgroups(struct external *external, struct error *err)
{
	if (namespace_has(external->config, "cgroup"))
		return 0;
	for (size_t i = 0; i < external->mounts_len; i++) {
		struct external_mount *mount = &external->mounts[i];

		if (mount->cgroup && tell(external, mount, mount->path, err) < 0)
			return -err->code;
	}
	return 0;
}

static int tell_folder(struct external *external, int root, const char *path, struct error *err)
{
	mode_t mode;
	struct external_mount *mount = find_mount(external, root, path, &mode);

	return mount && !mount->known ? tell(external, mount, path, err) : 0;
}

/* What was mounted below the source of a bind mount, and is there now. */
static int tell_along(struct external *external, const struct external_mount *above,
		      const char *destination, struct error *err)
{
	struct oci_checkpoint *checkpoint = external->checkpoint;

	for (size_t i = 0; i < external->mounts_len; i++) {
		struct external_mount *mount = &external->mounts[i];

		if (mount->known || !is_below(mount->path, above->path))
			continue;
		if (tell(external, mount, mount->path, err) < 0)
			return -err->code;
		checkpoint->mounts[checkpoint->mounts_len++] =
			(struct oci_checkpoint_mount){.path = mount->path, .bind = destination};
	}
	return 0;
}

static int tell_mounts(struct external *external, int root, struct error *err)
{
	const struct oci_config *config = external->config;
	struct external_mount **binds =
		arena_array(external->arena, struct external_mount *, config->mounts_len + 1);
	int r;

	external->checkpoint->mounts =
		arena_array(external->arena, struct oci_checkpoint_mount, external->mounts_len + 1);
	if (!binds || !external->checkpoint->mounts)
		return arena_full(external->arena, err);
	r = tell_cgroups(external, err);
	for (size_t i = 0; r == 0 && i < config->mounts_len; i++) {
		r = tell_listed(external, root, &config->mounts[i], &binds[i], err);
		if (r < 0)
			error_in(err, "mounts[%zu] (%s)", i, config->mounts[i].destination);
	}
	if (r == 0 && external->checkpoint->notify)
		r = tell_folder(external, root, NOTIFY_FOLDER_INSIDE, err);
	if (r == 0)
		r = tell_devices(external, root, err);
	/* The last are on top: what is below two of them came with the inner one. */
	for (size_t i = config->mounts_len; r == 0 && i-- > 0;)
		if (binds[i])
			r = tell_along(external, binds[i], config->mounts[i].destination, err);
	return r;
}

static int find_mounts(struct external *external, struct error *err)
{
	autoclose int root = -1;
	char path[PATH_SIZE];
	int r = read_mounts(external, err);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%d/root", external->pid);
	root = procfs_follow(procfs_own(), path, O_PATH | O_DIRECTORY);
	if (root < 0)
		return error_errno(err, -root, "open the container's root");
	return tell_mounts(external, root, err);
}

/* -- a dump: what else there is ---------------------------------------------------------------- */

static bool is_mounted(const struct external *external, uint64_t id)
{
	for (size_t i = 0; i < external->mounts_len; i++)
		if (external->mounts[i].id == id)
			return true;
	return false;
}

/* A file that lies on none of the container's mounts is its caller's. */
static int tell_file(struct external *external, int fd, const char **name, struct error *err)
{
	struct statx status;

	if (sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_INO | STATX_MNT_ID, &status) < 0)
		return error_errno(err, errno, "look at it");
	if (is_mounted(external, status.stx_mnt_id) ||
	    !(S_ISREG(status.stx_mode) || S_ISCHR(status.stx_mode)))
		return 0;
	*name = arena_printf(external->arena, "file[%" PRIx64 ":%" PRIx64 "]",
			     (uint64_t)status.stx_mnt_id, (uint64_t)status.stx_ino);
	return add(&external->options->external, external->arena, *name, err);
}

static int find_stream(struct external *external, int number, struct error *err)
{
	char link[PATH_SIZE], text[PATH_MAX];
	autoclose int fd = -1;
	const char **name = &external->streams[number];

	*name = "";
	snprintf(link, sizeof(link), "%d/fd/%d", external->pid, number);
	if (procfs_read_link(procfs_own(), link, text, sizeof(text)) < 0)
		return 0; /* the program has closed it */
	*name = arena_copy(external->arena, text, strlen(text));
	if (!*name)
		return arena_full(external->arena, err);
	/* "pipe:[4711]" and such are names already. */
	if (text[0] != '/')
		return 0;
	fd = procfs_follow(procfs_own(), link, O_PATH);
	return fd < 0 ? 0 : tell_file(external, fd, name, err);
}

static int find_namespace(struct external *external, const struct oci_namespace *namespace,
			  struct error *err)
{
	char path[PATH_SIZE];
	ino_t inode;
	int r;

	if (!namespace->path || !namespace->path[0])
		return 0;
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
		if (strcmp(namespaces[i].type, namespace->type) != 0)
			continue;
		snprintf(path, sizeof(path), "%d/ns/%s", external->pid, namespaces[i].kernel);
		r = procfs_namespace(procfs_own(), path, &inode);
		if (r < 0)
			return error_errno(err, -r, "look at the container's namespace");
		return add(&external->options->external, external->arena,
			   arena_printf(external->arena, "%s[%ju]:%s", namespaces[i].kernel,
					(uintmax_t)inode, namespaces[i].name),
			   err);
	}
	return 0;
}

int external_find(struct external *external, struct error *err)
{
	const struct oci_linux *properties = external->config->linux;
	int r = find_mounts(external, err);

	for (int i = 0; r == 0 && i < CHECKPOINT_STREAMS; i++) {
		r = find_stream(external, i, err);
		if (r < 0)
			error_in(err, "descriptor %d", i);
	}
	for (size_t i = 0; r == 0 && properties && i < properties->namespaces_len; i++) {
		r = find_namespace(external, &properties->namespaces[i], err);
		if (r < 0)
			error_in(err, "linux.namespaces[%zu]", i);
	}
	return r;
}

/* -- a restore --------------------------------------------------------------------------------- */

static int give(const struct container *container, struct criu_pairs *list, const char *name,
		const char *source, struct error *err)
{
	return add_mount(list, container->arena, name, source, err);
}

/* CRIU follows no symbolic link at the end of a source. */
static const char *follow(const struct container *container, const struct mount_plan *plan)
{
	char real[PATH_MAX];

	if ((plan->options.extras & EXTRA_SOURCE_NOFOLLOW) || !realpath(plan->source, real))
		return plan->source;
	return arena_copy(container->arena, real, strlen(real));
}

static int give_bind(const struct container *container, const struct mount_plan *plan,
		     struct criu_pairs *list, struct error *err)
{
	const char *source = follow(container, plan);

	return source ? give(container, list, plan->destination, source, err)
		      : arena_full(container->arena, err);
}

/* The bind mount at this destination, as config.json writes it. */
static const struct mount_plan *find_bind(const struct container *container,
					  const char *destination)
{
	const struct oci_config *config = container->config;

	for (size_t i = 0; i < container->mounts_len; i++) {
		const struct mount_plan *plan = &container->mounts[i];

		if (plan->kind == MOUNT_BIND && plan->index < config->mounts_len &&
		    strcmp(config->mounts[plan->index].destination, destination) == 0)
			return plan;
	}
	return NULL;
}

static int give_along(const struct container *container, const struct oci_checkpoint_mount *mount,
		      struct criu_pairs *list, struct error *err)
{
	const struct mount_plan *plan = find_bind(container, mount->bind);
	const char *below;

	if (!plan || !is_below(mount->path, plan->destination)) {
		error_config(err,
			     "the checkpoint has a mount on %s from below %s, which "
			     "config.json does not mount",
			     mount->path, mount->bind);
		return error_hint(err, "restore it with the mounts that it was made with");
	}
	below = arena_printf(container->arena, "%s%s", plan->source,
			     mount->path + strlen(plan->destination));
	return below ? give(container, list, mount->path, below, err)
		     : arena_full(container->arena, err);
}

static const char *device_source(const struct container *container, const char *path)
{
	for (size_t i = 0; i < container->devices_len; i++)
		if (container->devices[i].bind && strcmp(container->devices[i].path, path) == 0)
			return path;
	return "/dev/null"; /* it masks a file */
}

static int give_devices(const struct container *container, const char *const *paths, size_t count,
			struct criu_pairs *list, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (give(container, list, paths[i], device_source(container, paths[i]), err) < 0)
			return -err->code;
	return 0;
}

static int give_configured(const struct container *container, struct criu_pairs *list,
			   struct error *err)
{
	const struct oci_linux *properties = container->config->linux;

	for (size_t i = 0; i < container->devices_len; i++)
		if (container->devices[i].bind &&
		    give_devices(container, &container->devices[i].path, 1, list, err) < 0)
			return -err->code;
	return properties ? give_devices(container, properties->masked_paths,
					 properties->masked_paths_len, list, err)
			  : 0;
}

static int give_cgroup(const struct container *container, const struct oci_record_cgroup *cgroup,
		       const struct mount_plan *plan, struct criu_pairs *list, struct error *err)
{
	const char *directory;

	if (namespace_has(container->config, "cgroup"))
		return 0;
	if (cgroup_directory(cgroup, plan->hierarchy, container->arena, &directory, err) < 0)
		return -err->code;
	return directory ? give(container, list, plan->destination, directory, err) : 0;
}

int external_mounts(const struct container *container, const struct oci_record_cgroup *cgroup,
		    const struct oci_checkpoint *checkpoint, struct criu_pairs *list,
		    struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < container->mounts_len; i++) {
		const struct mount_plan *plan = &container->mounts[i];

		if (plan->kind == MOUNT_BIND)
			r = give_bind(container, plan, list, err);
		else if (plan->kind == MOUNT_CGROUP)
			r = give_cgroup(container, cgroup, plan, list, err);
		if (r < 0)
			return mount_error_in(plan, err);
	}
	if (!checkpoint)
		return give_configured(container, list, err);
	for (size_t i = 0; i < checkpoint->mounts_len; i++)
		if (give_along(container, &checkpoint->mounts[i], list, err) < 0)
			return -err->code;
	return give_devices(container, checkpoint->devices, checkpoint->devices_len, list, err);
}

/* Whether something that is mounted before covers this place: then the images have it. */
static bool is_covered(const struct container *container, size_t index)
{
	for (size_t i = 0; i < container->mounts_len; i++)
		if (i != index && is_below(container->mounts[index].destination,
					   container->mounts[i].destination))
			return true;
	return false;
}

static int make_place(int root, const struct mount_plan *plan, struct error *err)
{
	bool file = plan->kind == MOUNT_BIND && plan->is_file;
	autoclose int place = file ? inside_make_file(root, plan->destination, 0755, err)
				   : inside_make_directory(root, plan->destination, 0755, err);

	return place < 0 ? place : 0;
}

int external_places(const struct container *container, struct error *err)
{
	autoclose int root = open(container->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return error_errno(err, errno, "open %s", container->rootfs);
	for (size_t i = 0; i < container->mounts_len; i++) {
		const struct mount_plan *plan = &container->mounts[i];

		if (plan->kind == MOUNT_LINK || plan->kind == MOUNT_REMOUNT ||
		    is_covered(container, i))
			continue;
		if (make_place(root, plan, err) < 0)
			return mount_error_in(plan, err);
	}
	return 0;
}
