/*
 * A container in the making: the plan.
 *
 * The runtime fills it in before the first clone, in a shared arena; the stage and init map that arena
 * at the same address and have their own copy of it from then on.  So no pointer in it may lead
 * outside of the arena, to a static table or a literal: those have no place in another program.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "basic/arena.h"
#include "basic/self.h"
#include "libocispec/types.h"
#include "linux/hooks.h"

/* A namespace of the container that is new or joined; the rest are shared with the runtime. */
struct namespace_plan {
	int flag;	  /* CLONE_NEW*, or 0 after the last */
	int fd;		  /* of the namespace to join, or -1: a new one is made */
	const char *path; /* of the namespace to join, or NULL */
};

enum {
	MOST_NAMESPACES = 8,
};

/* One range of a user namespace's map. */
struct id_range {
	uint32_t inside, outside, count;
};

struct id_map {
	struct id_range *ranges;
	size_t ranges_len;
};

/* The sets of capabilities(7) as bit masks. */
struct capability_plan {
	uint64_t bounding, effective, permitted, inheritable, ambient;
};

/* What options ask of the runtime itself. */
enum {
	EXTRA_IDMAP = 1 << 0,	    /* idmap, or mappings of its own */
	EXTRA_IDMAP_BELOW = 1 << 1, /* ridmap: also what is mounted below it */
	EXTRA_COPY_UP = 1 << 2,	    /* tmpcopyup */
	EXTRA_COPY_SYMLINK = 1 << 3,
	EXTRA_SOURCE_NOFOLLOW = 1 << 4,
	EXTRA_DESTINATION_NOFOLLOW = 1 << 5,
};

/* What became of one word list of mounts[].options, see linux/mount-options.h. */
struct mount_options {
	uint64_t set, clear;	     /* MOUNT_ATTR_* of the mount itself */
	uint64_t rec_set, rec_clear; /* MOUNT_ATTR_* of it and all mounts below it */
	uint64_t propagation[4];     /* MS_SHARED..., each with or without MS_REC, in order */
	size_t propagation_len;
	bool bind, recursive;  /* bind, rbind */
	bool remount;	       /* changes the mount that is there */
	unsigned int extras;   /* EXTRA_* */
	const char *id_ranges; /* "uids=0-1000-1;gids=...", see linux/mount-idmap.h, or NULL */
	const char **flags;    /* of the file system: "ro", "sync", ...: FSCONFIG_SET_FLAG */
	size_t flags_len;
	struct oci_pair *data; /* "size=64k" and such; value is NULL for a bare word */
	size_t data_len;
};

/* How a mount is made. */
enum mount_kind {
	MOUNT_FILE_SYSTEM, /* new, of a type */
	MOUNT_BIND,	   /* a part of the host's */
	MOUNT_CGROUP,	   /* one cgroup hierarchy, v1 or v2: new, or the own part of the host's */
	MOUNT_LINK,	   /* none: a symbolic link, as v1 cgroups need them */
	MOUNT_REMOUNT,	   /* what is there already gets other options */
};

/* The index of a mount that is in no config. */
#define MOUNT_OF_RUNTIME SIZE_MAX

/* A mount, and what the runtime learned about its source. */
struct mount_plan {
	enum mount_kind kind;
	size_t index;		 /* which of config.json's mounts it comes from */
	const char *destination; /* clean and absolute, as seen in the container */
	const char *type;	 /* as the kernel calls it; "bind" for a bind mount */
	const char *source;	 /* absolute for a bind mount; a link's target */
	const char *hierarchy;	 /* a cgroup mount's controllers as in /proc/PID/cgroup; "": v2 */
	const char *own; /* of a cgroup mount: the part to bind, where that is known; else NULL */
	const char *legacy_data; /* where fsconfig(2) will not do: all for mount(2); else NULL */
	uint64_t legacy_flags;
	struct mount_options options;
	bool is_file;		/* the bind mount's source is no directory */
	bool owns_root;		/* its destination is / */
	bool separated;		/* a bind mount's propagation is as it begins */
	uint64_t device, inode; /* of the bind mount's source, when the runtime looked */
	int fd;			/* the detached mount: the runtime's, init's, or -1 */
	bool finish_readonly;	/* a tmpfs becomes read-only only after it was filled */
};

/* A device node to make, or to bind from the host. */
struct device_plan {
	int index;	  /* in linux.devices, or -1 for one that every container gets */
	bool bind;	  /* the host's node is bound, because none may be made */
	const char *path; /* in the container */
	mode_t mode;	  /* S_IFCHR, S_IFBLK or S_IFIFO and the permissions */
	dev_t device;
	uint32_t uid, gid; /* in the container */
	int fd;		   /* the host's node as a detached mount, or -1 */
};

/* What set_mempolicy(2) is given. */
enum { MOST_MEMORY_NODES = 1024 };

struct memory_policy_plan {
	int mode; /* MPOL_*, with its flags */
	bool has_nodes;
	unsigned long nodes[MOST_MEMORY_NODES / (8 * sizeof(unsigned long))]; /* a bit for each */
};

/* The seccomp filter, compiled. */
struct seccomp_plan {
	struct sock_filter *filter; /* NULL: none */
	size_t filter_len;
	unsigned int flags; /* seccomp(2), SECCOMP_FILTER_FLAG_* */

