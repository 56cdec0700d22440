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

struct controller {
	const char *name;     /* as cgroup.controllers has it: "memory" */
	const char *property; /* whose values it takes, below linux.resources: "memory" */
	const char *v1_file;  /* tells its version 1 hierarchy from the others */

	/* Whether there is anything to do. */
	bool (*asked)(const struct oci_resources *resources);

	/* What can be seen to be wrong before anything is made; may be NULL. */
	int (*check)(const struct oci_resources *resources, struct error *err);

	/* Set the limits of the cgroup at directory.  Errors begin with the property's last part:
	 * "limit: write ...". */
	int (*apply_v2)(const char *directory, const struct oci_resources *resources,
			struct error *err);
	int (*apply_v1)(const char *directory, const struct oci_resources *resources,
			struct error *err);
};

extern const struct controller controller_cpuset;
extern const struct controller controller_cpu;
extern const struct controller controller_memory;
extern const struct controller controller_pids;
extern const struct controller controller_block_io;
extern const struct controller controller_hugetlb;

/* -- limits.c: all of them -------------------------------------------------------------------- */

/* The first property of linux.resources that asks for a limit, or NULL; device rules are none. */
const char *limits_asked(const struct oci_resources *resources);

/* Refuses what can never be applied. */
int limits_check(const struct oci_resources *resources, struct error *err);

int limits_apply(const struct oci_record_cgroup *place, const struct oci_resources *resources,
		 struct error *err);

/* The directory among the place's version 1 hierarchies that has this file, or NULL. */
const char *limits_v1_directory(const struct oci_record_cgroup *place, const char *file);

/* -- setting.c: reading and writing one value ------------------------------------------------- */

/* What is written to ask for no limit. */
#define V2_NO_LIMIT "max"
#define V1_NO_LIMIT "-1"

enum { SETTING_SIZE = 32 }; /* of a number as text */

/* Writes value to the file in directory.  The error is "property: write VALUE to FILE: ...". */
int setting_write(const char *directory, const char *file, const char *property, const char *value,
		  struct error *err);
int setting_write_number(const char *directory, const char *file, const char *property,
			 int64_t value, struct error *err);

bool setting_exists(const char *directory, const char *file);

/* The number in the file; UINT64_MAX for "max".  Returns 0 or a negative errno. */
int setting_read(const char *directory, const char *file, uint64_t *value);

/* A property that has no meaning in this version of cgroups. */
int setting_unknown(const char *property, const char *version, struct error *err);
