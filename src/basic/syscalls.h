/*
 * The system calls that a C library lacks or wraps differently from another: one wrapper each, named
 * as in the manual with sys_ before it; like the library's they return -1 and set errno.
 *
 * <linux/mount.h> is included here, and <sys/mount.h> nowhere: the two do not go together in glibc
 * before 2.37.
 */
#pragma once

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MNT_DETACH
#define MNT_DETACH 2 /* umount2(2) */
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000 /* open_tree(2), mount_setattr(2) */
#endif
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif
#ifdef __s390x__
#define CLONE_FIRST(flags) 0UL, flags /* the stack and the flags of clone(2) */
#else
#define CLONE_FIRST(flags) flags, 0UL
#endif
#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467 /* Linux 6.15; but for alpha, the same on every machine */
#endif
#ifndef SYS_statmount
#define SYS_statmount 457 /* Linux 6.8; the same */
#define SYS_listmount 458
#endif
#ifndef P_PIDFD
#define P_PIDFD 3 /* waitid(2) */
#endif

#ifdef SYS_setresuid32 /* the plain ones are of ids with 16 bits there */
#define SET_UIDS   SYS_setresuid32
#define SET_GIDS   SYS_setresgid32
#define SET_GROUPS SYS_setgroups32
#else
#define SET_UIDS   SYS_setresuid
#define SET_GIDS   SYS_setresgid
#define SET_GROUPS SYS_setgroups
#endif

static inline int sys_openat2(int dir, const char *path, const struct open_how *how)
{
	return (int)syscall(SYS_openat2, dir, path, how, sizeof(*how));
}

static inline int sys_statx(int dir, const char *path, int flags, unsigned int mask,
			    struct statx *status)
{
	return (int)syscall(SYS_statx, dir, path, flags, mask, status);
}

static inline int sys_open_tree(int dir, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, dir, path, flags | OPEN_TREE_CLOEXEC);
}

static inline int sys_open_tree_attr(int dir, const char *path, unsigned int flags,
				     struct mount_attr *attributes)
{
	return (int)syscall(SYS_open_tree_attr, dir, path, flags | OPEN_TREE_CLOEXEC, attributes,
			    sizeof(*attributes));
}

