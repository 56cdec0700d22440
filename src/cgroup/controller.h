/*
 * A controller is the part of the kernel that limits one resource; each has a file here, named
 * after it.  They are listed in limits.c, in the order in which they are applied.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/error.h"
#include "libocispec/types.h"

struct undo; /* cgroup/undo.h */

/* Where a controller's values go. */
struct target {
	const char *directory;
	struct undo *undo; /* remembers what they replace; NULL for a new cgroup */
};

struct controller {
	const char *name;     /* as cgroup.controllers has it: "memory" */
	const char *v1_name;  /* as version 1 calls it if otherwise, or NULL */
	const char *property; /* whose values it takes, below linux.resources: "memory" */
	const char *v1_file;  /* tells its version 1 hierarchy from the others */

	/* Whether there is anything to do. */
	bool (*asked)(const struct oci_resources *resources);

	/* What can be seen to be wrong before anything is made: in any case, and where the
	 * controller is in version 2.  Both may be NULL. */
	int (*check)(const struct oci_resources *resources, struct error *err);
	int (*check_v2)(const struct oci_resources *resources, struct error *err);

	/* What can be seen to be wrong by looking at the cgroup, before any of its values is
	 * changed; may be NULL. */
	int (*look)(const struct target *target, const struct oci_resources *resources,
		    struct error *err);

	/* Set the limits.  Errors begin with the property's last part: "limit: write ...".  The
	 * first is NULL where version 2 has nothing of the kind. */
	int (*apply_v2)(const struct target *target, const struct oci_resources *resources,
			struct error *err);
	int (*apply_v1)(const struct target *target, const struct oci_resources *resources,
			struct error *err);
};

extern const struct controller controller_cpuset;
extern const struct controller controller_cpu;
extern const struct controller controller_memory;
extern const struct controller controller_pids;
extern const struct controller controller_block_io;
extern const struct controller controller_hugetlb;
extern const struct controller controller_rdma;
extern const struct controller controller_net_cls;
extern const struct controller controller_net_prio;

/* -- limits.c: all of them -------------------------------------------------------------------- */

/* The first property of linux.resources that asks for a limit, or NULL; device rules are none. */
const char *limits_asked(const struct oci_resources *resources);

/* Refuses what can never be applied. */
int limits_check(const struct oci_resources *resources, struct error *err);

struct hierarchies; /* cgroup/hierarchies.h */

/* Refuses what cannot be applied in these hierarchies, at a place that is not made yet. */
int limits_foresee(const struct oci_record_cgroup *place, const struct hierarchies *found,
		   const struct oci_resources *resources, struct error *err);

/* For a new cgroup, all but the devices.  Nothing is written as long as anything is seen to be
 * wrong. */
int limits_apply(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		 struct error *err);

/* Tells somebody else of limits that are in force by now. */
typedef int limits_teller(const struct oci_record_cgroup *place,
			  const struct oci_resources *resources, struct error *err);

/* For one in use: checks, and changes all or nothing, devices too where there are rules.  When tell(), which may
 * be NULL, fails, the limits are set back as well. */
int limits_update(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		  limits_teller *tell, struct error *err);

/* The directory among the place's version 1 hierarchies that has this file, or NULL. */
const char *limits_v1_directory(const struct oci_record_cgroup *place, const char *file);

/* -- unified.c: linux.resources.unified, which names files itself ----------------------------- */

int unified_check(const struct oci_resources *resources, struct error *err);

/* What can be seen to be wrong before the cgroup is made, and before it is changed. */
int unified_foresee(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		    struct error *err);
int unified_look(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		 struct error *err);

int unified_apply(const struct target *target, const struct oci_resources *resources,
		  struct error *err);

/* -- setting.c: reading and writing one value ------------------------------------------------- */

/* What is written to ask for no limit. */
#define V2_NO_LIMIT "max"
#define V1_NO_LIMIT "-1"

enum { SETTING_SIZE = 32 }; /* of a number as text */

/* What is above it is no limit on memory in version 1: the kernel rounds to pages, of 64 KiB at most. */
#define LARGEST_LIMIT_V1 ((uint64_t)INT64_MAX - 65536)

/* Writes value to the file in directory.  The error is "property: write VALUE to FILE: ...". */
int setting_write(const char *directory, const char *file, const char *property, const char *value,
		  struct error *err);

/* The same, and what was there before is remembered where the target wants it. */
int target_write(const struct target *target, const char *file, const char *property,
		 const char *value, struct error *err);
int target_write_number(const struct target *target, const char *file, const char *property,
			int64_t value, struct error *err);

bool setting_exists(const char *directory, const char *file);

/* The number in the file; UINT64_MAX for "max".  Returns 0 or a negative errno. */
int setting_read(const char *directory, const char *file, uint64_t *value);

/* A property that has no meaning in this version of cgroups. */
int setting_unknown(const char *property, const char *version, struct error *err);
