/*
 * The mount option tmpcopyup: a tmpfs begins with what it covers.
 *
 *	https://github.com/opencontainers/runtime-spec/blob/main/config.md#linux-mount-options
 *	openat2(2), getdents(2), inode(7)
 *
 * It happens between the making of the tmpfs and its attaching: nobody sees it half full, and nobody but
 * init can reach it, so the copies may be named.  What is copied is the container's and may be changed by
 * others meanwhile, so each thing is opened without following links or leaving the mount, looked at, and
 * from then on used through that descriptor.  A FIFO or a device is never opened but for its name.
 *
 * The room there is is the tmpfs's own, see its option size.  Hard links become files of their own; sockets
 * are left out, since nobody would listen.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "basic/cleanup.h"
#include "basic/file.h"
#include "basic/log.h"
#include "basic/procfs.h"
#include "basic/syscalls.h"
#include "linux/mounts.h"

enum {
	MOST_LEVELS = 100, /* of directories; each takes a few descriptors and some stack */
	ENTRIES_SIZE = 1024,
	PIECE_SIZE = 16384,
	XATTR_NAMES_SIZE = 2048,
	XATTR_VALUE_SIZE = 4096,
};

/* Where the copying is. */
struct walk {
	int proc;	     /* the host's /proc */
	unsigned int levels; /* how deep */
	char path[PATH_MAX]; /* relative to what is covered, for errors */
	size_t length;
};

/* A directory, and its copy. */
struct level {
	int from, to;
};

/* One thing, and where its copy goes. */
struct thing {
	int source; /* O_PATH */
	struct stat status;
	int to; /* the directory that gets the copy */
	const char *name;
};

static int copy_directory(struct walk *walk, const struct level *level, struct error *err);

static int fail(const struct walk *walk, int code, struct error *err)
{
	error_errno(err, code, "copy %s", walk->path);
	if (code == ENOSPC)
		return error_hint(err,
				  "the tmpfs is too small; see its options size and nr_inodes");
	return -err->code;
}

/* What else a file has: ACLs, capabilities, labels.  What the tmpfs does not take it goes without. */
__attribute__((noinline)) static void copy_xattrs(int from, int to)
{
	char names[XATTR_NAMES_SIZE], value[XATTR_VALUE_SIZE];
	ssize_t length = flistxattr(from, names, sizeof(names));

	for (const char *name = names; name < names + length; name += strlen(name) + 1) {
		ssize_t size = fgetxattr(from, name, value, sizeof(value));

		if (size >= 0)
			(void)fsetxattr(to, name, value, (size_t)size, 0);
	}
}

/* Gives the copy owner, mode and times, in this order: each undoes a part of the one after it. */
static int dress(const struct stat *status, int from, int to)
{
	const struct timespec times[] = {status->st_atim, status->st_mtim};
	mode_t mode = status->st_mode & 07777;

	if (fchown(to, status->st_uid, status->st_gid) < 0) {
		if (errno != EPERM && errno != EINVAL)
			return -errno;
		/* It is root's now, and may not make others root. */
		mode &= ~(mode_t)(S_ISUID | S_ISGID);
	}
	if (fchmod(to, mode) < 0)
		return -errno;
	copy_xattrs(from, to);
	return futimens(to, times) < 0 ? -errno : 0;
}

/* Copies the bytes from at to end.  Returns how far it came, or a negative errno. */
__attribute__((noinline)) static off_t copy_bytes(int from, int to, off_t at, off_t end)
{
	char piece[PIECE_SIZE];

	while (at < end) {
		size_t wanted = end - at < PIECE_SIZE ? (size_t)(end - at) : PIECE_SIZE;
		ssize_t length = pread(from, piece, wanted, at);
		int r;

		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return length < 0 ? -errno : at;
		if (lseek(to, at, SEEK_SET) < 0)
			return -errno;
		r = file_write_all(to, piece, (size_t)length);
		if (r < 0)
			return r;
		at += length;
	}
	return at;
}

/* Holes stay holes: a file may be larger than the tmpfs. */
static int copy_content(int from, int to, off_t size)
{
	off_t at = 0;

	while ((at = lseek(from, at, SEEK_DATA)) >= 0) {
		off_t end = lseek(from, at, SEEK_HOLE);
		off_t done = end < 0 ? -errno : copy_bytes(from, to, at, end);

		if (done < 0)
			return (int)done;
		if (done < end) /* it became shorter */
			break;
		at = end;
	}
	if (at < 0 && errno != ENXIO)
		return -errno;
	return ftruncate(to, size) < 0 ? -errno : 0;
}

