/*
 * What CRIU is asked to do: the message criu_opts of its service.
 *
 *	https://criu.org/RPC; /usr/include/criu/rpc.proto of its development files
 *
 * All is zero, NULL or false that nothing is said of.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "criu/protobuf.h"

enum criu_cgroups_mode { /* plus 1: 0 says nothing of it */
			 CRIU_CGROUPS_IGNORE = 1 + 0,
			 CRIU_CGROUPS_SOFT = 1 + 3,
			 CRIU_CGROUPS_FULL = 1 + 4,
			 CRIU_CGROUPS_STRICT = 1 + 5,
};

enum criu_network_lock {
	CRIU_LOCK_IPTABLES = 1,
	CRIU_LOCK_NFTABLES = 2,
	CRIU_LOCK_SKIP = 3,
};

/* Two words that belong together, or one and a descriptor, as criu_pass() has it. */
struct criu_pair {
	const char *key, *value;
	int fd;
};

/* A list that grows in an arena. */
struct criu_pairs {
	struct criu_pair *items;
	size_t count, room;
};

struct criu_options {
	int images, work; /* directories, as criu_pass() has them */
	pid_t pid;	  /* of the container's first process, for a dump */
	const char *log_file;
	int log_level;	     /* 0 to 4 */
	const char *root;    /* the container's root, as a path */
	const char *parent;  /* the directory of the dump before, as seen from images */
	const char *freezer; /* the directory of the cgroup by which all is stopped */
	const char *config_file;
	const char *lsm_profile, *lsm_mount_context;
	const char *server; /* who takes the pages, with its port */
	int server_port;
	int status;		       /* gets a byte when pages can be fetched */
	unsigned int empty_namespaces; /* CLONE_NEW* */
	enum criu_cgroups_mode cgroups_mode;
	enum criu_network_lock network_lock;
	bool leave_running, external_sockets, tcp_established, tcp_close, tcp_skip_in_flight;
	bool shell_job, file_locks, track_memory, auto_dedup, link_remap, lazy_pages;
	bool manage_cgroups, notify, sibling, orphan_terminal;
	struct criu_pairs external;  /* key: "mnt[/x]:y" */
	struct criu_pairs inherited; /* key and fd */
	struct criu_pairs cgroups;   /* key: a controller, "" for version 2; value: the path */
	struct criu_pairs joined;    /* key: "ipc"; value: a file */
};

/* False when the arena is full. */
bool criu_add(struct criu_pairs *list, struct arena *arena, struct criu_pair pair);

void criu_put_options(struct protobuf *message, const struct criu_options *options);