	/* A filter that notifies: its listener goes to an agent. */
	const char *agent;     /* the agent's socket, or NULL: there is no listener */
	const char *metadata;  /* what the agent is told beside the state, or NULL */
	int listener;	       /* init's: the number that the listener is going to have */
	uint32_t *handed_over; /* init's: not 0 when the agent has it; the runtime writes it */
};

struct container {
	struct arena *arena; /* the runtime's; NULL in init */
	const struct oci_config *config;
	const char *id;
	const char *bundle; /* absolute */

	/* The caller's choices. */
	bool no_pivot, no_new_keyring;
	bool debug;		   /* init tells what it does */
	int trace;		   /* where it notes how long that takes, or -1 */
	unsigned int preserve_fds; /* 3 and up, how many the program keeps beside stdio */
	unsigned int listen_fds;   /* how many of them are sockets of sd_listen_fds(3) */
	const char *notify_folder; /* where the socket of sd_notify(3) will be, or NULL */

	/* What the runtime may do, and is. */
	struct self self;     /* the runtime, and so what init begins as */
	bool host_privileges; /* CAP_SYS_ADMIN in the namespaces that it was started in */
	bool limits_by_init;  /* no CAP_SYS_RESOURCE: another user's limits can't be set */
	uid_t uid;	      /* the runtime's effective ids, outside */
	gid_t gid;

	/* Namespaces. */
	struct namespace_plan namespaces[MOST_NAMESPACES + 1];
	int new_namespaces;    /* CLONE_NEW* of all that are new */
	int joined_namespaces; /* CLONE_NEW* of all that are joined */
	struct id_map uid_map, gid_map;
	bool deny_setgroups; /* a plain user's map of one id: the kernel asks for it */
	bool leaves_host;    /* its mount namespace is made late, and not from the host's mounts */
	bool covers_root;    /* and its root just lies on top of what that begins with */
	bool narrows_host;   /* it is made from a few of them, see linux/narrow-host.c */
	int kernel_mounts;   /* but from this one, see linux/kernel-mounts.c; or -1 */
	bool staged;	     /* namespaces are made and joined by a process of its own, the stage */

	/* The container is there already: its namespaces are entered, for another program. */
	bool exec;
	int target;		   /* a pidfd of its first process */
	pid_t target_pid;	   /* outside */
	int target_namespaces;	   /* CLONE_NEW* of those that are not the runtime's, too */
	bool has_cgroup;	   /* of its own, whose processors are all its processes' */
	const unsigned long *cpus; /* the processors to run on, a bit for each, or NULL */
	size_t cpus_size;	   /* in bytes */

	/* Root and mounts. */
	bool root_hooks;    /* hooks want to see the mounts before the root is entered */
	const char *rootfs; /* absolute */
	uint64_t rootfs_device, rootfs_inode;
	int rootfs_fd; /* its detached mount tree, opened by the runtime or by init, or -1 */
	int root_fd;   /* init's: the container's root directory */
	int proc_fd;   /* the host's /proc, verified, for as long as init needs it */
	struct mount_plan *mounts;
	size_t mounts_len;
	struct device_plan *devices;
	size_t devices_len;
	bool default_devices; /* /dev is the container's: it gets the default nodes and links */
	unsigned long propagation; /* linux.rootfsPropagation as MS_*, or 0 */
	int null_fd;		   /* the host's /dev/null as a detached mount, for masks */

	/* linux.sysctl: each setting's file below /proc ("sys/net/ipv4/ip_forward"), and its value. */
	struct oci_pair *sysctls;
	size_t sysctls_len;

	/* linux.intelRdt */
	const char *resctrl;			/* where the file system is mounted */
	struct oci_record_intel_rdt *intel_rdt; /* the group, or NULL */

	/* The process. */
	uint64_t open_files; /* the caller's soft limit, which the runtime has raised for itself */
	uint32_t *groups;    /* room for process.user.additionalGids, to read them back, or NULL */
	bool in_cwd; /* init's: process.cwd was entered before the privileges to do so were gone */
	struct capability_plan capabilities;
	struct seccomp_plan seccomp;
	const char **env; /* process.env made fit for execve(2), with HOME, ended by NULL */
	size_t env_len;
	char *listen_pid; /* the variable LISTEN_PID, with room for any pid, or NULL */
	struct sys_sched_attr *scheduler;	  /* basic/syscalls.h; NULL: as the caller's */
	int io_priority;			  /* for ioprio_set(2), or 0: as the caller's */
	struct memory_policy_plan *memory_policy; /* or NULL: as the caller's */
	const char *apparmor;			  /* what AppArmor is told: "exec NAME", or NULL */
	const char *executable;		/* found by step_executable, in init's own memory */
	int console_fd;			/* init's: the terminal's other side, or -1 */
	struct hook_output hook_output; /* files that get what hooks write */

	int memory_tasks; /* by which init gets into the cgroup that counts memory; -1: it is there */
	bool begins_outside; /* and it is that of version 2 */

	/* The talk with the runtime. */
	int socket;	  /* init's side of the handshake */
	int stage_socket; /* the stage's side, when there is one */
	int start_socket; /* where init waits for "start": listening, or -1: the handshake's own */
	pid_t init_pid;	  /* as hooks are told: outside, and in init inside */
	char *hook_state; /* JSON for hooks, see linux/hook-state.h; NULL: there are none */
	size_t hook_state_end;
};
