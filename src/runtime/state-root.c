/*
 * Finding and making the state directory, ROOT, and the containers' directories in it.
 *
 *	https://specifications.freedesktop.org/basedir-spec/latest/
 *
 * Each command opens ROOT once and looks at who may change it; from then on everything is reached
 * through that file descriptor.
 */
#include "runtime/state-root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/large.h"
#include "runtime/lock.h"

/* Returns the directory of $XDG_RUNTIME_DIR, or NULL.  Empty means unset: Podman passes it so when
 * it runs as root; what is not absolute is to be ignored, says the XDG Base Directory
 * Specification. */
static const char *user_runtime_directory(void)
{
	const char *directory = getenv("XDG_RUNTIME_DIR");

	return directory && directory[0] == '/' ? directory : NULL;
}

static int default_path(char path[PATH_MAX])
{
	const char *directory = user_runtime_directory();

	if (directory)
		return snprintf(path, PATH_MAX, "%s/proa", directory);
	if (geteuid() == 0)
		return snprintf(path, PATH_MAX, "/run/proa");
	return snprintf(path, PATH_MAX, "/run/user/%u/proa", geteuid());
}

static int chosen_path(const char *chosen, char path[PATH_MAX])
{
	size_t length;

	if (chosen[0] == '/')
		return snprintf(path, PATH_MAX, "%s", chosen);
	if (!getcwd(path, PATH_MAX))
		return -errno;
	length = strlen(path);
	return (int)length + snprintf(path + length, PATH_MAX - length, "/%s", chosen);
}

static int choose_path(const char *chosen, const char **chosen_one, struct error *err)
{
	static char path[PATH_MAX] LARGE;
	int length = chosen ? (int)strnlen(chosen, PATH_MAX) : 0;

	if (chosen && !*chosen)
		return error_config(err, "--root is empty");
	*chosen_one = path;
	if (length > 1 && length < PATH_MAX && chosen[0] == '/' && chosen[length - 1] != '/') {
		*chosen_one = chosen;
		return 0;
	}
	length = chosen ? chosen_path(chosen, path) : default_path(path);
	if (length < 0)
		return error_errno(err, -length, "find the current directory");
	if (length >= PATH_MAX)
		return error_errno(err, ENAMETOOLONG, "the path of the state directory");
	while (length > 0 && path[length - 1] == '/')
		path[--length] = '\0';
	if (length == 0)
		return error_config(err, "the state directory cannot be /");
	return 0;
}