/* Attaches the detached mount tree at the place that target is open on. */
static inline int sys_move_mount(int tree, int target)
{
	return (int)syscall(SYS_move_mount, tree, "", target, "",
			    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

static inline int sys_fsopen(const char *type)
{
	return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

static inline int sys_fspick(int dir, const char *path)
{
	return (int)syscall(SYS_fspick, dir, path, FSPICK_CLOEXEC);
}

static inline int sys_fsconfig(int context, unsigned int command, const char *key,
			       const char *value)
{
	return (int)syscall(SYS_fsconfig, context, command, key, value, 0);
}

static inline int sys_fsconfig_fd(int context, const char *key, int fd)
{
	return (int)syscall(SYS_fsconfig, context, FSCONFIG_SET_FD, key, NULL, fd);
}

static inline int sys_fsmount(int context, unsigned int attributes)
{
	return (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
}

/* On the mount that fd is open on. */
static inline int sys_mount_setattr(int fd, unsigned int flags, struct mount_attr *attributes)
{
	return (int)syscall(SYS_mount_setattr, fd, "", flags | AT_EMPTY_PATH, attributes,
			    sizeof(*attributes));
}

static inline int sys_mount(const char *source, const char *target, const char *type,
			    unsigned long flags, const char *data)
{
	return (int)syscall(SYS_mount, source, target, type, flags, data);
}

/* mount(2) where only the propagation of a path changes. */
static inline int sys_mount_propagation(const char *path, unsigned long flags)
{
	return (int)syscall(SYS_mount, NULL, path, NULL, flags, NULL);
}

static inline int sys_umount2(const char *path, int flags)
{
	return (int)syscall(SYS_umount2, path, flags);
}

static inline int sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

/* What listmount(2), from Linux 6.8 on, and statmount(2) are asked; no C library and few headers have it. */
struct sys_mount_request {
	uint32_t size, spare;
	uint64_t mount;	    /* which, or whose children */
	uint64_t wanted;    /* statmount: SYS_MOUNT_*; listmount: the mount after which to begin */
	uint64_t namespace; /* its id (Linux 6.11), or 0: the caller's */
};

#define SYS_ALL_MOUNTS	UINT64_MAX /* LSMT_ROOT */
#define SYS_MOUNT_BASIC 0x2U	   /* STATMOUNT_MNT_BASIC */
#define SYS_MOUNT_TYPE	0x20U	   /* STATMOUNT_FS_TYPE */

/* The kernel's struct statmount, as far as it is wanted here, and room for one text. */
struct sys_mount_status {
	uint32_t size, options;
	uint64_t found; /* SYS_MOUNT_* */
	uint32_t device[2];
	uint64_t magic;
	uint32_t flags;
	uint32_t type; /* of the file system: where in texts */
	uint64_t ids[3];
	uint64_t attributes;
	uint64_t propagation; /* MS_PRIVATE and the like */
	uint64_t others[54];
	char texts[64];
};

/* Puts the ids of at most room mounts into ids; returns how many. */
static inline long sys_listmount(const struct sys_mount_request *request, uint64_t *ids,
				 size_t room)
{
	return syscall(SYS_listmount, request, ids, room, 0);
}

static inline int sys_statmount(const struct sys_mount_request *request,
				struct sys_mount_status *status, size_t size)
{
	return (int)syscall(SYS_statmount, request, status, size, 0);
}

static inline pid_t sys_clone3(struct clone_args *args)
{
	return (pid_t)syscall(SYS_clone3, args, sizeof(*args));
}

/* fork(2) with flags. */
static inline pid_t sys_clone(unsigned long flags)
{
	return (pid_t)syscall(SYS_clone, CLONE_FIRST(flags), 0UL, 0UL, 0UL);
}

static inline int sys_pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static inline int sys_pidfd_send_signal(int pidfd, int signal)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

/* Another process's descriptor, as one of this process; close-on-exec. */
static inline int sys_pidfd_getfd(int pidfd, int fd)
{
	return (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
}

static inline int sys_close_range(unsigned int first, unsigned int last, unsigned int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

/* access(2) with the effective ids and capabilities.  musl's own wrapper clones a process to find out
 * where the kernel lacks this (before 5.8), glibc's guesses. */
static inline int sys_faccessat2(int dir, const char *path, int mode, int flags)
{
	return (int)syscall(SYS_faccessat2, dir, path, mode, flags);
}

/* The kernel's own answer: "(unreachable)/..." when the directory is not below the root.  glibc then
 * searches for another path to it. */
static inline int sys_getcwd(char *buffer, size_t size)
{
	return (int)syscall(SYS_getcwd, buffer, size);
}

/* One entry of a directory, as the kernel writes it.  readdir(3) allocates. */
struct sys_dirent {
	uint64_t inode;
	int64_t offset;
	uint16_t length; /* of the whole entry */
	uint8_t type;
	char name[];
};

/* Fills entries, size bytes of them, with what comes next in the directory; returns how many bytes that is. */
static inline long sys_getdents64(int dir, struct sys_dirent *entries, size_t size)
{
	return syscall(SYS_getdents64, dir, entries, size);
}

/* The three ids of each kind at once.  A C library stops all threads of the process for these; here it has one. */
static inline int sys_setresuid(uid_t id)
{
	return (int)syscall(SET_UIDS, id, id, id);
}

static inline int sys_setresgid(gid_t id)
{
	return (int)syscall(SET_GIDS, id, id, id);
}

static inline int sys_setgroups(size_t count, const uint32_t *groups)
{
	return (int)syscall(SET_GROUPS, count, groups);
}

#ifdef SYS_clock_gettime64
#define CLOCK_GETTIME SYS_clock_gettime64
#else
#define CLOCK_GETTIME SYS_clock_gettime
#endif

/* Without the vdso: for one look at the clock its two page faults cost more than the call. */
static inline int sys_clock_gettime(clockid_t clock, struct timespec *time)
{
	return (int)syscall(CLOCK_GETTIME, clock, time);
}

/* Both names are there afterwards, each with what the other was: RENAME_EXCHANGE. */
static inline int sys_exchange(int dir, const char *name, const char *other)
{
	return (int)syscall(SYS_renameat2, dir, name, dir, other, 1U << 1);
}

static inline int sys_capget(void *header, void *data)
{
	return (int)syscall(SYS_capget, header, data);
}

static inline int sys_capset(void *header, const void *data)
{
	return (int)syscall(SYS_capset, header, data);
}

/* The kernel's struct sched_attr.  Its header also has a struct that C libraries have, and which of them
 * have this one depends on their age. */
struct sys_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; /* nanoseconds */
	uint32_t util_min, util_max;
};

static inline int sys_sched_setattr(pid_t pid, const struct sys_sched_attr *attributes)
{
	return (int)syscall(SYS_sched_setattr, pid, attributes, 0);
}

static inline int sys_sched_getattr(pid_t pid, struct sys_sched_attr *attributes)
{
	return (int)syscall(SYS_sched_getattr, pid, attributes, sizeof(*attributes), 0);
}

static inline int sys_ioprio_set(int which, pid_t who, int priority)
{
	return (int)syscall(SYS_ioprio_set, which, who, priority);
}

static inline int sys_ioprio_get(int which, pid_t who)
{
	return (int)syscall(SYS_ioprio_get, which, who);
}

static inline int sys_set_mempolicy(int mode, const unsigned long *nodes, unsigned long size)
{
	return (int)syscall(SYS_set_mempolicy, mode, nodes, size);
}

static inline long sys_keyctl(int operation, unsigned long first, unsigned long second)
{
	return syscall(SYS_keyctl, operation, first, second, 0, 0);
}

static inline int sys_seccomp(unsigned int operation, unsigned int flags, const void *argument)
{
	return (int)syscall(SYS_seccomp, operation, flags, argument);
}