static int copy_file(const struct walk *walk, const struct thing *thing)
{
	autoclose int from = -1, to = -1;
	char path[32];
	int r;

	/* The very file that was looked at, whatever its name stands for by now. */
	snprintf(path, sizeof(path), "self/fd/%d", thing->source);
	from = procfs_follow(walk->proc, path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
	if (from < 0)
		return from;
	to = openat(thing->to, thing->name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	r = copy_content(from, to, thing->status.st_size);
	return r < 0 ? r : dress(&thing->status, from, to);
}

__attribute__((noinline)) static int copy_link(const struct thing *thing)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(thing->source, "", target, sizeof(target) - 1);

	if (length < 0)
		return -errno;
	target[length] = '\0';
	return symlinkat(target, thing->to, thing->name) < 0 ? -errno : 0;
}

/* Returns 1 when there can be no such node: in a user namespace devices can't be made. */
static int copy_node(const struct thing *thing)
{
	mode_t mode = thing->status.st_mode;

	if (mknodat(thing->to, thing->name, mode, thing->status.st_rdev) == 0)
		return fchmodat(thing->to, thing->name, mode & 07777, 0) < 0 ? -errno : 0;
	return errno == EPERM ? 1 : -errno;
}

/* Links and nodes: their owner and times, too, without following them. */
static int dress_by_name(const struct thing *thing)
{
	const struct stat *status = &thing->status;
	const struct timespec times[] = {status->st_atim, status->st_mtim};

	if (fchownat(thing->to, thing->name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW) <
		    0 &&
	    errno != EPERM && errno != EINVAL)
		return -errno;
	return utimensat(thing->to, thing->name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* Opens the directory and its copy, which is made. */
static int open_level(const struct thing *thing, struct level *level)
{
	level->from = openat(thing->source, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (level->from < 0 || mkdirat(thing->to, thing->name, 0700) < 0)
		return -errno;
	level->to = openat(thing->to, thing->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return level->to < 0 ? -errno : 0;
}

static int fill_directory(struct walk *walk, const struct thing *thing, struct level *level,
			  struct error *err)
{
	int r = open_level(thing, level);

	if (r < 0)
		return fail(walk, -r, err);
	if (copy_directory(walk, level, err) < 0)
		return -err->code;
	/* Afterwards, so that what is in it is not given its default ACL and does not change its times. */
	r = dress(&thing->status, level->from, level->to);
	return r < 0 ? fail(walk, -r, err) : 0;
}

static int make_directory(struct walk *walk, const struct thing *thing, struct error *err)
{
	struct level level = {.from = -1, .to = -1};
	int r = fill_directory(walk, thing, &level, err);

	close_fd(&level.from);
	close_fd(&level.to);
	return r;
}

static int copy_thing(struct walk *walk, const struct thing *thing, struct error *err)
{
	mode_t type = thing->status.st_mode & S_IFMT;
	int r = 0;

	if (type == S_IFDIR)
		return make_directory(walk, thing, err);
	if (type == S_IFREG)
		r = copy_file(walk, thing);
	else if (type == S_IFLNK)
		r = copy_link(thing);
	else if (type != S_IFSOCK)
		r = copy_node(thing);
	if (r > 0)
		log_debug("mounts: tmpcopyup: the device %s can't be made", walk->path);
	if (r == 0 && type != S_IFREG && type != S_IFSOCK)
		r = dress_by_name(thing);
	return r < 0 ? fail(walk, -r, err) : 0;
}

/* Returns a descriptor of it, or -1 if it is gone or something is mounted there: that is not covered content,
 * and will be out of reach. */
static int find_thing(int from, const char *name, struct thing *thing)
{
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};

	thing->source = sys_openat2(from, name, &how);
	if (thing->source < 0)
		return errno == ENOENT || errno == EXDEV ? 0 : -errno;
	return fstat(thing->source, &thing->status) < 0 ? -errno : 1;
}

static int copy_entry(struct walk *walk, const struct level *level, const char *name,
		      struct error *err)
{
	struct thing thing = {.to = level->to, .name = name};
	int r = find_thing(level->from, name, &thing);

	if (r > 0)
		r = copy_thing(walk, &thing, err);
	else if (r < 0)
		r = fail(walk, -r, err);
	close_fd(&thing.source);
	return r;
}

/* Puts name behind the path of where the copying is. */
static int step_to(struct walk *walk, const char *name, struct error *err)
{
	size_t length = strlen(name);

	if (walk->length + 1 + length >= sizeof(walk->path))
		return fail(walk, ENAMETOOLONG, err);
	if (walk->length > 0)
		walk->path[walk->length++] = '/';
	memcpy(walk->path + walk->length, name, length + 1);
	walk->length += length;
	return 0;
}

static int copy_entries(struct walk *walk, const struct level *level, char *next, const char *end,
			struct error *err)
{
	size_t length = walk->length;

	while (next < end) {
		const struct sys_dirent *entry = (const void *)next;

		next += entry->length;
		if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
			continue;
		if (step_to(walk, entry->name, err) < 0 ||
		    copy_entry(walk, level, entry->name, err) < 0)
			return -err->code;
		walk->length = length;
		walk->path[length] = '\0';
	}
	return 0;
}

static int copy_directory(struct walk *walk, const struct level *level, struct error *err)
{
	union {
		struct sys_dirent first;
		char bytes[ENTRIES_SIZE];
	} entries;
	long length;

	if (++walk->levels > MOST_LEVELS)
		return error_config(err, "%s: more than %d levels of directories", walk->path,
				    MOST_LEVELS);
	while ((length = sys_getdents64(level->from, &entries.first, sizeof(entries))) > 0)
		if (copy_entries(walk, level, entries.bytes, entries.bytes + length, err) < 0)
			return -err->code;
	walk->levels--;
	return length < 0 ? fail(walk, errno, err) : 0;
}

int mount_copy_up(int proc, int place, int fd, struct error *err)
{
	struct walk walk = {.proc = proc};
	autoclose int from = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int to = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct level level = {.from = from, .to = to};

	if (from < 0 || to < 0)
		return error_errno(err, errno, "open the directory");
	if (copy_directory(&walk, &level, err) < 0)
		return -err->code;
	copy_xattrs(from, to);
	return 0;
}
