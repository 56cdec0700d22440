/*
 * What of a container is not its own, and so is no part of a checkpoint: mounts whose source lies on the host, files
 * that the first process has got from its caller, namespaces that it shares with others.
 *
 * CRIU calls them external, and knows each by a name: a mount's is its destination in config.json, or, if it came
 * along with another one, where it is in the container.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "basic/arena.h"
#include "basic/error.h"
#include "criu/options.h"
#include "libocispec/types.h"
#include "linux/container.h"
#include "runtime/checkpoint-image.h"

/* One of the container's mounts, as it is. */
struct external_mount {
	uint64_t id;
	const char *path; /* in the container */
	bool cgroup;	  /* of a hierarchy of cgroups */
	bool known;	  /* it is told to CRIU, or CRIU makes it by itself */
};

/* Begin with pid, config, arena, options and checkpoint; the rest is zeroed. */
struct external {
	pid_t pid; /* the container's first process */
	const struct oci_config *config;
	struct arena *arena;
	struct criu_options *options;		 /* external is filled in */
	struct oci_checkpoint *checkpoint;	 /* mounts and devices are filled in */
	const char *streams[CHECKPOINT_STREAMS]; /* is filled in */
	struct external_mount *mounts;
	size_t mounts_len;
};

/* For a dump: what it leaves out. */
int external_find(struct external *external, struct error *err);

/* For a restore: where all that comes from now, with its new cgroup.  checkpoint may be NULL: then config.json alone says which mounts
 * there are. */
int external_mounts(const struct container *container, const struct oci_record_cgroup *cgroup,
		    const struct oci_checkpoint *checkpoint, struct criu_pairs *list,
		    struct error *err);

/* Makes the places for mounts that the root has none for. */
int external_places(const struct container *container, struct error *err);

/* The name of a namespace that comes from elsewhere, by its flag; NULL: CRIU joins it by its path. */
const char *external_namespace(int flag);