/* Makes the directory and those above it that are missing. */
static int make_path(const char *path, mode_t mode)
{
	char above[PATH_MAX];
	char *slash;

	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return -errno;
	snprintf(above, sizeof(above), "%s", path);
	for (slash = strchr(above + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(above, 0700) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(path, mode) < 0 && errno != EEXIST ? -errno : 0;
}

static int make_root(const char *path, const char *chosen, struct error *err)
{
	/* The sticky bit keeps the cleaners of $XDG_RUNTIME_DIR away from it, says the XDG Base
	 * Directory Specification. */
	mode_t sticky = !chosen && user_runtime_directory() ? S_ISVTX : 0;
	int r = make_path(path, 0700 | sticky);

	if (r == 0)
		return 0;
	error_errno(err, -r, "make the state directory %s", path);
	return error_hint(err, "choose another one with --root or XDG_RUNTIME_DIR");
}

static int check_root(const struct state_root *root, struct error *err)
{
	struct stat status;

	if (fstat(root->fd, &status) < 0)
		return error_errno(err, errno, "look at the state directory %s", root->path);
	if (status.st_uid != geteuid()) {
		error_config(err, "the state directory %s belongs to uid %u, not to uid %u",
			     root->path, status.st_uid, geteuid());
		return error_hint(err, "its owner could decide what is done in your name");
	}
	if (status.st_mode & (S_IWGRP | S_IWOTH)) {
		error_config(err, "other users may write to the state directory %s", root->path);
		return error_hint(err, "chmod go-w %s", root->path);
	}
	return 0;
}

/* In memory, as /run is; but a network's file system is another machine's. */
static int find_memory(struct state_root *root, struct error *err)
{
	struct statfs filesystem;

	if (fstatfs(root->fd, &filesystem) < 0)
		return error_errno(err, errno, "look at the state directory %s", root->path);
	root->forgets = filesystem.f_type == TMPFS_MAGIC || filesystem.f_type == RAMFS_MAGIC;
	return 0;
}

int state_root_open(struct state_root *root, const char *chosen, bool make, struct error *err)
{
	int r;

	root->fd = -1;
	root->forgets = false;
	r = choose_path(chosen, &root->path, err);
	if (r < 0)
		return r;
	root->fd = openat(AT_FDCWD, root->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root->fd < 0 && errno == ENOENT) {
		if (!make)
			return 0;
		r = make_root(root->path, chosen, err);
		if (r < 0)
			return r;
		root->fd = openat(AT_FDCWD, root->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (root->fd < 0)
		return error_errno(err, errno, "open the state directory %s", root->path);
	r = check_root(root, err);
	if (r == 0)
		r = find_memory(root, err);
	if (r < 0)
		state_root_release(root);
	return r;
}

void state_root_release(struct state_root *root)
{
	/* 0 is standard input: a zeroed struct owns nothing. */
	if (root->fd > 0)
		close_fd(&root->fd);
	root->fd = -1;
}

static bool id_byte(char byte)
{
	/* isalnum() would ask the locale. */
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '_' || byte == '+' || byte == '-';
}

bool container_id_valid(const char *id)
{
	if (!id_byte(*id) || *id == '-')
		return false;
	for (const char *byte = id; *byte; byte++)
		if (!id_byte(*byte) && *byte != '.')
			return false;
	return strlen(id) <= CONTAINER_ID_MOST;
}

int container_id_validate(const char *id, struct error *err)
{
	if (container_id_valid(id))
		return 0;
	if (strlen(id) > CONTAINER_ID_MOST)
		return error_config(err, "container ID is longer than %d bytes", CONTAINER_ID_MOST);
	error_config(err, "invalid container ID \"%s\"", id);
	return error_hint(err, "it is made of A-Z a-z 0-9 _ + - . and begins with neither - nor .");
}

int container_missing(const struct state_root *root, const char *id, struct error *err)
{
	error_config(err, "%s: container does not exist", id);
	err->code = ENOENT;
	return error_hint(err, "looked for it in %s", root->path);
}

int container_directory_open(const struct state_root *root, const char *id, struct error *err)
{
	int fd, r;

	r = container_id_validate(id, err);
	if (r < 0)
		return r;
	if (root->fd < 0)
		return container_missing(root, id, err);
	fd = openat(root->fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return container_missing(root, id, err);
	return error_errno(err, errno, "open %s/%s", root->path, id);
}

/* Whether the open directory is still the one that bears the id: it may have been removed while its
 * lock was waited for, and made anew by another.  That it can't be looked at does not mean that it is gone. */
static int check_current(const struct state_root *root, const char *id, int directory,
			 struct error *err)
{
	struct stat here, named;
	bool there;

	if (fstat(directory, &here) < 0)
		return error_errno(err, errno, "look at the directory of %s", id);
	there = fstatat(root->fd, id, &named, AT_SYMLINK_NOFOLLOW) == 0;
	if (!there && errno != ENOENT)
		return error_errno(err, errno, "look at %s/%s", root->path, id);
	if (!there || here.st_ino != named.st_ino || here.st_dev != named.st_dev)
		return container_missing(root, id, err);
	return 0;
}

int container_directory_lock_again(const struct state_root *root, const char *id, int directory,
				   struct error *err)
{
	int r = lock_wait(directory, err);

	return r < 0 ? error_in(err, "%s", id) : check_current(root, id, directory, err);
}

int container_directory_lock(const struct state_root *root, const char *id, struct error *err)
{
	autoclose int directory = container_directory_open(root, id, err);
	int r;

	if (directory < 0)
		return directory;
	r = container_directory_lock_again(root, id, directory, err);
	return r < 0 ? r : take_fd(&directory);
}

int container_directory_make(const struct state_root *root, const char *id, struct error *err)
{
	int r;

	r = container_id_validate(id, err);
	if (r < 0)
		return r;
	if (mkdirat(root->fd, id, 0700) == 0)
		return container_directory_lock(root, id, err);
	if (errno != EEXIST)
		return error_errno(err, errno, "make %s/%s", root->path, id);
	error_config(err, "%s: container with given ID already exists", id);
	err->code = EEXIST;
	return error_hint(err, "choose another ID, or remove it with \"delete --force\"");
}
